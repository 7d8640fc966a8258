select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.label as {{ sms_string() }}) as label,
    {{- usage_figures('synced') }}
from {{ stream('analytics_by_label') }}
where {{ has_usage('synced') }}
