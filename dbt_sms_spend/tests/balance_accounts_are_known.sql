-- An account that is misspelt in the variables would leave its balance a life too long.
{{ after_the_marts() }}
{%- set named = [] %}
{%- for account in var('seven_balance_accounts') %}{% do named.append(('seven.io', account)) %}{% endfor %}
{%- for account in var('smsfactor_balance_accounts') %}{% do named.append(('SMSFactor', account)) %}{% endfor %}

with named as (
    {%- for provider, account in named %}
    select
        {{ sms_text(provider) }} as provider,
        {{ sms_text(account) }} as account
    {{ "union all" if not loop.last }}
    {%- else %}
    select
        {{ sms_null(sms_string()) }} as provider,
        {{ sms_null(sms_string()) }} as account
    from (select 1 as one) as nothing
    where 1 = 0
    {%- endfor %}
),

used as (
    select distinct
        {{ sms_text('seven.io') }} as provider,
        parts.account
    from {{ ref('stg_sms__analytics_by_subaccount') }} as parts

    union all

    select distinct
        {{ sms_text('SMSFactor') }} as provider,
        consumption.account_id as account
    from {{ ref('stg_sms__consumption') }} as consumption
    where consumption.consumption <> 0
)

select named.*
from named
left join used
    on named.provider = used.provider
    and named.account = used.account
where used.account is null
