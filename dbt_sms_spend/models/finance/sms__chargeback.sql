with spend as (
    select * from {{ ref('int_sms__spend_by_account') }}
),

named as (
    select
        provider,
        source_relation,
        account_id,
        account_name,
        row_number() over (
            partition by provider, source_relation, account_id
            order by date desc, account_name asc
        ) as place
    from spend
    where account_id is not null
        and account_name is not null
),

-- An account with an id may change its name: its newest one holds for all months.
names as (
    select * from named where place = 1
),

months as (
    select
        spend.source_relation as source_relation,
        spend.provider as provider,
        {{ sms_month('spend.date') }} as month,
        spend.account_id as account_id,
        case when spend.account_id is null then spend.account_name end as name_without_id,
        sum(spend.messages) as messages,
        sum(spend.units) as units,
        sum(spend.amount) as amount,
        spend.currency as currency
    from spend
    inner join {{ ref('sms__days') }} as days
        on spend.source_relation = days.source_relation
        and spend.provider = days.provider
        and spend.date = days.date
    where {{ is_shown() }}
    group by
        spend.source_relation,
        spend.provider,
        {{ sms_month('spend.date') }},
        spend.account_id,
        case when spend.account_id is null then spend.account_name end,
        spend.currency
),

totals as (
    select
        months.source_relation,
        months.provider,
        months.month,
        {{ sms_key('months.currency') }} as currency_key,
        sum(coalesce(months.amount, months.units)) as used
    from months
    group by months.source_relation, months.provider, months.month, {{ sms_key('months.currency') }}
)

select
    months.source_relation as source_relation,
    months.provider as provider,
    months.month as month,
    months.account_id as account_id,
    coalesce(months.name_without_id, names.account_name) as account_name,
    cast(months.messages as {{ sms_bigint() }}) as messages,
    cast(months.units as {{ number() }}) as units,
    cast(months.amount as {{ number() }}) as amount,
    months.currency as currency,
    {{ sms_ratio('100 * coalesce(months.amount, months.units)', 'totals.used', 4) }} as percent_of_month,
    {{ sms_built_at() }} as built_at
from months
inner join totals
    on months.source_relation = totals.source_relation
    and months.provider = totals.provider
    and months.month = totals.month
    and {{ sms_key('months.currency') }} = totals.currency_key
left join names
    on months.source_relation = names.source_relation
    and months.provider = names.provider
    and months.account_id = names.account_id
