with accounts as (
    select
        parts.source_relation,
        parts.date,
        sum({{ messages('parts') }}) as messages,
        cast(sum(parts.usage_eur) as {{ number() }}) as usage_eur
    from {{ ref('stg_sms__analytics_by_subaccount_and_country') }} as parts
    group by parts.source_relation, parts.date
),

totals as (
    select
        days.source_relation,
        days.date,
        {{ messages('days') }} as messages,
        days.usage_eur
    from {{ ref('stg_sms__analytics') }} as days
)

select
    accounts.source_relation as source_relation,
    accounts.date as date
from accounts
inner join totals
    on accounts.source_relation = totals.source_relation
    and accounts.date = totals.date
where accounts.messages = totals.messages
    and accounts.usage_eur = totals.usage_eur
