select
    cast(date as date) as date,
    cast(credits as {{ number() }}) as credits,
    cast(postpaid as boolean) as postpaid,
    cast(postpaid_limit as {{ number() }}) as postpaid_limit,
    cast(unlimited as boolean) as unlimited,
    cast(retrieved_at as timestamp) as retrieved_at
from {{ stream('credits') }}
