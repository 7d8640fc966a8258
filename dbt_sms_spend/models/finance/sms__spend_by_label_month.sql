with months as (
    select
        spend.source_relation,
        spend.provider,
        {{ sms_month('spend.date') }} as month,
        spend.label,
        sum(spend.messages) as messages,
        sum(spend.amount) as amount,
        spend.currency
    from {{ ref('sms__spend_by_label') }} as spend
    group by spend.source_relation, spend.provider, {{ sms_month('spend.date') }}, spend.label, spend.currency
),

totals as (
    select
        months.source_relation,
        months.provider,
        months.month,
        months.currency,
        sum(months.amount) as amount
    from months
    group by months.source_relation, months.provider, months.month, months.currency
)

select
    months.source_relation as source_relation,
    months.provider as provider,
    months.month as month,
    months.label as label,
    cast(months.messages as {{ sms_bigint() }}) as messages,
    cast(months.amount as {{ number() }}) as amount,
    months.currency as currency,
    {{ sms_ratio('100 * months.amount', 'totals.amount', 4) }} as percent_of_month,
    cast(coalesce(earlier.amount, 0) as {{ number() }}) as amount_month_before,
    {{ sms_built_at() }} as built_at
from months
inner join totals
    on months.source_relation = totals.source_relation
    and months.provider = totals.provider
    and months.month = totals.month
    and months.currency = totals.currency
left join months as earlier
    on months.source_relation = earlier.source_relation
    and months.provider = earlier.provider
    and months.label = earlier.label
    and months.currency = earlier.currency
    and {{ sms_add('month', -1, 'months.month') }} = earlier.month
