with charges as (
    select
        "ProviderName" as provider,
        cast("ChargePeriodStart" as date) as date,
        sum("BilledCost") as amount,
        sum("PricingCurrencyEffectiveCost") as figure
    from {{ ref('sms__focus') }}
    group by "ProviderName", cast("ChargePeriodStart" as date)
)

select
    coalesce(days.provider, charges.provider) as provider,
    coalesce(days.date, charges.date) as date
from (select * from {{ ref('sms__days') }} as days where {{ is_shown() }}) as days
full join charges
    on days.provider = charges.provider
    and days.date = charges.date
where coalesce(days.amount, 0) <> coalesce(charges.amount, 0)
    or coalesce(days.units, days.amount, 0) <> coalesce(charges.figure, 0)
