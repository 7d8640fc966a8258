with history as (
    select * from {{ ref('sms__price_history') }}
),

first_lists as (
    select
        history.source_relation,
        min(history.valid_from) as first_date
    from history
    group by history.source_relation
),

changes as (
    select
        coalesce(later.source_relation, earlier.source_relation) as source_relation,
        coalesce(later.country_code, earlier.country_code) as country_code,
        coalesce(later.country_name, earlier.country_name) as country_name,
        coalesce(later.mcc, earlier.mcc) as mcc,
        coalesce(later.network_name, earlier.network_name) as network_name,
        coalesce(later.valid_from, earlier.valid_to) as changed_on,
        earlier.last_listed_on as last_listed_on,
        earlier.price as old_price,
        later.price as new_price
    from history as earlier
    full join history as later
        on earlier.source_relation = later.source_relation
        and earlier.country_code = later.country_code
        and earlier.mcc = later.mcc
        and earlier.network_name = later.network_name
        and earlier.valid_to = later.valid_from
),

ends as (
    select
        days.source_relation,
        max(days.date) as last_date
    from {{ ref('sms__days') }} as days
    where days.provider = 'seven.io'
        and days.status = 'complete'
    group by days.source_relation
),

-- What the countries use now: the last 28 days up to the last complete one.
recent as (
    select
        usage.source_relation as source_relation,
        usage.country as country,
        sum(usage.sms) as sent
    from {{ ref('int_sms__usage') }} as usage
    inner join {{ ref('sms__days') }} as days
        on usage.source_relation = days.source_relation
        and days.provider = 'seven.io'
        and usage.date = days.date
    inner join ends on usage.source_relation = ends.source_relation
    where days.status = 'complete'
        and usage.date > {{ sms_add('day', -28, 'ends.last_date') }}
    group by usage.source_relation, usage.country
)

select
    changes.source_relation as source_relation,
    {{ sms_text('seven.io') }} as provider,
    changes.changed_on as date,
    changes.last_listed_on as last_listed_on,
    changes.country_code as country_code,
    changes.country_name as country_name,
    changes.mcc as mcc,
    changes.network_name as network_name,
    changes.old_price as old_price,
    changes.new_price as new_price,
    {{ sms_text('EUR') }} as currency,
    {{ sms_ratio('100 * (changes.new_price - changes.old_price)', 'changes.old_price', 2) }} as percent_change,
    cast(case
        when changes.old_price is null then 'came'
        when changes.new_price is null then 'went'
        when changes.new_price > changes.old_price then 'rose'
        else 'fell'
    end as {{ sms_string() }}) as change,
    cast(case when ends.last_date is not null then coalesce(recent.sent, 0) end as {{ sms_bigint() }}) as sms_28_days,
    cast(
        (changes.new_price - changes.old_price)
        * case when ends.last_date is not null then coalesce(recent.sent, 0) end as {{ number() }}
    ) as amount_moved_28_days,
    {{ sms_built_at() }} as built_at
from changes
inner join first_lists on changes.source_relation = first_lists.source_relation
left join ends on changes.source_relation = ends.source_relation
left join recent
    on changes.source_relation = recent.source_relation
    and changes.country_code = recent.country
-- Neither the networks of the first list nor those that are still listed have changed.
where changes.changed_on > first_lists.first_date
