with recursive reported as (
    select
        cast('seven.io' as {{ dbt.type_string() }}) as provider,
        date,
        {{ messages() }} as messages,
        cast(null as {{ number() }}) as units,
        usage_eur as amount,
        cast('EUR' as {{ dbt.type_string() }}) as currency,
        is_partial
    from {{ ref('stg_sms__analytics') }}

    union all

    select
        'SMSFactor' as provider,
        date,
        null as messages,
        sum(units) as units,
        sum(amount) as amount,
        currency,
        -- An account that was deleted keeps the row that was read last.
        bool_and(is_partial) as is_partial
    from {{ ref('int_sms__consumption') }}
    group by date, currency
),

-- Every day between the first and the last one, whether it was reported or not.
calendar as (
    select
        provider,
        min(date) as date,
        max(date) as last_date
    from reported
    group by provider

    union all

    select
        provider,
        date + 1 as date,
        last_date
    from calendar
    where date < last_date
)

select
    calendar.provider,
    calendar.date,
    case
        when reported.date is null then 'missing'
        when reported.is_partial then 'partial'
        else 'complete'
    end as status,
    reported.messages,
    reported.units,
    reported.amount,
    reported.currency
from calendar
left join reported
    on calendar.provider = reported.provider
    and calendar.date = reported.date
