with days_with_accounts as (
    select date from {{ ref('int_sms__days_with_accounts') }}
)

select
    date,
    account_id,
    company,
    country,
    {%- for counter in usage_counters() %}
    {{ counter }},
    {%- endfor %}
    usage_eur
from {{ ref('stg_sms__analytics_by_subaccount_and_country') }}
where {{ has_usage() }}
    and date in (select date from days_with_accounts)

union all

select
    date,
    cast(null as {{ dbt.type_string() }}) as account_id,
    cast(null as {{ dbt.type_string() }}) as company,
    country,
    {%- for counter in usage_counters() %}
    {{ counter }},
    {%- endfor %}
    usage_eur
from {{ ref('stg_sms__analytics_by_country') }}
where date not in (select date from days_with_accounts)
