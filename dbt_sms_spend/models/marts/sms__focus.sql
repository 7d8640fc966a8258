with spend as (
    select
        *,
        cast({{ dbt.date_trunc('month', 'date') }} as timestamp) as month
    from {{ ref('sms__daily_spend') }}
),

smsfactor_main_account as (
    select
        max(account_id) as id,
        max(company) as name
    from {{ ref('stg_sms__consumption') }}
    where is_main_account
)

select
    spend.amount as "BilledCost",
    spend.amount as "EffectiveCost",
    spend.amount as "ListCost",
    spend.amount as "ContractedCost",
    spend.currency as "BillingCurrency",
    case
        when spend.provider = 'seven.io' then {{ dbt.string_literal(dbt.escape_single_quotes(var('seven_billing_account_id'))) }}
        else smsfactor_main_account.id
    end as "BillingAccountId",
    case when spend.provider = 'SMSFactor' then smsfactor_main_account.name end as "BillingAccountName",
    spend.month as "BillingPeriodStart",
    cast({{ dbt.dateadd('month', 1, 'spend.month') }} as timestamp) as "BillingPeriodEnd",
    cast(spend.date as timestamp) as "ChargePeriodStart",
    cast(spend.date + 1 as timestamp) as "ChargePeriodEnd",
    'Usage' as "ChargeCategory",
    cast(null as {{ dbt.type_string() }}) as "ChargeClass",
    spend.provider || ' to ' || coalesce(spend.country, 'unknown countries') as "ChargeDescription",
    coalesce(spend.units, spend.messages) as "PricingQuantity",
    case when spend.provider = 'seven.io' then 'Messages' else 'Units' end as "PricingUnit",
    case when spend.provider = 'seven.io' then spend.currency else 'Units' end as "PricingCurrency",
    coalesce(spend.units, spend.amount) as "PricingCurrencyEffectiveCost",
    'Mobile' as "ServiceCategory",
    'SMS' as "ServiceName",
    spend.provider as "ProviderName",
    spend.provider as "PublisherName",
    spend.provider as "InvoiceIssuerName",
    spend.account_id as "SubAccountId",
    spend.account_name as "SubAccountName",
    spend.country as "x_country",
    spend.is_partial as "x_is_partial"
from spend
cross join smsfactor_main_account
