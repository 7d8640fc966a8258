with months as (
    select
        days.source_relation,
        days.provider,
        {{ sms_month('days.date') }} as month,
        count(case when days.status = 'complete' then 1 end) as complete_days
    from {{ ref('sms__days') }} as days
    group by days.source_relation, days.provider, {{ sms_month('days.date') }}
),

spend as (
    select
        spend.source_relation as source_relation,
        spend.provider as provider,
        {{ sms_month('spend.date') }} as month,
        spend.date as date,
        spend.account_id as account_id,
        spend.account_name as account_name,
        -- Where there is no id, the name tells the accounts apart.
        case when spend.account_id is null then {{ sms_key('spend.account_name') }} else '' end as name_key,
        spend.messages as messages,
        spend.units as units,
        spend.amount as amount,
        spend.currency as currency
    from {{ ref('int_sms__spend_by_account') }} as spend
    inner join {{ ref('sms__days') }} as days
        on spend.source_relation = days.source_relation
        and spend.provider = days.provider
        and spend.date = days.date
    where {{ is_shown() }}
),

-- An account with an id may change its name within the month: the newest one counts.
names as (
    select
        spend.*,
        row_number() over (
            partition by spend.source_relation, spend.provider, spend.month, spend.account_id, spend.name_key
            order by case when spend.account_name is null then 1 else 0 end asc, spend.date desc
        ) as name_rank
    from spend
),

sums as (
    select
        spend.source_relation,
        spend.provider,
        spend.month,
        spend.account_id,
        spend.name_key,
        spend.currency,
        cast(sum(spend.messages) as {{ sms_bigint() }}) as messages,
        cast(sum(spend.units) as {{ number() }}) as units,
        cast(sum(spend.amount) as {{ number() }}) as amount
    from spend
    group by
        spend.source_relation,
        spend.provider,
        spend.month,
        spend.account_id,
        spend.name_key,
        spend.currency
)

select
    sums.source_relation as source_relation,
    sums.month as month,
    sums.provider as provider,
    sums.account_id as account_id,
    names.account_name as account_name,
    sums.messages as messages,
    sums.units as units,
    sums.amount as amount,
    sums.currency as currency,
    cast(months.complete_days as {{ sms_bigint() }}) as complete_days,
    cast(
        months.complete_days = {{ sms_days_between('sums.month', sms_add('month', 1, 'sums.month')) }}
        as {{ sms_boolean() }}
    ) as is_whole_month,
    {{ sms_built_at() }} as built_at
from sums
inner join months
    on sums.source_relation = months.source_relation
    and sums.provider = months.provider
    and sums.month = months.month
inner join names
    on sums.source_relation = names.source_relation
    and sums.provider = names.provider
    and sums.month = names.month
    and {{ sms_key('sums.account_id') }} = {{ sms_key('names.account_id') }}
    and sums.name_key = names.name_key
where names.name_rank = 1
