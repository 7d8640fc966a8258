with prices as (
    select
        cast(valid_from as date) as valid_from,
        cast(lead(valid_from) over (order by valid_from) as date) as valid_to,
        cast(price as decimal(18, 9)) as price,
        cast(currency as {{ dbt.type_string() }}) as currency
    from {{ ref(var('smsfactor_price_per_unit')) }}
)

select
    consumption.date,
    consumption.account_id,
    consumption.company,
    consumption.country,
    consumption.consumption as units,
    cast(consumption.consumption * prices.price as {{ number() }}) as amount,
    prices.currency,
    consumption.is_partial
from {{ ref('stg_sms__consumption') }} as consumption
left join prices
    on consumption.date >= prices.valid_from
    and (consumption.date < prices.valid_to or prices.valid_to is null)
