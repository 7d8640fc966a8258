with balances as (
    select
        cast('seven.io' as {{ dbt.type_string() }}) as provider,
        date as balance_date,
        amount as balance,
        currency as measured_in,
        -- seven.io does not say whether an account is paid in advance.
        cast('unknown' as {{ dbt.type_string() }}) as kind
    from {{ ref('stg_sms__balance') }}
    where date = (select max(date) from {{ ref('stg_sms__balance') }})

    union all

    select
        'SMSFactor' as provider,
        date as balance_date,
        credits as balance,
        'credits' as measured_in,
        case
            when unlimited then 'unlimited'
            when postpaid then 'postpaid'
            when not postpaid then 'prepaid'
            else 'unknown'
        end as kind
    from {{ ref('stg_sms__credits') }}
    where date = (select max(date) from {{ ref('stg_sms__credits') }})
),

complete_days as (
    select
        days.provider,
        days.date,
        coalesce(sum(coalesce(spend.units, spend.amount)), 0) as used
    from {{ ref('sms__days') }} as days
    left join {{ ref('int_sms__spend_by_account') }} as spend
        on days.provider = spend.provider
        and days.date = spend.date
        and {{ is_paid_by_the_balance() }}
    where days.status = 'complete'
    group by days.provider, days.date
),

means as (
    select
        balances.provider,
        count(case when complete_days.date >= balances.balance_date - 7 then 1 end) as days_in_mean_7,
        count(complete_days.date) as days_in_mean_28,
        sum(case when complete_days.date >= balances.balance_date - 7 then complete_days.used end) as used_7,
        sum(complete_days.used) as used_28
    from balances
    left join complete_days
        on balances.provider = complete_days.provider
        and complete_days.date >= balances.balance_date - 28
        and complete_days.date < balances.balance_date
    group by balances.provider
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
                        means.used_7 / nullif(means.days_in_mean_7, 0), means.used_28 / nullif(means.days_in_mean_28, 0)
                    ), 0)
                )
        end as days_left
    from balances
    inner join means on balances.provider = means.provider
)

select
    provider,
    cast(null as {{ dbt.type_string() }}) as account_id,
    kind,
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
