select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.account_id as {{ sms_string() }}) as account_id,
    nullif(cast(synced.description as {{ sms_string() }}), '') as description,
    cast(synced.credits as {{ number() }}) as credits,
    cast(synced.unlimited as {{ sms_boolean() }}) as unlimited,
    cast(synced.status as {{ sms_string() }}) as status,
    nullif(cast(synced.country_code as {{ sms_string() }}), '') as country_code,
    nullif(cast(synced.time_zone as {{ sms_string() }}), '') as time_zone,
    cast(synced.current_month_consumption as {{ number() }}) as current_month_consumption,
    cast(synced.previous_month_consumption as {{ number() }}) as previous_month_consumption,
    cast(synced.retrieved_at as {{ sms_timestamp() }}) as retrieved_at
from {{ stream('subaccount_credits') }}
