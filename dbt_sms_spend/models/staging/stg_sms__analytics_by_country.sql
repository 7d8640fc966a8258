select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    nullif(cast(synced.country as {{ sms_string() }}), '') as country,
    {{- usage_figures('synced') }}
from {{ stream('analytics_by_country') }}
where {{ has_usage('synced') }}
