with list_prices as (
    select
        date,
        country_code,
        -- Holds for networks that are not listed.
        max(case when network_name = '' then price end) as default_list_price,
        min(price) as lowest_list_price,
        max(price) as highest_list_price
    from {{ ref('stg_sms__pricing') }}
    where country_code <> ''
    group by date, country_code
),

spend as (
    select
        cast('seven.io' as {{ dbt.type_string() }}) as provider,
        date,
        account_id,
        company as account_name,
        country,
        {{ messages() }} as messages,
        cast(null as {{ number() }}) as units,
        usage_eur as amount,
        cast('EUR' as {{ dbt.type_string() }}) as currency,
        -- The charge is for all services: it is the price of the SMS only where nothing else was used.
        case
            when sms > 0 and coalesce(rcs, 0) + voice + hlr + mnp + inbound = 0
                then cast(usage_eur / sms as decimal(18, 4))
        end as amount_per_sms
    from {{ ref('int_sms__usage') }}

    union all

    select
        'SMSFactor' as provider,
        date,
        account_id,
        company as account_name,
        country,
        null as messages,
        units,
        amount,
        currency,
        null as amount_per_sms
    from {{ ref('int_sms__consumption') }}
    where units <> 0
)

select
    spend.*,
    list_prices.default_list_price,
    list_prices.lowest_list_price,
    list_prices.highest_list_price,
    days.status = 'partial' as is_partial
from spend
inner join {{ ref('sms__days') }} as days
    on spend.provider = days.provider
    and spend.date = days.date
left join list_prices
    on spend.provider = 'seven.io'
    and spend.date = list_prices.date
    and spend.country = list_prices.country_code
where {{ is_shown() }}
