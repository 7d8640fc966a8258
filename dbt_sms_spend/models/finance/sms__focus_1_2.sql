{{ config(materialized='view') }}

-- FOCUS 1.4 without the columns that came with 1.3, and with those that 1.4 removed.
{%- set columns = [
    'BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost', 'ListUnitPrice', 'ContractedUnitPrice',
    'BillingCurrency', 'BillingAccountId', 'BillingAccountName', 'BillingAccountType', 'BillingPeriodStart',
    'BillingPeriodEnd', 'ChargePeriodStart', 'ChargePeriodEnd', 'ChargeCategory', 'ChargeClass',
    'ChargeDescription', 'ChargeFrequency', 'ConsumedQuantity', 'ConsumedUnit', 'PricingQuantity', 'PricingUnit',
    'PricingCategory', 'PricingCurrency', 'PricingCurrencyEffectiveCost', 'PricingCurrencyListUnitPrice',
    'PricingCurrencyContractedUnitPrice', 'ServiceCategory', 'ServiceSubcategory', 'ServiceName',
    'InvoiceIssuerName', 'InvoiceId', 'SkuId', 'SkuPriceId', 'SkuMeter', 'SkuPriceDetails', 'SubAccountId',
    'SubAccountName', 'SubAccountType', 'x_country', 'x_is_partial', 'x_source_relation'
] %}

select
    {%- for column in columns %}
    spend.{{ sms_quote(column) }},
    {%- endfor %}
    spend.{{ sms_quote('ServiceProviderName') }} as {{ sms_quote('ProviderName') }},
    spend.{{ sms_quote('ServiceProviderName') }} as {{ sms_quote('PublisherName') }},
    spend.built_at as built_at
from {{ ref('sms__focus_1_4') }} as spend
