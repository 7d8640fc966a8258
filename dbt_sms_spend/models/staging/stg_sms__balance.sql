select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.amount as {{ number() }}) as amount,
    cast(synced.currency as {{ sms_string() }}) as currency,
    cast(synced.retrieved_at as {{ sms_timestamp() }}) as retrieved_at
from {{ stream('balance') }}
