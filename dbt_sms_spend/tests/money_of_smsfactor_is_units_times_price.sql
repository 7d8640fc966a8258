-- A unit costs what the newest price that was valid on its day says; without one, nothing is known.
{{ after_the_marts() }}
with days as (
    select *
    from {{ ref('sms__days') }} as days
    where days.provider = 'SMSFactor'
        and days.status in ('complete', 'partial')
),

prices as (
    select
        cast(seed.valid_from as {{ sms_date() }}) as valid_from,
        cast(seed.price as {{ sms_unit_price() }}) as price
    from {{ ref(var('smsfactor_price_per_unit')) }} as seed
),

dates as (
    select distinct days.date from days
),

newest as (
    select
        dates.date as date,
        max(prices.valid_from) as valid_from
    from dates
    cross join prices
    where prices.valid_from <= dates.date
    group by dates.date
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
