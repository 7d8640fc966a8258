with lists as (
    select
        date,
        row_number() over (order by date) as number_of_list,
        lead(date) over (order by date) as next_date
    from (select distinct date from {{ ref('stg_sms__pricing') }}) as dates
),

-- A price that stayed from list to list has one difference of the two numbers.
numbered as (
    select
        pricing.country_code,
        pricing.country_name,
        pricing.mcc,
        pricing.network_name,
        pricing.price,
        lists.date,
        lists.next_date,
        lists.number_of_list - row_number() over (
            partition by pricing.country_code, pricing.mcc, pricing.network_name, pricing.price
            order by lists.date
        ) as period
    from {{ ref('stg_sms__pricing') }} as pricing
    inner join lists on pricing.date = lists.date
)

select
    cast('seven.io' as {{ dbt.type_string() }}) as provider,
    country_code,
    max(country_name) as country_name,
    mcc,
    network_name,
    price,
    cast('EUR' as {{ dbt.type_string() }}) as currency,
    min(date) as valid_from,
    -- Null where the last list is among those that named the price.
    case when count(next_date) = count(*) then max(next_date) end as valid_to,
    max(date) as last_listed_on
from numbered
group by country_code, mcc, network_name, price, period
