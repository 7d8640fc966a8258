-- The ledger of each balance. Two snapshots in a row and the usage between them leave a rest: a top-up, or nothing known.
{%- set account = 'source_relation, provider, account_key' %}
{%- set cent = '0.01' %}

with snapshots as (
    select * from {{ ref('int_sms__balance_snapshots') }}
),

named as (
    select
        {{ account }},
        account_name,
        row_number() over (partition by {{ account }} order by date desc) as place
    from snapshots
    where account_name is not null
),

names as (
    select * from named where place = 1
),

usage as (
    select * from {{ ref('int_sms__balance_usage') }}
),

usage_and_snapshots as (
    select {{ account }}, date from usage
    union all
    select {{ account }}, date from snapshots
),

all_days as (
    select distinct {{ account }}, date from usage_and_snapshots
),

-- Sums up to and including each day, so that the usage between two snapshots is a difference.
running as (
    select
        all_days.provider as provider,
        all_days.source_relation as source_relation,
        all_days.account_key as account_key,
        all_days.date as date,
        snapshots.balance as balance,
        snapshots.measured_in as measured_in,
        snapshots.least_topup as least_topup,
        coalesce(usage.used, 0) as used_on_day,
        case when usage.date is not null then 1 else 0 end as is_known,
        sum(coalesce(usage.used, 0)) over (
            partition by all_days.provider, all_days.source_relation, all_days.account_key
            order by all_days.date
            rows between unbounded preceding and current row
        ) as used_so_far,
        sum(case when usage.date is not null then 1 else 0 end) over (
            partition by all_days.provider, all_days.source_relation, all_days.account_key
            order by all_days.date
            rows between unbounded preceding and current row
        ) as known_so_far
    from all_days
    left join usage
        on all_days.provider = usage.provider
        and all_days.source_relation = usage.source_relation
        and all_days.account_key = usage.account_key
        and all_days.date = usage.date
    left join snapshots
        on all_days.provider = snapshots.provider
        and all_days.source_relation = snapshots.source_relation
        and all_days.account_key = snapshots.account_key
        and all_days.date = snapshots.date
),

pairs as (
    select
        {{ account }},
        date as first_date,
        lead(date) over (partition by {{ account }} order by date) as second_date,
        measured_in,
        lead(measured_in) over (partition by {{ account }} order by date) as second_measured_in,
        least_topup,
        balance as first_balance,
        lead(balance) over (partition by {{ account }} order by date) as second_balance,
        used_on_day as used_on_first,
        lead(used_on_day) over (partition by {{ account }} order by date) as used_on_second,
        used_so_far as used_to_first,
        lead(used_so_far) over (partition by {{ account }} order by date) as used_to_second,
        is_known as known_on_first,
        lead(is_known) over (partition by {{ account }} order by date) as known_on_second,
        known_so_far as known_to_first,
        lead(known_so_far) over (partition by {{ account }} order by date) as known_to_second
    from running
    where balance is not null
),

intervals as (
    select
        {{ account }},
        first_date,
        second_date,
        measured_in,
        least_topup,
        first_balance,
        second_balance,
        used_on_first,
        used_on_second,
        {{ sms_days_between('first_date', 'second_date') }} as days,
        -- As if both snapshots were taken when their day began, or when it ended.
        used_to_second - used_on_second - used_to_first + used_on_first as used_from_starts,
        used_to_second - used_to_first as used_from_ends,
        known_to_second - known_on_second - known_to_first + known_on_first as known_from_starts,
        known_to_second - known_to_first as known_from_ends
    from pairs
    where second_date is not null
        and measured_in = second_measured_in
),

rests as (
    select
        *,
        second_balance - first_balance + used_from_starts as rest_from_starts,
        second_balance - first_balance + used_from_ends as rest_from_ends
    from intervals
),

fits as (
    select
        {{ account }},
        count(*) as pairs_judged,
        sum(case when abs(rest_from_starts) <= {{ cent }} then 1 else 0 end) as pairs_from_starts,
        sum(case when abs(rest_from_ends) <= {{ cent }} and known_from_ends = days then 1 else 0 end) as pairs_from_ends
    from rests
    -- Where the two are equal a pair says nothing about the moment.
    where used_from_starts <> used_from_ends
        and known_from_starts = days
    group by {{ account }}
),

