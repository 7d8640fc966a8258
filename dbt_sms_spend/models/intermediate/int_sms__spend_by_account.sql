select
    cast('seven.io' as {{ dbt.type_string() }}) as provider,
    date,
    account_id,
    max(company) as account_name,
    cast(sum({{ messages() }}) as bigint) as messages,
    cast(null as {{ number() }}) as units,
    cast(sum(usage_eur) as {{ number() }}) as amount,
    cast('EUR' as {{ dbt.type_string() }}) as currency
from {{ ref('int_sms__usage') }}
where account_id is not null
group by date, account_id

union all

select
    'seven.io' as provider,
    date,
    null as account_id,
    account as account_name,
    {{ messages() }} as messages,
    null as units,
    usage_eur as amount,
    'EUR' as currency
from {{ ref('stg_sms__analytics_by_subaccount') }}
where date not in (select date from {{ ref('int_sms__days_with_accounts') }})

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
