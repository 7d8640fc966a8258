-- The main account, whose key is empty, pays for what its own balance covers: see seven_balance_accounts.
with usage_of_accounts as (
    select
        {{ sms_text('seven.io') }} as provider,
        usage.source_relation,
        {{ sms_text('') }} as account_key,
        usage.date,
        usage.usage_eur as used
    from {{ ref('stg_sms__analytics_by_subaccount') }} as usage
    where {{ is_one_of('usage.account', var('seven_balance_accounts')) }}

    union all

    select
        'seven.io' as provider,
        usage.source_relation,
        usage.account_id as account_key,
        usage.date,
        usage.usage_eur as used
    from {{ ref('int_sms__usage') }} as usage
    where usage.account_id is not null

    union all

    select
        'SMSFactor' as provider,
        usage.source_relation,
        '' as account_key,
        usage.date,
        usage.consumption as used
    from {{ ref('stg_sms__consumption') }} as usage
    where {{ is_one_of('usage.account_id', var('smsfactor_balance_accounts')) }}

    union all

    select
        'SMSFactor' as provider,
        usage.source_relation,
        usage.account_id as account_key,
        usage.date,
        usage.consumption as used
    from {{ ref('stg_sms__consumption') }} as usage
),

usage_of_days as (
    select
        each_one.provider,
        each_one.source_relation,
        each_one.account_key,
        each_one.date,
        sum(each_one.used) as used
    from usage_of_accounts as each_one
    group by each_one.provider, each_one.source_relation, each_one.account_key, each_one.date
),

accounts as (
    select distinct {{ sms_text('seven.io') }} as provider, source_relation, {{ sms_text('') }} as account_key
    from {{ ref('stg_sms__balance') }}

    union all

    select distinct 'seven.io' as provider, source_relation, account_id as account_key
    from {{ ref('stg_sms__subaccount_balances') }}

    union all

    select distinct 'SMSFactor' as provider, source_relation, '' as account_key
    from {{ ref('stg_sms__credits') }}

    union all

    select distinct 'SMSFactor' as provider, source_relation, account_id as account_key
    from {{ ref('stg_sms__subaccount_credits') }}
)

select
    accounts.provider as provider,
    accounts.source_relation as source_relation,
    accounts.account_key as account_key,
    days.date as date,
    cast(coalesce(usage_of_days.used, 0) as {{ number() }}) as used
from accounts
inner join {{ ref('sms__days') }} as days
    on accounts.provider = days.provider
    and accounts.source_relation = days.source_relation
left join {{ ref('int_sms__days_with_accounts') }} as days_with_accounts
    on days.source_relation = days_with_accounts.source_relation
    and days.date = days_with_accounts.date
left join usage_of_days
    on accounts.provider = usage_of_days.provider
    and accounts.source_relation = usage_of_days.source_relation
    and accounts.account_key = usage_of_days.account_key
    and days.date = usage_of_days.date
where days.status = 'complete'
    and (
        accounts.provider = 'SMSFactor'
        or accounts.account_key = ''
        -- What a sub-account of seven.io used on another day is not known, and not 0.
        or days_with_accounts.date is not null
    )
