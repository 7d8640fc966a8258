with prices as (
    select
        cast(seed.valid_from as {{ sms_date() }}) as valid_from,
        cast(seed.price as {{ sms_unit_price() }}) as price,
        cast(seed.currency as {{ sms_string() }}) as currency
    from {{ ref(var('smsfactor_price_per_unit')) }} as seed
),

days as (
    select distinct consumption.date
    from {{ ref('stg_sms__consumption') }} as consumption
),

valid_prices as (
    select
        days.date as date,
        max(prices.valid_from) as valid_from
    from days
    cross join prices
    where prices.valid_from <= days.date
    group by days.date
)

select
    consumption.source_relation as source_relation,
    consumption.date as date,
    consumption.account_id as account_id,
    consumption.company as company,
    consumption.country as country,
    consumption.consumption as units,
    {{ sms_round('consumption.consumption * prices.price', 9) }} as amount,
    prices.currency as currency,
    consumption.is_partial as is_partial
from {{ ref('stg_sms__consumption') }} as consumption
left join valid_prices on consumption.date = valid_prices.date
left join prices on valid_prices.valid_from = prices.valid_from
