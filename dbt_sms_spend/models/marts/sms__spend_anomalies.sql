with spend as (
    select
        provider,
        date,
        coalesce(country, '') as country,
        sum(coalesce(units, amount)) as used
    from {{ ref('sms__daily_spend') }}
    group by provider, date, coalesce(country, '')
),

days as (
    select
        provider,
        date
    from {{ ref('sms__days') }}
    where status = 'complete'
),

-- A complete day on which a country is not named is a day of zero.
history as (
    select
        days.provider,
        days.date,
        countries.country,
        coalesce(spend.used, 0) as used
    from days
    inner join (select distinct provider, country from spend) as countries on days.provider = countries.provider
    left join spend
        on days.provider = spend.provider
        and days.date = spend.date
        and countries.country = spend.country
),

judged as (
    select
        spend.provider,
        spend.date,
        spend.country,
        spend.used,
        count(history.date) as weeks,
        cast(percentile_cont(0.5) within group (order by history.used) as {{ number() }}) as median_of_weekday
    from spend
    inner join history
        on spend.provider = history.provider
        and spend.country = history.country
        and history.date < spend.date
        and history.date >= spend.date - 7 * {{ var('anomaly_weeks') }}
        and mod(spend.date - history.date, 7) = 0
    group by spend.provider, spend.date, spend.country, spend.used
)

select
    provider,
    date,
    nullif(country, '') as country,
    case when provider = 'seven.io' then 'EUR' else 'units' end as measured_in,
    used,
    median_of_weekday,
    used - median_of_weekday as above_median,
    weeks as weeks_compared
from judged
where weeks >= {{ var('anomaly_weeks_needed') }}
    and used > {{ var('anomaly_factor') }} * median_of_weekday
    and used >= case
        when provider = 'seven.io' then {{ var('anomaly_min_eur') }}
        else {{ var('anomaly_min_units') }}
    end
