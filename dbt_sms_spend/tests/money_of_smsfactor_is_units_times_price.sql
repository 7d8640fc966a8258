-- A unit costs what the newest price that was valid on its day says; without one, nothing is known.
{{ after_the_marts() }}
with days as (
    select *
    from {{ ref('sms__days') }} as days
    where days.provider = 'SMSFactor'
        and days.status in ('complete', 'partial')
),

newest as (
    select
        days.date as date,
        max(cast(prices.valid_from as {{ sms_date() }})) as valid_from
    from (select distinct days.date from days) as days
    cross join {{ ref(var('smsfactor_price_per_unit')) }} as prices
    where cast(prices.valid_from as {{ sms_date() }}) <= days.date
    group by days.date
)

select
    days.source_relation as source_relation,
    days.date as date,
    days.units as units,
    days.amount as amount,
    prices.price as price
from days
left join newest on days.date = newest.date
left join prices on newest.valid_from = prices.valid_from
where abs(coalesce(days.amount, -1) - coalesce(days.units * prices.price, -1)) > 0.000001
