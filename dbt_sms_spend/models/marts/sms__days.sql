with reported as (
    select
        analytics.source_relation,
        {{ sms_text('seven.io') }} as provider,
        analytics.date,
        {{ messages('analytics') }} as messages,
        {{ sms_null(number()) }} as units,
        analytics.usage_eur as amount,
        {{ sms_text('EUR') }} as currency,
        case when analytics.sms is null or analytics.usage_eur is null then 1 else 0 end as is_invalid,
        case when coalesce(analytics.is_partial, true) then 1 else 0 end as is_partial
    from {{ ref('stg_sms__analytics') }} as analytics

    union all

    select
        consumption.source_relation,
        {{ sms_text('SMSFactor') }} as provider,
        consumption.date,
        {{ sms_null(sms_bigint()) }} as messages,
        cast(sum(consumption.units) as {{ number() }}) as units,
        cast(sum(consumption.amount) as {{ number() }}) as amount,
        max(consumption.currency) as currency,
        max(case when consumption.units is null then 1 else 0 end) as is_invalid,
        -- An account that was deleted keeps the row that was read last, which may be that of a running day.
        min(case when coalesce(consumption.is_partial, true) then 1 else 0 end) as is_partial
    from {{ ref('int_sms__consumption') }} as consumption
    group by consumption.source_relation, consumption.date
),

bounds as (
    select
        reported.source_relation,
        reported.provider,
        min(reported.date) as first_date,
        max(reported.date) as last_date
    from reported
    group by reported.source_relation, reported.provider
),

-- Every day between the first and the last one, whether it was reported or not.
calendar as (
    select
        bounds.source_relation as source_relation,
        bounds.provider as provider,
        {{ sms_add('day', 'numbers.n', 'bounds.first_date') }} as date
    from bounds
    cross join {{ sms_day_numbers() }} as numbers
    where numbers.n <= {{ sms_days_between('bounds.first_date', 'bounds.last_date') }}
)

select
    calendar.source_relation as source_relation,
    calendar.provider as provider,
    calendar.date as date,
    cast(case
        when reported.date is null then 'missing'
        when reported.is_invalid = 1 then 'invalid'
        when reported.is_partial = 1 then 'partial'
        else 'complete'
    end as {{ sms_string() }}) as status,
    case when reported.is_invalid = 0 then reported.messages end as messages,
    case when reported.is_invalid = 0 then reported.units end as units,
    case when reported.is_invalid = 0 then reported.amount end as amount,
    case when reported.is_invalid = 0 then reported.currency end as currency,
    {{ sms_built_at() }} as built_at
from calendar
left join reported
    on calendar.source_relation = reported.source_relation
    and calendar.provider = reported.provider
    and calendar.date = reported.date
