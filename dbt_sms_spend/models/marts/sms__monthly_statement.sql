with months as (
    select
        provider,
        cast({{ dbt.date_trunc('month', 'date') }} as date) as month,
        count(case when status = 'complete' then 1 end) as complete_days
    from {{ ref('sms__days') }}
    group by provider, cast({{ dbt.date_trunc('month', 'date') }} as date)
),

spend as (
    select
        days.provider,
        cast({{ dbt.date_trunc('month', 'days.date') }} as date) as month,
        spend.account_id,
        -- An account with an id may change its name.
        max(spend.account_name) as account_name,
        sum(spend.messages) as messages,
        sum(spend.units) as units,
        sum(spend.amount) as amount,
        spend.currency
    from {{ ref('int_sms__spend_by_account') }} as spend
    inner join {{ ref('sms__days') }} as days
        on spend.provider = days.provider
        and spend.date = days.date
    where {{ is_shown() }}
    group by
        days.provider,
        cast({{ dbt.date_trunc('month', 'days.date') }} as date),
        spend.account_id,
        case when spend.account_id is null then spend.account_name end,
        spend.currency
)

select
    spend.month,
    spend.provider,
    spend.account_id,
    spend.account_name,
    spend.messages,
    spend.units,
    spend.amount,
    spend.currency,
    months.complete_days,
    months.complete_days = cast({{ dbt.dateadd('month', 1, 'spend.month') }} as date) - spend.month as is_whole_month
from spend
inner join months
    on spend.provider = months.provider
    and spend.month = months.month
