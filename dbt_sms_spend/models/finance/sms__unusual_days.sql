with spend as (
    select
        spend.source_relation,
        spend.provider,
        spend.date,
        {{ sms_text('country') }} as kind,
        {{ sms_key('spend.country') }} as part,
        sum(coalesce(spend.units, spend.amount)) as used
    from {{ ref('sms__daily_spend') }} as spend
    group by spend.source_relation, spend.provider, spend.date, {{ sms_key('spend.country') }}

    union all

    select
        spend.source_relation,
        spend.provider,
        spend.date,
        'account' as kind,
        spend.account_id as part,
        sum(coalesce(spend.units, spend.amount)) as used
    from {{ ref('sms__daily_spend') }} as spend
    where spend.account_id is not null
    group by spend.source_relation, spend.provider, spend.date, spend.account_id
),

days as (
    select
        days.source_relation,
        days.provider,
        days.date,
        days.status
    from {{ ref('sms__days') }} as days
    where {{ is_shown() }}
),

days_with_accounts as (
    select
        known.source_relation,
        known.date
    from {{ ref('int_sms__days_with_accounts') }} as known
),

known_days as (
    select source_relation, provider, date, status, {{ sms_text('country') }} as kind
    from days

    union all

    select days.source_relation, days.provider, days.date, days.status, 'account' as kind
    from days
    left join days_with_accounts
        on days.source_relation = days_with_accounts.source_relation
        and days.date = days_with_accounts.date
    where days.provider = 'SMSFactor' or days_with_accounts.date is not null
),

parts as (
    select distinct source_relation, provider, kind, part
    from spend
),

-- A known day on which a country or account is not named is a day of zero.
history as (
    select
        known_days.source_relation as source_relation,
        known_days.provider as provider,
        known_days.kind as kind,
        known_days.date as date,
        known_days.status as status,
        parts.part as part,
        coalesce(spend.used, 0) as used
    from known_days
    inner join parts
        on known_days.source_relation = parts.source_relation
        and known_days.provider = parts.provider
        and known_days.kind = parts.kind
    left join spend
        on known_days.source_relation = spend.source_relation
        and known_days.provider = spend.provider
        and known_days.kind = spend.kind
        and known_days.date = spend.date
        and parts.part = spend.part
),

weeks_before as (
    select numbers.n
    from {{ sms_day_numbers() }} as numbers
    where numbers.n < {{ var('anomaly_weeks') }}
),

-- Each day is an earlier one of the same weekday for the weeks after it.
earlier as (
    select
        history.source_relation as source_relation,
        history.provider as provider,
        history.kind as kind,
        history.part as part,
        {{ sms_add('day', '7 * (weeks_before.n + 1)', 'history.date') }} as date,
        history.used as used
    from history
    cross join weeks_before
    where history.status = 'complete'
),

ranked as (
    select
        *,
        row_number() over (partition by source_relation, provider, kind, part, date order by used) as place,
        count(*) over (partition by source_relation, provider, kind, part, date) as days_compared
    from earlier
),

medians as (
    select
        source_relation,
        provider,
        kind,
        part,
        date,
        days_compared,
        {{ sms_ratio('sum(used)', 'count(*)', 9) }} as median_of_weekday
    from ranked
    -- The one in the middle, or the two.
    where 2 * place in (days_compared, days_compared + 1, days_compared + 2)
    group by source_relation, provider, kind, part, date, days_compared
),

judged as (
    select
        history.source_relation as source_relation,
        history.provider as provider,
        history.kind as kind,
        history.date as date,
        history.status as status,
        history.part as part,
        history.used as used,
        medians.days_compared as days_compared,
        medians.median_of_weekday as median_of_weekday,
        case when history.provider = 'seven.io' then {{ var('anomaly_min_eur') }} else {{ var('anomaly_min_units') }} end
            as least
    from history
    inner join medians
        on history.source_relation = medians.source_relation
        and history.provider = medians.provider
        and history.kind = medians.kind
        and history.part = medians.part
        and history.date = medians.date
    where medians.days_compared >= {{ var('anomaly_weeks_needed') }}
)

select
    source_relation,
    provider,
    date,
    kind,
    nullif(part, '') as part,
    case when provider = 'seven.io' then 'EUR' else 'units' end as measured_in,
    case when used > median_of_weekday then 'spike' else 'drop' end as direction,
    cast(used as {{ number() }}) as used,
    median_of_weekday,
    cast(used - median_of_weekday as {{ number() }}) as difference,
    cast(days_compared as {{ sms_bigint() }}) as weeks_compared,
    {{ sms_built_at() }} as built_at
from judged
where (used >= least and used > {{ var('anomaly_factor') }} * median_of_weekday)
    -- A day that is still running may be low, and is no drop.
    or (status = 'complete' and median_of_weekday >= least and {{ var('anomaly_factor') }} * used < median_of_weekday)
