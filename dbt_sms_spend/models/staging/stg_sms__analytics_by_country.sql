select
    cast(date as date) as date,
    nullif(cast(country as {{ dbt.type_string() }}), '') as country,
    {{- usage_figures() }}
from {{ stream('analytics_by_country') }}
where {{ has_usage() }}
