-- A unit costs what the newest price that was valid on its day says; without one, nothing is known.
select days.*
from {{ ref('sms__days') }} as days
left join {{ ref(var('smsfactor_price_per_unit')) }} as price
    on price.valid_from = (
        select max(older.valid_from)
        from {{ ref(var('smsfactor_price_per_unit')) }} as older
        where older.valid_from <= days.date
    )
where days.provider = 'SMSFactor'
    and days.status <> 'missing'
    and abs(coalesce(days.amount, -1) - coalesce(days.units * price.price, -1)) > 0.000001
