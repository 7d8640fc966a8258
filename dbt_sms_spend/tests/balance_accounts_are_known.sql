-- An account that is misspelt in the variables would leave its balance a life too long.
{%- set named = [] %}
{%- for account in var('seven_balance_accounts') %}{% do named.append(('seven.io', account)) %}{% endfor %}
{%- for account in var('smsfactor_balance_accounts') %}{% do named.append(('SMSFactor', account)) %}{% endfor %}

with named as (
    select
        '' as provider,
        '' as account
    where false
    {%- for provider, account in named %}

    union all

    select
        '{{ provider }}',
        {{ dbt.string_literal(dbt.escape_single_quotes(account | string)) }}
    {%- endfor %}
)

select named.*
from named
where not exists (
    select 1
    from {{ ref('stg_sms__analytics_by_subaccount') }} as usage
    where named.provider = 'seven.io'
        and named.account = usage.account
)
and not exists (
    select 1
    from {{ ref('stg_sms__consumption') }} as usage
    where named.provider = 'SMSFactor'
        and named.account = usage.account_id
        and usage.consumption <> 0
)