moments as (
    select
        {{ account }},
        case
            when pairs_from_starts >= 2 and 2 * pairs_from_starts >= pairs_judged and pairs_from_starts >= pairs_from_ends
                then {{ sms_text('start of day') }}
            when pairs_from_ends >= 2 and 2 * pairs_from_ends >= pairs_judged then {{ sms_text('end of day') }}
            else {{ sms_text('during the day') }}
        end as snapshot_moment
    from fits
),

bounded as (
    select
        rests.source_relation as source_relation,
        rests.provider as provider,
        rests.account_key as account_key,
        rests.first_date as first_date,
        rests.second_date as second_date,
        rests.measured_in as measured_in,
        rests.least_topup as least_topup,
        rests.first_balance as first_balance,
        rests.second_balance as second_balance,
        rests.days as days,
        coalesce(moments.snapshot_moment, 'during the day') as snapshot_moment,
        case when moments.snapshot_moment = 'end of day' then 1 else 0 end as shift,
        case when moments.snapshot_moment = 'end of day' then rests.known_from_ends else rests.known_from_starts end
            as days_known,
        case
            when moments.snapshot_moment = 'end of day' then rests.rest_from_ends
            else rests.rest_from_starts
        end as rest,
        -- The usage of the two days of the snapshots may lie before or after them.
        case
            when moments.snapshot_moment in ('start of day', 'end of day') then {{ cent }}
            when abs(rests.used_on_first) > abs(rests.used_on_second) then abs(rests.used_on_first) + {{ cent }}
            else abs(rests.used_on_second) + {{ cent }}
        end as tolerance,
        case
            when moments.snapshot_moment = 'start of day' then rests.rest_from_starts - {{ cent }}
            when moments.snapshot_moment = 'end of day' then rests.rest_from_ends - {{ cent }}
            else rests.rest_from_starts - rests.used_on_first
                + case when rests.used_on_first < 0 then rests.used_on_first else 0 end
                + case when rests.used_on_second < 0 then rests.used_on_second else 0 end
        end as low,
        case
            when moments.snapshot_moment = 'start of day' then rests.rest_from_starts + {{ cent }}
            when moments.snapshot_moment = 'end of day' then rests.rest_from_ends + {{ cent }}
            else rests.rest_from_starts - rests.used_on_first
                + case when rests.used_on_first > 0 then rests.used_on_first else 0 end
                + case when rests.used_on_second > 0 then rests.used_on_second else 0 end
        end as high
    from rests
    left join moments
        on rests.provider = moments.provider
        and rests.source_relation = moments.source_relation
        and rests.account_key = moments.account_key
),

judged as (
    select
        {{ account }},
        {{ sms_add('day', 'shift', 'first_date') }} as opens_on,
        {{ sms_add('day', 'shift', 'second_date') }} as closes_before,
        measured_in,
        first_balance,
        second_balance,
        snapshot_moment,
        days,
        tolerance,
        measured_in in ('EUR', 'credits') as is_comparable,
        days_known = days as is_usage_known,
        case
            when not (measured_in in ('EUR', 'credits') and days_known = days and low + {{ cent }} >= least_topup) then 0
            when snapshot_moment = 'during the day' then {{ sms_roundest('low', '((low + high) / 2)', 'high') }}
            -- The balance is rounded to the cent: a whole amount that is less than a cent away is the amount.
            when abs(rest - round(rest, 0)) < 0.009 then cast(round(rest, 0) as {{ number() }})
            else cast(round(rest, 2) as {{ number() }})
        end as top_up
    from bounded
),

bounds as (
    select
        min(judged.opens_on) as first_date,
        max(judged.closes_before) as end_date
    from judged
),

calendar as (
    select {{ sms_add('day', 'numbers.n', 'bounds.first_date') }} as date
    from bounds
    cross join {{ sms_day_numbers() }} as numbers
    where numbers.n < {{ sms_days_between('bounds.first_date', 'bounds.end_date') }}
),

