select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.account_id as {{ sms_string() }}) as account_id,
    nullif(cast(synced.username as {{ sms_string() }}), '') as username,
    nullif(cast(synced.company as {{ sms_string() }}), '') as company,
    cast(synced.balance as {{ number() }}) as balance,
    cast(synced.total_usage as {{ number() }}) as total_usage,
    cast(synced.auto_topup_threshold as {{ number() }}) as auto_topup_threshold,
    cast(synced.auto_topup_amount as {{ number() }}) as auto_topup_amount,
    cast(synced.retrieved_at as {{ sms_timestamp() }}) as retrieved_at
from {{ stream('subaccount_balances') }}
