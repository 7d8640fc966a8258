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
    from {{ ref('int_sms__spend_by_account') }} as spend
    where spend.provider = named.provider
        and named.account in (spend.account_id, case when spend.provider = 'seven.io' then spend.account_name end)
)
