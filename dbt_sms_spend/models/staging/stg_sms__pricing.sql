select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.country_code as {{ sms_string() }}) as country_code,
    nullif(cast(synced.country_name as {{ sms_string() }}), '') as country_name,
    nullif(cast(synced.country_prefix as {{ sms_string() }}), '') as country_prefix,
    cast(synced.mcc as {{ sms_string() }}) as mcc,
    -- As text: PyAirbyte writes a null list into PostgreSQL as a JSON null.
    nullif(cast(synced.mncs as {{ sms_string() }}), 'null') as mncs,
    cast(synced.network_name as {{ sms_string() }}) as network_name,
    cast(synced.price as {{ number() }}) as price,
    nullif(cast(synced.features as {{ sms_string() }}), 'null') as features,
    nullif(cast(synced.comment as {{ sms_string() }}), '') as comment
from {{ stream('pricing') }}
