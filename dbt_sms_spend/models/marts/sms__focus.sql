with spend as (
    select
        spend.*,
        {{ sms_month('spend.date') }} as month
    from {{ ref('sms__daily_spend') }} as spend
),

smsfactor_main_accounts as (
    select
        consumption.source_relation,
        {{ sms_text('SMSFactor') }} as provider,
        max(consumption.account_id) as id,
        max(consumption.company) as name
    from {{ ref('stg_sms__consumption') }} as consumption
    where consumption.is_main_account
    group by consumption.source_relation
)

select
    spend.source_relation as {{ sms_quote('x_source_relation') }},
    spend.amount as {{ sms_quote('BilledCost') }},
    spend.amount as {{ sms_quote('EffectiveCost') }},
    spend.amount as {{ sms_quote('ListCost') }},
    spend.amount as {{ sms_quote('ContractedCost') }},
    spend.currency as {{ sms_quote('BillingCurrency') }},
    case
        when spend.provider = 'seven.io' then {{ sms_text(var('seven_billing_account_id')) }}
        else main_accounts.id
    end as {{ sms_quote('BillingAccountId') }},
    main_accounts.name as {{ sms_quote('BillingAccountName') }},
    cast(spend.month as {{ sms_timestamp() }}) as {{ sms_quote('BillingPeriodStart') }},
    cast({{ sms_add('month', 1, 'spend.month') }} as {{ sms_timestamp() }}) as {{ sms_quote('BillingPeriodEnd') }},
    cast(spend.date as {{ sms_timestamp() }}) as {{ sms_quote('ChargePeriodStart') }},
    cast({{ sms_add('day', 1, 'spend.date') }} as {{ sms_timestamp() }}) as {{ sms_quote('ChargePeriodEnd') }},
    {{ sms_text('Usage') }} as {{ sms_quote('ChargeCategory') }},
    {{ sms_null(sms_string()) }} as {{ sms_quote('ChargeClass') }},
    spend.provider || ' to ' || coalesce(spend.country, 'unknown countries') as {{ sms_quote('ChargeDescription') }},
    coalesce(spend.units, cast(spend.messages as {{ number() }})) as {{ sms_quote('PricingQuantity') }},
    cast(case when spend.provider = 'seven.io' then 'Messages' else 'Units' end as {{ sms_string() }})
        as {{ sms_quote('PricingUnit') }},
    case when spend.provider = 'seven.io' then spend.currency else 'Units' end as {{ sms_quote('PricingCurrency') }},
    coalesce(spend.units, spend.amount) as {{ sms_quote('PricingCurrencyEffectiveCost') }},
    {{ sms_text('Mobile') }} as {{ sms_quote('ServiceCategory') }},
    {{ sms_text('SMS') }} as {{ sms_quote('ServiceName') }},
    spend.provider as {{ sms_quote('ProviderName') }},
    spend.provider as {{ sms_quote('PublisherName') }},
    spend.provider as {{ sms_quote('InvoiceIssuerName') }},
    spend.account_id as {{ sms_quote('SubAccountId') }},
    spend.account_name as {{ sms_quote('SubAccountName') }},
    spend.country as {{ sms_quote('x_country') }},
    spend.is_partial as {{ sms_quote('x_is_partial') }},
    spend.built_at as {{ sms_quote('x_built_at') }}
from spend
left join smsfactor_main_accounts as main_accounts
    on spend.source_relation = main_accounts.source_relation
    and spend.provider = main_accounts.provider
