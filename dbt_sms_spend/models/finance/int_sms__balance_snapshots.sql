{{ config(materialized='view') }}

select
    {{ sms_text('seven.io') }} as provider,
    snapshots.source_relation,
    {{ sms_text('') }} as account_key,
    {{ sms_null(sms_string()) }} as account_name,
    snapshots.date,
    snapshots.amount as balance,
    snapshots.currency as measured_in,
    cast({{ var('topup_min_eur') }} as {{ number() }}) as least_topup
from {{ ref('stg_sms__balance') }} as snapshots
where snapshots.amount is not null

union all

select
    'seven.io' as provider,
    snapshots.source_relation,
    snapshots.account_id as account_key,
    snapshots.company as account_name,
    snapshots.date,
    snapshots.balance,
    'EUR' as measured_in,
    cast({{ var('topup_min_eur') }} as {{ number() }}) as least_topup
from {{ ref('stg_sms__subaccount_balances') }} as snapshots
where snapshots.balance is not null

union all

select
    'SMSFactor' as provider,
    snapshots.source_relation,
    '' as account_key,
    {{ sms_null(sms_string()) }} as account_name,
    snapshots.date,
    snapshots.credits as balance,
    'credits' as measured_in,
    cast({{ var('topup_min_units') }} as {{ number() }}) as least_topup
from {{ ref('stg_sms__credits') }} as snapshots
where snapshots.credits is not null

union all

select
    'SMSFactor' as provider,
    snapshots.source_relation,
    snapshots.account_id as account_key,
    snapshots.description as account_name,
    snapshots.date,
    snapshots.credits as balance,
    'credits' as measured_in,
    cast({{ var('topup_min_units') }} as {{ number() }}) as least_topup
from {{ ref('stg_sms__subaccount_credits') }} as snapshots
where snapshots.credits is not null
    -- A sub-account without a limit of its own uses the credits of the main account.
    and not coalesce(snapshots.unlimited, false)
