select
    cast('seven.io' as {{ dbt.type_string() }}) as provider,
    date,
    cast(null as {{ dbt.type_string() }}) as account_id,
    account as account_name,
    {{ messages() }} as messages,
    cast(null as {{ number() }}) as units,
    usage_eur as amount,
    cast('EUR' as {{ dbt.type_string() }}) as currency
from {{ ref('stg_sms__analytics_by_subaccount') }}

union all

select
    'SMSFactor' as provider,
    date,
    account_id,
    max(company) as account_name,
    null as messages,
    sum(units) as units,
    sum(amount) as amount,
    currency
from {{ ref('int_sms__consumption') }}
where units <> 0
group by date, account_id, currency
