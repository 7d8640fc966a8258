select
    cast(date as date) as date,
    cast(account_id as {{ dbt.type_string() }}) as account_id,
    nullif(cast(company as {{ dbt.type_string() }}), '') as company,
    cast(is_main_account as boolean) as is_main_account,
    nullif(cast(country as {{ dbt.type_string() }}), '') as country,
    {{- usage_figures() }}
from {{ stream('analytics_by_subaccount_and_country') }}
-- A row of zeros without a country says that the day was read: a day before the first sync of this stream was not.
where {{ has_usage() }} or country = ''
