with lists as (
    select distinct
        pricing.source_relation,
        pricing.date
    from {{ ref('stg_sms__pricing') }} as pricing
),

days as (
    select
        days.source_relation,
        days.date
    from {{ ref('sms__days') }} as days
    where days.provider = 'seven.io'
),

timeline as (
    select
        lists.source_relation,
        lists.date,
        lists.date as list_date
    from lists

    union all

    select
        days.source_relation,
        days.date,
        {{ sms_null(sms_date()) }} as list_date
    from days
),

by_day as (
    select
        timeline.source_relation,
        timeline.date,
        max(timeline.list_date) as own_list
    from timeline
    group by timeline.source_relation, timeline.date
),

-- The newest list up to each day, and the first of all.
newest as (
    select
        by_day.source_relation,
        by_day.date,
        max(by_day.own_list) over (
            partition by by_day.source_relation
            order by by_day.date
            rows between unbounded preceding and current row
        ) as newest_list,
        min(by_day.own_list) over (partition by by_day.source_relation) as first_list
    from by_day
),

lists_of_days as (
    select
        days.source_relation as source_relation,
        days.date as date,
        coalesce(newest.newest_list, newest.first_list) as list_date,
        case
            when newest.newest_list is null then 'before_first_list'
            when newest.newest_list = days.date then 'listed'
            else 'carried_forward'
        end as list_basis
    from days
    inner join newest
        on days.source_relation = newest.source_relation
        and days.date = newest.date
    where newest.first_list is not null
),

prices as (
    select
        pricing.source_relation,
        pricing.date,
        pricing.country_code,
        -- Applies to networks that are not listed.
        max(case when pricing.network_name = '' then pricing.price end) as default_list_price,
        min(pricing.price) as lowest_list_price,
        max(pricing.price) as highest_list_price
    from {{ ref('stg_sms__pricing') }} as pricing
    where pricing.country_code <> ''
    group by pricing.source_relation, pricing.date, pricing.country_code
)

select
    lists_of_days.source_relation as source_relation,
    {{ sms_text('seven.io') }} as provider,
    lists_of_days.date as date,
    prices.country_code as country_code,
    prices.default_list_price as default_list_price,
    prices.lowest_list_price as lowest_list_price,
    prices.highest_list_price as highest_list_price,
    lists_of_days.list_date as list_date,
    cast(lists_of_days.list_basis as {{ sms_string() }}) as list_basis
from lists_of_days
inner join prices
    on lists_of_days.source_relation = prices.source_relation
    and lists_of_days.list_date = prices.date
