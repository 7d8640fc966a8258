with spend as (
    select
        usage_rows.source_relation,
        {{ sms_text('seven.io') }} as provider,
        usage_rows.date,
        usage_rows.account_id,
        usage_rows.company as account_name,
        usage_rows.country,
        {{ messages('usage_rows') }} as messages,
        {{ sms_null(number()) }} as units,
        usage_rows.usage_eur as amount,
        {{ sms_text('EUR') }} as currency,
        -- The charge is for all services: it is the price of the SMS only where nothing else was used.
        case
            when usage_rows.sms > 0
                and coalesce(usage_rows.rcs, 0) + usage_rows.voice + usage_rows.hlr + usage_rows.mnp
                + usage_rows.inbound = 0
                then {{ sms_ratio('usage_rows.usage_eur', 'usage_rows.sms', 4) }}
        end as amount_per_sms
    from {{ ref('int_sms__usage') }} as usage_rows

    union all

    select
        consumption.source_relation,
        {{ sms_text('SMSFactor') }} as provider,
        consumption.date,
        consumption.account_id,
        consumption.company as account_name,
        consumption.country,
        {{ sms_null(sms_bigint()) }} as messages,
        consumption.units,
        consumption.amount,
        consumption.currency,
        {{ sms_null(sms_decimal(4)) }} as amount_per_sms
    from {{ ref('int_sms__consumption') }} as consumption
    where consumption.units <> 0
)

select
    spend.source_relation as source_relation,
    spend.provider as provider,
    spend.date as date,
    spend.account_id as account_id,
    spend.account_name as account_name,
    spend.country as country,
    spend.messages as messages,
    spend.units as units,
    spend.amount as amount,
    spend.currency as currency,
    spend.amount_per_sms as amount_per_sms,
    list_prices.default_list_price as default_list_price,
    list_prices.lowest_list_price as lowest_list_price,
    list_prices.highest_list_price as highest_list_price,
    list_prices.list_date as list_price_date,
    list_prices.list_basis as list_price_basis,
    cast(days.status = 'partial' as {{ sms_boolean() }}) as is_partial,
    {{ sms_built_at() }} as built_at
from spend
inner join {{ ref('sms__days') }} as days
    on spend.source_relation = days.source_relation
    and spend.provider = days.provider
    and spend.date = days.date
left join {{ ref('int_sms__list_prices') }} as list_prices
    on spend.source_relation = list_prices.source_relation
    and spend.provider = list_prices.provider
    and spend.date = list_prices.date
    and spend.country = list_prices.country_code
where {{ is_shown() }}
