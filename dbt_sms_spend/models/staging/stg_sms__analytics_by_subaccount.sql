select
    cast(date as date) as date,
    nullif(cast(account as {{ dbt.type_string() }}), '') as account,
    {{- usage_figures() }}
from {{ stream('analytics_by_subaccount') }}
where {{ has_usage() }}
