select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.account_id as {{ sms_string() }}) as account_id,
    nullif(cast(synced.company as {{ sms_string() }}), '') as company,
    cast(synced.is_main_account as {{ sms_boolean() }}) as is_main_account,
    nullif(cast(synced.country as {{ sms_string() }}), '') as country,
    {{- usage_figures('synced') }}
from {{ stream('analytics_by_subaccount_and_country') }}
-- A zero row without a country says that the day was read: days before the first sync of this stream were not.
where {{ has_usage('synced') }} or synced.country = ''
