{%- set weeks = var('forecast_weeks') %}

-- All connections of a provider together. A day counts as known once each of them has read it after it ended: the days
-- after the last one of any connection are left out, or the usage of that connection would be missing from their sum.
with last_days as (
    select
        days.provider,
        days.source_relation,
        max(days.date) as last_day
    from {{ ref('sms__days') }} as days
    group by days.provider, days.source_relation
),

read_by_all as (
    select
        provider,
        min(last_day) as last_day
    from last_days
    group by provider
),

days as (
    select
        days.provider as provider,
        days.date as date,
        max({{ sms_measure('days') }}) as measured_in,
        sum({{ sms_used('days') }}) as used
    from {{ ref('sms__days') }} as days
    inner join read_by_all
        on days.provider = read_by_all.provider
    where days.date <= read_by_all.last_day
    group by days.provider, days.date
    having min(case when days.status = 'complete' and {{ sms_used('days') }} is not null then 1 else 0 end) = 1
        and min({{ sms_measure('days') }}) = max({{ sms_measure('days') }})
),

ends as (
    select
        provider,
        max(date) as complete_to
    from days
    group by provider
),

scopes as (
    select
        ends.provider as provider,
        ends.complete_to as complete_to,
        days.measured_in as measured_in,
        {{ sms_month('ends.complete_to') }} as month,
        {{ sms_add('month', 1, sms_month('ends.complete_to')) }} as next_month,
        {{ sms_add('month', -1, sms_month('ends.complete_to')) }} as last_month
    from ends
    inner join days
        on ends.provider = days.provider
        and ends.complete_to = days.date
),

-- Days in another currency are not known in this one.
known as (
    select
        scopes.provider as provider,
        scopes.measured_in as measured_in,
        scopes.complete_to as complete_to,
        days.date as date,
        days.used as used,
        cast(days.used as {{ sms_float() }}) as approximate,
        {{ sms_weekday('days.date') }} as weekday,
        {{ sms_days_between('days.date', 'scopes.complete_to') }} as age
    from scopes
    inner join days
        on scopes.provider = days.provider
        and scopes.measured_in = days.measured_in
),

history as (
    -- A refund says nothing about the days to come.
    select
        *,
        avg(approximate) over (partition by provider, weekday) as mean_of_weekday
    from known
    where age < {{ 7 * weeks }} and used >= 0
),

-- Variances are binary fractions: products of exact figures would need more digits than a database has.
weekdays as (
    select
        provider,
        weekday,
        count(*) as seen,
        sum(used) / count(*) as mean,
        case
            when count(*) > 1
                then sum((approximate - mean_of_weekday) * (approximate - mean_of_weekday)) / (count(*) - 1)
        end as variance
    from history
    group by provider, weekday
),

patterns as (
    select
        provider,
        count(*) as weekdays_seen,
        min(seen) as seen_least,
        sum(variance) as variance_of_week
    from weekdays
    group by provider
),

totals_of_weeks as (
    select
        provider,
        floor(age / 7.0) as week,
        sum(approximate) as used_in_week
    from history
    group by provider, floor(age / 7.0)
    having count(*) = 7
),

weeks as (
    select
        *,
        avg(used_in_week) over (partition by provider) as mean_of_weeks
    from totals_of_weeks
),

spread_of_weeks as (
    select
        provider,
        case
            when count(*) > 1
                then sum((used_in_week - mean_of_weeks) * (used_in_week - mean_of_weeks)) / (count(*) - 1)
        end as variance
    from weeks
    group by provider
),

means as (
    select
        provider,
        count(*) as seen,
        sum(used) / count(*) as mean
    from history
    group by provider
),

numbers as (
    select days.n
    from {{ sms_day_numbers() }} as days
    where days.n < 31
),

month_days as (
    select
        scopes.provider as provider,
        {{ sms_add('day', 'numbers.n', 'scopes.month') }} as date
    from scopes
    cross join numbers
    where {{ sms_add('day', 'numbers.n', 'scopes.month') }} < scopes.next_month
),

to_estimate as (
    select
        month_days.provider as provider,
        {{ sms_weekday('month_days.date') }} as weekday,
        count(*) as days
    from month_days
    left join known
        on month_days.provider = known.provider
        and month_days.date = known.date
    where known.date is null
    group by month_days.provider, {{ sms_weekday('month_days.date') }}
),

estimates as (
    select
        to_estimate.provider as provider,
        sum(to_estimate.days) as days_estimated,
        sum(case
            when patterns.weekdays_seen = 7 then to_estimate.days * weekdays.mean
            else to_estimate.days * coalesce(means.mean, 0)
        end) as estimated,
        case
            when min(patterns.weekdays_seen) = 7 and min(patterns.seen_least) > 1
                -- The days themselves, and the means, which are of a few weeks only.
                then sum(
                    to_estimate.days * weekdays.variance
                    + to_estimate.days * to_estimate.days * weekdays.variance / weekdays.seen
                )
        end as variance
    from to_estimate
    left join means on to_estimate.provider = means.provider
    left join patterns on to_estimate.provider = patterns.provider
    left join weekdays
        on to_estimate.provider = weekdays.provider
        and to_estimate.weekday = weekdays.weekday
    group by to_estimate.provider
),

