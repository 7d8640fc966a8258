{{ config(materialized='view') }}

select
    cast(spend.month as {{ sms_timestamp() }}) as {{ sms_quote('BillingPeriodStart') }},
    cast(spend.date as {{ sms_timestamp() }}) as {{ sms_quote('ChargePeriodStart') }},
    cast({{ sms_add('day', 1, 'spend.date') }} as {{ sms_timestamp() }}) as {{ sms_quote('ChargePeriodEnd') }},
    cast(spend.quantity as {{ number() }}) as {{ sms_quote('PricingQuantity') }},
    spend.unit as {{ sms_quote('PricingUnit') }},
    spend.provider as {{ sms_quote('ServiceProviderName') }},
    spend.billing_account_id as {{ sms_quote('BillingAccountId') }},
    spend.account_id as {{ sms_quote('SubAccountId') }},
    coalesce(spend.account_name, spend.account_id) as {{ sms_quote('SubAccountName') }},
    spend.country as {{ sms_quote('x_country') }},
    spend.is_partial as {{ sms_quote('x_is_partial') }},
    spend.source_relation as {{ sms_quote('x_source_relation') }},
    spend.built_at as built_at
from {{ ref('int_sms__focus') }} as spend
where spend.amount is null
