select
    cast(date as date) as date,
    cast(account_id as {{ dbt.type_string() }}) as account_id,
    nullif(cast(description as {{ dbt.type_string() }}), '') as description,
    cast(credits as {{ number() }}) as credits,
    cast(unlimited as boolean) as unlimited,
    cast(status as {{ dbt.type_string() }}) as status,
    nullif(cast(country_code as {{ dbt.type_string() }}), '') as country_code,
    nullif(cast(time_zone as {{ dbt.type_string() }}), '') as time_zone,
    cast(current_month_consumption as {{ number() }}) as current_month_consumption,
    cast(previous_month_consumption as {{ number() }}) as previous_month_consumption,
    cast(retrieved_at as timestamp) as retrieved_at
from {{ stream('subaccount_credits') }}
