select
    cast(date as date) as date,
    cast(label as {{ dbt.type_string() }}) as label,
    {{- usage_figures() }}
from {{ stream('analytics_by_label') }}
where {{ has_usage() }}
