select
    cast(date as date) as date,
    cast(country_code as {{ dbt.type_string() }}) as country_code,
    nullif(cast(country_name as {{ dbt.type_string() }}), '') as country_name,
    nullif(cast(country_prefix as {{ dbt.type_string() }}), '') as country_prefix,
    cast(mcc as {{ dbt.type_string() }}) as mcc,
    -- As text: the databases' types for JSON differ, and PyAirbyte writes a null list into PostgreSQL as a JSON null.
    nullif(cast(mncs as {{ dbt.type_string() }}), 'null') as mncs,
    cast(network_name as {{ dbt.type_string() }}) as network_name,
    cast(price as {{ number() }}) as price,
    nullif(cast(features as {{ dbt.type_string() }}), 'null') as features,
    nullif(cast(comment as {{ dbt.type_string() }}), '') as comment
from {{ stream('pricing') }}
