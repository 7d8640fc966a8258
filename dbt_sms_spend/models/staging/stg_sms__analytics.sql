select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    {{- usage_figures('synced') }}
from {{ stream('analytics') }}
