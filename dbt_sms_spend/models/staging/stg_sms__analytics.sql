select
    cast(date as date) as date,
    {{- usage_figures() }}
from {{ stream('analytics') }}
