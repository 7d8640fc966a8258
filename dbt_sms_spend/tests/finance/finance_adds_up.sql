-- The finance marts show the same money and units as sms__daily_spend.
with parts as (
    select
        'sms__effective_prices' as mart,
        prices.provider,
        prices.month,
        sum(prices.amount) as used
    from {{ ref('sms__effective_prices') }} as prices
    group by prices.provider, prices.month

    union all

    select
        'sms__focus_unpriced' as mart,
        focus.{{ sms_quote('ServiceProviderName') }} as provider,
        cast(focus.{{ sms_quote('BillingPeriodStart') }} as {{ sms_date() }}) as month,
        sum(focus.{{ sms_quote('PricingQuantity') }}) as used
    from {{ ref('sms__focus_unpriced') }} as focus
    group by focus.{{ sms_quote('ServiceProviderName') }}, cast(focus.{{ sms_quote('BillingPeriodStart') }} as {{ sms_date() }})
),

spend as (
    select
        daily.provider,
        {{ sms_month('daily.date') }} as month,
        sum(daily.amount) as amount,
        sum(case when daily.amount is null then daily.units end) as units_without_price
    from {{ ref('sms__daily_spend') }} as daily
    group by daily.provider, {{ sms_month('daily.date') }}
),

totals as (
    select 'sms__effective_prices' as mart, provider, month, amount as used
    from spend
    where provider = 'seven.io'

    union all

    select 'sms__focus_unpriced' as mart, provider, month, units_without_price as used
    from spend
)

select
    coalesce(totals.mart, parts.mart) as mart,
    coalesce(totals.provider, parts.provider) as provider,
    coalesce(totals.month, parts.month) as month,
    totals.used as used_in_daily_spend,
    parts.used as used_in_mart
from totals
full join parts
    on totals.mart = parts.mart
    and totals.provider = parts.provider
    and totals.month = parts.month
where cast(coalesce(totals.used, 0) as {{ number() }}) <> cast(coalesce(parts.used, 0) as {{ number() }})
