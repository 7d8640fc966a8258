select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    nullif(cast(synced.account as {{ sms_string() }}), '') as account,
    {{- usage_figures('synced') }}
from {{ stream('analytics_by_subaccount') }}
where {{ has_usage('synced') }}
