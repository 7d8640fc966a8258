select
    cast(date as date) as date,
    cast(account_id as {{ dbt.type_string() }}) as account_id,
    nullif(cast(username as {{ dbt.type_string() }}), '') as username,
    nullif(cast(company as {{ dbt.type_string() }}), '') as company,
    cast(balance as {{ number() }}) as balance,
    cast(total_usage as {{ number() }}) as total_usage,
    cast(auto_topup_threshold as {{ number() }}) as auto_topup_threshold,
    cast(auto_topup_amount as {{ number() }}) as auto_topup_amount,
    cast(retrieved_at as timestamp) as retrieved_at
from {{ stream('subaccount_balances') }}
