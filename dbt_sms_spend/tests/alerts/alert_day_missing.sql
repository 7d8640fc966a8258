-- Each provider with a day that is missing, or that is not complete although alert_days_behind days ago.
with providers as (
    select 'seven.io' as provider{{ " where false" if not is_synced('analytics') }}
    union all
    select 'SMSFactor' as provider{{ " where false" if not is_synced('consumption') }}
),

due as (
    select {{ today() }} - {{ var('alert_days_behind') }} as date
)

select
    providers.provider,
    count(case when days.status = 'missing' then 1 end) as days_missing,
    count(case when days.status = 'partial' and days.date <= due.date then 1 end) as days_left_partial,
    max(case when days.status = 'complete' then days.date end) as last_complete_day
from providers
cross join due
left join {{ ref('sms__days') }} as days on providers.provider = days.provider
group by providers.provider, due.date
having count(case when days.status = 'missing' then 1 end) > 0
    or count(case when days.status = 'partial' and days.date <= due.date then 1 end) > 0
    or coalesce(max(case when days.status = 'complete' then days.date end) < due.date, true)
