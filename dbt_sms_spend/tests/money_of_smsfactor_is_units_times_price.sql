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
        days.date,
        max(cast(prices.valid_from as {{ sms_date() }})) as valid_from
    from (select distinct days.date from days) as days
    cross join {{ ref(var('smsfactor_price_per_unit')) }} as prices
    where cast(prices.valid_from as {{ sms_date() }}) <= days.date
    group by days.date
)

select days.*
from days
left join newest on days.date = newest.date
left join {{ ref(var('smsfactor_price_per_unit')) }} as prices
    on newest.valid_from = cast(prices.valid_from as {{ sms_date() }})
where abs(
        coalesce(days.amount, -1)
        - coalesce(days.units * cast(prices.price as {{ sms_unit_price() }}), -1)
    ) > 0.000001