accounts as (
    select distinct {{ account }} from judged
),

ledger_days as (
    select
        accounts.source_relation as source_relation,
        accounts.provider as provider,
        accounts.account_key as account_key,
        calendar.date as date
    from accounts
    cross join calendar
),

-- A day without a snapshot belongs to the snapshot before it.
placed as (
    select
        ledger_days.provider as provider,
        ledger_days.source_relation as source_relation,
        ledger_days.account_key as account_key,
        ledger_days.date as date,
        max(judged.opens_on) over (
            partition by ledger_days.provider, ledger_days.source_relation, ledger_days.account_key
            order by ledger_days.date
            rows between unbounded preceding and current row
        ) as opens_on
    from ledger_days
    left join judged
        on ledger_days.provider = judged.provider
        and ledger_days.source_relation = judged.source_relation
        and ledger_days.account_key = judged.account_key
        and ledger_days.date = judged.opens_on
),

booked as (
    select
        judged.source_relation as source_relation,
        judged.provider as provider,
        judged.account_key as account_key,
        judged.measured_in as measured_in,
        judged.first_balance as first_balance,
        judged.second_balance as second_balance,
        judged.snapshot_moment as snapshot_moment,
        judged.days as days,
        judged.tolerance as tolerance,
        judged.is_comparable as is_comparable,
        judged.is_usage_known as is_usage_known,
        judged.top_up as top_up,
        placed.date as date,
        case when judged.is_comparable then usage.used end as used,
        coalesce(
            sum(case when judged.is_comparable then usage.used end) over (
                partition by judged.provider, judged.source_relation, judged.account_key, judged.opens_on
                order by placed.date
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as used_before,
        row_number() over (
            partition by judged.provider, judged.source_relation, judged.account_key, judged.opens_on
            order by placed.date desc
        ) as place_from_end
    from placed
    inner join judged
        on placed.provider = judged.provider
        and placed.source_relation = judged.source_relation
        and placed.account_key = judged.account_key
        and placed.opens_on = judged.opens_on
        and placed.date < judged.closes_before
    left join usage
        on placed.provider = usage.provider
        and placed.source_relation = usage.source_relation
        and placed.account_key = usage.account_key
        and placed.date = usage.date
),

entries as (
    select
        *,
        first_balance - used_before as opening_balance,
        case when place_from_end = 1 then top_up else 0 end as top_up_of_day,
        case when place_from_end = 1 then second_balance else first_balance - used_before - coalesce(used, 0) end
            as closing_balance
    from booked
)

select
    entries.source_relation as source_relation,
    entries.provider as provider,
    nullif(entries.account_key, '') as account_id,
    names.account_name as account_name,
    entries.date as date,
    entries.measured_in as measured_in,
    cast(entries.opening_balance as {{ number() }}) as opening_balance,
    cast(entries.top_up_of_day as {{ number() }}) as top_up,
    cast(entries.used as {{ number() }}) as used,
    cast(
        entries.closing_balance - entries.opening_balance - entries.top_up_of_day + coalesce(entries.used, 0)
        as {{ number() }}
    ) as unexplained,
    cast(entries.closing_balance as {{ number() }}) as closing_balance,
    cast(entries.place_from_end = 1 as {{ sms_boolean() }}) as is_measured,
    cast(entries.days as {{ sms_bigint() }}) as days_between_snapshots,
    entries.snapshot_moment as snapshot_moment,
    cast(entries.tolerance as {{ number() }}) as tolerance,
    case
        when not entries.is_comparable then 'other currency'
        when not entries.is_usage_known then 'usage not known'
        when entries.top_up_of_day > 0 then 'topped up'
        when abs(
            entries.closing_balance - entries.opening_balance - entries.top_up_of_day + coalesce(entries.used, 0)
        ) > entries.tolerance then 'unexplained'
        else 'explained'
    end as status,
    {{ sms_built_at() }} as built_at
from entries
left join names
    on entries.provider = names.provider
    and entries.source_relation = names.source_relation
    and entries.account_key = names.account_key
