select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.credits as {{ number() }}) as credits,
    cast(synced.postpaid as {{ sms_boolean() }}) as postpaid,
    cast(synced.postpaid_limit as {{ number() }}) as postpaid_limit,
    cast(synced.unlimited as {{ sms_boolean() }}) as unlimited,
    cast(synced.retrieved_at as {{ sms_timestamp() }}) as retrieved_at
from {{ stream('credits') }}
