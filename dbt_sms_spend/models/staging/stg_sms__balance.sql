select
    cast(date as date) as date,
    cast(amount as {{ number() }}) as amount,
    cast(currency as {{ dbt.type_string() }}) as currency,
    cast(retrieved_at as timestamp) as retrieved_at
from {{ stream('balance') }}