sums as (
    select
        scopes.provider as provider,
        coalesce(sum(case when known.date >= scopes.month then known.used end), 0) as month_to_date,
        coalesce(sum(case when known.date >= scopes.month and known.used < 0 then -known.used end), 0) as refunded_to_date,
        count(case when known.date >= scopes.month then 1 end) as days_known,
        sum(case when known.date >= scopes.last_month and known.date < scopes.month then known.used end)
            as last_month,
        count(case when known.date >= scopes.last_month and known.date < scopes.month then 1 end)
            as last_month_days_known,
        sum(case
            when known.date >= scopes.last_month
                and known.date < scopes.month
                and {{ sms_days_between('scopes.last_month', 'known.date') }}
                    <= {{ sms_days_between('scopes.month', 'scopes.complete_to') }}
                then known.used
        end) as last_month_to_same_day,
        count(case
            when known.date >= scopes.last_month
                and known.date < scopes.month
                and {{ sms_days_between('scopes.last_month', 'known.date') }}
                    <= {{ sms_days_between('scopes.month', 'scopes.complete_to') }}
                then 1
        end) as last_month_days_to_same_day
    from scopes
    inner join known on scopes.provider = known.provider
    group by scopes.provider
),

budgets as (
    select
        listed.provider,
        {{ sms_month("cast(listed.month as " ~ sms_date() ~ ")") }} as month,
        listed.measured_in,
        sum(cast(listed.amount as {{ number() }})) as amount
    from {{ ref(var('sms_budget')) }} as listed
    group by listed.provider, {{ sms_month("cast(listed.month as " ~ sms_date() ~ ")") }}, listed.measured_in
),

ranges as (
    select
        scopes.provider as provider,
        scopes.complete_to as complete_to,
        scopes.measured_in as measured_in,
        scopes.month as month,
        sums.month_to_date as month_to_date,
        sums.refunded_to_date as refunded_to_date,
        sums.days_known as days_known,
        {{ sms_days_between('scopes.month', 'scopes.complete_to') }} + 1 as days_to_date,
        coalesce(estimates.days_estimated, 0) as days_estimated,
        sums.month_to_date + coalesce(estimates.estimated, 0) as forecast,
        case
            when estimates.provider is null then 0
            when spread_of_weeks.variance > patterns.variance_of_week and patterns.variance_of_week > 0
                -- Weeks differ by more than their days do, so that days are not independent.
                then 1.4149 * sqrt(estimates.variance * spread_of_weeks.variance / patterns.variance_of_week)
            else 1.4149 * sqrt(estimates.variance)
        end as half_of_range,
        case
            when estimates.provider is null then 'no day left'
            when patterns.weekdays_seen = 7 then 'weekdays'
            else 'mean of all days'
        end as forecast_by,
        sums.last_month as last_month_total,
        sums.last_month_days_known as last_month_days_known,
        {{ sms_days_between('scopes.last_month', 'scopes.month') }} as last_month_days,
        sums.last_month_to_same_day as last_month_to_same_day,
        sums.last_month_days_to_same_day as last_month_days_to_same_day
    from scopes
    inner join sums on scopes.provider = sums.provider
    left join patterns on scopes.provider = patterns.provider
    left join estimates on scopes.provider = estimates.provider
    left join spread_of_weeks on scopes.provider = spread_of_weeks.provider
)

select
    ranges.provider as provider,
    ranges.month as month,
    ranges.measured_in as measured_in,
    ranges.complete_to as complete_to,
    cast(ranges.month_to_date as {{ number() }}) as month_to_date,
    cast(ranges.refunded_to_date as {{ number() }}) as refunded_to_date,
    cast(ranges.days_to_date - ranges.days_known as {{ sms_bigint() }}) as days_missing_to_date,
    cast(round(cast(ranges.forecast as {{ number() }}), 2) as {{ number() }}) as forecast,
    cast(
        round(
            cast(
                case
                    when ranges.forecast - ranges.half_of_range < ranges.month_to_date
                        and ranges.month_to_date <= ranges.forecast then ranges.month_to_date
                    else ranges.forecast - ranges.half_of_range
                end
                as {{ number() }}
            ),
            2
        ) as {{ number() }}
    ) as forecast_low,
    cast(round(cast(ranges.forecast + ranges.half_of_range as {{ number() }}), 2) as {{ number() }}) as forecast_high,
    ranges.forecast_by as forecast_by,
    cast(ranges.days_estimated as {{ sms_bigint() }}) as days_estimated,
    cast(
        case
            when ranges.last_month_days_to_same_day = case
                when ranges.days_to_date < ranges.last_month_days then ranges.days_to_date else ranges.last_month_days
            end then ranges.last_month_to_same_day
        end as {{ number() }}
    ) as last_month_to_same_day,
    cast(
        case when ranges.last_month_days_known = ranges.last_month_days then ranges.last_month_total end
        as {{ number() }}
    ) as last_month,
    cast(budgets.amount as {{ number() }}) as budget,
    cast(round(cast(ranges.forecast as {{ number() }}), 2) - budgets.amount as {{ number() }}) as forecast_above_budget,
    {{ sms_built_at() }} as built_at
from ranges
left join budgets
    on ranges.provider = budgets.provider
    and ranges.month = budgets.month
    and ranges.measured_in = budgets.measured_in
