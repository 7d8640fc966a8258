select
    synced.source_relation,
    cast(synced.date as {{ sms_date() }}) as date,
    cast(synced.account_id as {{ sms_string() }}) as account_id,
    nullif(cast(synced.company as {{ sms_string() }}), '') as company,
    cast(synced.is_main_account as {{ sms_boolean() }}) as is_main_account,
    nullif(cast(synced.country as {{ sms_string() }}), '') as country,
    cast(synced.consumption as {{ number() }}) as consumption,
    cast(synced.is_partial as {{ sms_boolean() }}) as is_partial
from {{ stream('consumption') }}
-- A zero row without a country says that an account's day was read: no other stream tells SMSFactor's days.
where synced.consumption is null
    or cast(synced.consumption as {{ number() }}) <> 0
    or synced.country = ''
