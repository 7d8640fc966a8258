with spend as (
    select
        spend.source_relation,
        spend.provider,
        spend.date,
        {{ sms_key('spend.country') }} as country_key,
        sum(coalesce(spend.units, spend.amount)) as used
    from {{ ref('sms__daily_spend') }} as spend
    group by spend.source_relation, spend.provider, spend.date, {{ sms_key('spend.country') }}
),

weeks as (
    select numbers.n as weeks_back
    from {{ sms_day_numbers() }} as numbers
    where numbers.n between 1 and {{ var('anomaly_weeks') }}
),

-- The same weekday of the weeks before, as far as these days are complete.
compared_days as (
    select
        spend.source_relation as source_relation,
        spend.provider as provider,
        spend.date as date,
        spend.country_key as country_key,
        spend.used as used,
        {{ sms_add('day', '-7 * weeks.weeks_back', 'spend.date') }} as earlier_date
    from spend
    cross join weeks
),

-- A complete day without the country is a day of zero.
compared as (
    select
        compared_days.source_relation as source_relation,
        compared_days.provider as provider,
        compared_days.date as date,
        compared_days.country_key as country_key,
        compared_days.used as used,
        coalesce(earlier.used, 0) as used_earlier
    from compared_days
    inner join {{ ref('sms__days') }} as days
        on compared_days.source_relation = days.source_relation
        and compared_days.provider = days.provider
        and compared_days.earlier_date = days.date
    left join spend as earlier
        on compared_days.source_relation = earlier.source_relation
        and compared_days.provider = earlier.provider
        and compared_days.earlier_date = earlier.date
        and compared_days.country_key = earlier.country_key
    where days.status = 'complete'
),

ranked as (
    select
        compared.*,
        row_number() over (
            partition by compared.source_relation, compared.provider, compared.date, compared.country_key
            order by compared.used_earlier
        ) as rank_of_week,
        count(*) over (
            partition by compared.source_relation, compared.provider, compared.date, compared.country_key
        ) as weeks_compared
    from compared
),

-- The median is the middle week, or half the sum of the two in the middle.
judged as (
    select
        ranked.source_relation,
        ranked.provider,
        ranked.date,
        ranked.country_key,
        max(ranked.used) as used,
        max(ranked.weeks_compared) as weeks_compared,
        {{ sms_ratio('cast(min(ranked.used_earlier) + max(ranked.used_earlier) as ' ~ number() ~ ')', '2', 9) }}
            as median_of_weekday
    from ranked
    where 2 * ranked.rank_of_week between ranked.weeks_compared and ranked.weeks_compared + 2
    group by ranked.source_relation, ranked.provider, ranked.date, ranked.country_key
)

select
    judged.source_relation,
    judged.provider,
    judged.date,
    nullif(judged.country_key, '') as country,
    cast(case when judged.provider = 'seven.io' then 'EUR' else 'units' end as {{ sms_string() }}) as measured_in,
    cast(judged.used as {{ number() }}) as used,
    judged.median_of_weekday,
    cast(judged.used - judged.median_of_weekday as {{ number() }}) as above_median,
    cast(judged.weeks_compared as {{ sms_bigint() }}) as weeks_compared,
    {{ sms_built_at() }} as built_at
from judged
where judged.weeks_compared >= {{ var('anomaly_weeks_needed') }}
    and judged.used > {{ var('anomaly_factor') }} * judged.median_of_weekday
    and judged.used >= case
        when judged.provider = 'seven.io' then {{ var('anomaly_min_eur') }}
        else {{ var('anomaly_min_units') }}
    end
