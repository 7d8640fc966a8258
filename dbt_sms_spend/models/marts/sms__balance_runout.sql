with balances as (
    select
        cast('seven.io' as {{ dbt.type_string() }}) as provider,
        cast(null as {{ dbt.type_string() }}) as account_id,
        cast(null as {{ dbt.type_string() }}) as account_name,
        date as balance_date,
        amount as balance,
        currency as measured_in,
        -- seven.io does not say whether an account is paid in advance.
        cast('unknown' as {{ dbt.type_string() }}) as kind,
        false as is_topped_up
    from {{ ref('stg_sms__balance') }}
    where date = (select max(date) from {{ ref('stg_sms__balance') }})

    union all

    select
        'seven.io' as provider,
        account_id,
        company as account_name,
        date as balance_date,
        balance,
        'EUR' as measured_in,
        'unknown' as kind,
        coalesce(auto_topup_amount > 0, false) as is_topped_up
    from {{ ref('stg_sms__subaccount_balances') }} as accounts
    where {{ is_latest_list('stg_sms__subaccount_balances', 'stg_sms__balance') }}
        -- An older shape of the list has none.
        and balance is not null

    union all

    select
        'SMSFactor' as provider,
        null as account_id,
        null as account_name,
        date as balance_date,
        credits as balance,
        'credits' as measured_in,
        case
            when unlimited then 'unlimited'
            when postpaid then 'postpaid'
            when not postpaid then 'prepaid'
            else 'unknown'
        end as kind,
        false as is_topped_up
    from {{ ref('stg_sms__credits') }}
    where date = (select max(date) from {{ ref('stg_sms__credits') }})

    union all

    select
        'SMSFactor' as provider,
        account_id,
        description as account_name,
        date as balance_date,
        credits as balance,
        'credits' as measured_in,
        case
            when unlimited then 'unlimited'
            when not unlimited then 'prepaid'
            else 'unknown'
        end as kind,
        false as is_topped_up
    from {{ ref('stg_sms__subaccount_credits') }} as accounts
    where {{ is_latest_list('stg_sms__subaccount_credits', 'stg_sms__credits') }}
        and (credits is not null or unlimited)
),

-- What the accounts used that a balance pays for: without account_id, that of the account that the key belongs to.
usage_of_accounts as (
    select
        cast('seven.io' as {{ dbt.type_string() }}) as provider,
        cast(null as {{ dbt.type_string() }}) as account_id,
        date,
        usage_eur as used
    from {{ ref('stg_sms__analytics_by_subaccount') }}
    where {{ is_one_of('account', var('seven_balance_accounts')) }}

    union all

    select
        'seven.io' as provider,
        account_id,
        date,
        usage_eur as used
    from {{ ref('int_sms__usage') }}
    where account_id is not null

    union all

    select
        'SMSFactor' as provider,
        null as account_id,
        date,
        consumption as used
    from {{ ref('stg_sms__consumption') }}
    where {{ is_one_of('account_id', var('smsfactor_balance_accounts')) }}

    union all

    select
        'SMSFactor' as provider,
        account_id,
        date,
        consumption as used
    from {{ ref('stg_sms__consumption') }}
),

usage_of_days as (
    select
        provider,
        account_id,
        date,
        sum(used) as used
    from usage_of_accounts
    group by provider, account_id, date
),

complete_days as (
    select
        provider,
        date,
        provider = 'SMSFactor'
        or date in (select date from {{ ref('int_sms__days_with_accounts') }}) as has_accounts
    from {{ ref('sms__days') }}
    where status = 'complete'
),

means as (
    select
        balances.provider,
        balances.account_id,
        count(case when days.date >= balances.balance_date - 7 then 1 end) as days_in_mean_7,
        count(days.date) as days_in_mean_28,
        sum(case when days.date >= balances.balance_date - 7 then coalesce(usage_of_days.used, 0) end) as used_7,
        sum(coalesce(usage_of_days.used, 0)) as used_28
    from balances
    left join complete_days as days
        on balances.provider = days.provider
        and days.date >= balances.balance_date - 28
        and days.date < balances.balance_date
        -- What a sub-account used on another day is not known, and not 0.
        and (balances.account_id is null or days.has_accounts)
    left join usage_of_days
        on days.provider = usage_of_days.provider
        and days.date = usage_of_days.date
        and balances.account_id is not distinct from usage_of_days.account_id
    group by balances.provider, balances.account_id
),

forecasts as (
    select
        balances.*,
        means.days_in_mean_7,
        means.days_in_mean_28,
        cast(means.used_7 / nullif(means.days_in_mean_7, 0) as {{ number() }}) as mean_7_days,
        cast(means.used_28 / nullif(means.days_in_mean_28, 0) as {{ number() }}) as mean_28_days,
        -- The higher mean ends the balance sooner.
        case
            when balances.kind in ('prepaid', 'unknown') and balances.measured_in in ('EUR', 'credits')
                then floor(
                    greatest(balances.balance, 0) / nullif(greatest(
                        means.used_7 / nullif(means.days_in_mean_7, 0),
                        means.used_28 / nullif(means.days_in_mean_28, 0),
                        -- A mean of refunds ends nothing.
                        0
                    ), 0)
                )
        end as days_left
    from balances
    inner join means
        on balances.provider = means.provider
        and balances.account_id is not distinct from means.account_id
)

select
    provider,
    account_id,
    account_name,
    kind,
    is_topped_up,
    balance_date,
    balance,
    measured_in,
    days_in_mean_7,
    mean_7_days,
    days_in_mean_28,
    mean_28_days,
    cast(days_left as bigint) as days_left,
    case when days_left <= 3650 then balance_date + cast(days_left as integer) end as runs_out_on
from forecasts
