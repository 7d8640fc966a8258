select
    cast(date as date) as date,
    cast(account_id as {{ dbt.type_string() }}) as account_id,
    nullif(cast(company as {{ dbt.type_string() }}), '') as company,
    cast(is_main_account as boolean) as is_main_account,
    nullif(cast(country as {{ dbt.type_string() }}), '') as country,
    cast(consumption as {{ number() }}) as consumption,
    cast(is_partial as boolean) as is_partial
from {{ stream('consumption') }}
-- A row of zeros without a country says that an account's day was read: no other stream tells SMSFactor's days.
where cast(consumption as {{ number() }}) <> 0 or country = ''
