with latest_balances as (
    select
        balance.source_relation,
        max(balance.date) as last_date
    from {{ ref('stg_sms__balance') }} as balance
    group by balance.source_relation
),

latest_credits as (
    select
        credits.source_relation,
        max(credits.date) as last_date
    from {{ ref('stg_sms__credits') }} as credits
    group by credits.source_relation
),

{{ latest_list('seven_lists', 'stg_sms__subaccount_balances', 'latest_balances') }},

{{ latest_list('smsfactor_lists', 'stg_sms__subaccount_credits', 'latest_credits') }},

balances as (
    select
        balance.source_relation as source_relation,
        {{ sms_text('seven.io') }} as provider,
        {{ sms_null(sms_string()) }} as account_id,
        {{ sms_null(sms_string()) }} as account_name,
        balance.date as balance_date,
        balance.amount as balance,
        coalesce(balance.currency, 'unknown') as measured_in,
        -- seven.io does not say whether an account is paid in advance.
        {{ sms_text('unknown') }} as kind,
        cast(0 as {{ sms_int() }}) as topped_up
    from {{ ref('stg_sms__balance') }} as balance
    inner join latest_balances
        on balance.source_relation = latest_balances.source_relation
        and balance.date = latest_balances.last_date

    union all

    select
        accounts.source_relation as source_relation,
        {{ sms_text('seven.io') }} as provider,
        accounts.account_id as account_id,
        accounts.company as account_name,
        accounts.date as balance_date,
        accounts.balance as balance,
        {{ sms_text('EUR') }} as measured_in,
        {{ sms_text('unknown') }} as kind,
        cast(case when accounts.auto_topup_amount > 0 then 1 else 0 end as {{ sms_int() }}) as topped_up
    from {{ ref('stg_sms__subaccount_balances') }} as accounts
    inner join seven_lists
        on accounts.source_relation = seven_lists.source_relation
        and accounts.date = seven_lists.last_date
    -- An older shape of the list has no balances.
    where accounts.balance is not null

    union all

    select
        credits.source_relation as source_relation,
        {{ sms_text('SMSFactor') }} as provider,
        {{ sms_null(sms_string()) }} as account_id,
        {{ sms_null(sms_string()) }} as account_name,
        credits.date as balance_date,
        credits.credits as balance,
        {{ sms_text('credits') }} as measured_in,
        cast(case
            when credits.unlimited then 'unlimited'
            when credits.postpaid then 'postpaid'
            when not credits.postpaid then 'prepaid'
            else 'unknown'
        end as {{ sms_string() }}) as kind,
        cast(0 as {{ sms_int() }}) as topped_up
    from {{ ref('stg_sms__credits') }} as credits
    inner join latest_credits
        on credits.source_relation = latest_credits.source_relation
        and credits.date = latest_credits.last_date

    union all

    select
        accounts.source_relation as source_relation,
        {{ sms_text('SMSFactor') }} as provider,
        accounts.account_id as account_id,
        accounts.description as account_name,
        accounts.date as balance_date,
        accounts.credits as balance,
        {{ sms_text('credits') }} as measured_in,
        cast(case
            when accounts.unlimited then 'unlimited'
            when not accounts.unlimited then 'prepaid'
            else 'unknown'
        end as {{ sms_string() }}) as kind,
        cast(0 as {{ sms_int() }}) as topped_up
    from {{ ref('stg_sms__subaccount_credits') }} as accounts
    inner join smsfactor_lists
        on accounts.source_relation = smsfactor_lists.source_relation
        and accounts.date = smsfactor_lists.last_date
    where accounts.credits is not null or accounts.unlimited
),

-- What is known of the days before each balance. A refund says nothing about the days to come.
days_before as (
    select
        usage.source_relation as source_relation,
        usage.provider as provider,
        usage.account_key as account_key,
        usage.used as used,
        {{ sms_days_between('usage.date', 'balances.balance_date') }} as age
    from balances
    inner join {{ ref('int_sms__balance_usage') }} as usage
        on balances.source_relation = usage.source_relation
        and balances.provider = usage.provider
        and {{ sms_key('balances.account_id') }} = usage.account_key
    where usage.date < balances.balance_date
        and usage.date >= {{ sms_add('day', -28, 'balances.balance_date') }}
        and usage.used >= 0
),

means as (
    select
        days_before.source_relation as source_relation,
        days_before.provider as provider,
        days_before.account_key as account_key,
        count(case when days_before.age <= 7 then 1 end) as days_7,
        count(*) as days_28,
        cast(sum(case when days_before.age <= 7 then days_before.used end) as {{ number() }}) as used_7,
        cast(sum(days_before.used) as {{ number() }}) as used_28
    from days_before
    group by days_before.source_relation, days_before.provider, days_before.account_key
),

-- For how many days the balance lasts at each mean.
lasting as (
    select
        balances.source_relation as source_relation,
        balances.provider as provider,
        balances.account_id as account_id,
        balances.account_name as account_name,
        balances.kind as kind,
        balances.topped_up as topped_up,
        balances.balance_date as balance_date,
        balances.balance as balance,
        balances.measured_in as measured_in,
        coalesce(means.days_7, 0) as days_7,
        coalesce(means.days_28, 0) as days_28,
        means.used_7 as used_7,
        means.used_28 as used_28,
        case when means.used_7 > 0 then floor({{ sms_ratio(spare_days('days_7'), 'means.used_7', 9) }}) end as left_7,
        case when means.used_28 > 0 then floor({{ sms_ratio(spare_days('days_28'), 'means.used_28', 9) }}) end as left_28
    from balances
    left join means
        on balances.source_relation = means.source_relation
        and balances.provider = means.provider
        and {{ sms_key('balances.account_id') }} = means.account_key
),

forecasts as (
    select
        lasting.*,
        -- The higher mean ends the balance sooner.
        cast(case
            when lasting.kind not in ('prepaid', 'unknown') or lasting.measured_in not in ('EUR', 'credits') then null
            when lasting.left_28 is null or lasting.left_7 < lasting.left_28 then lasting.left_7
            else lasting.left_28
        end as {{ sms_bigint() }}) as days_left
    from lasting
)

select
    forecasts.source_relation,
    forecasts.provider,
    forecasts.account_id,
    forecasts.account_name,
    forecasts.kind,
    cast(forecasts.topped_up = 1 as {{ sms_boolean() }}) as is_topped_up,
    forecasts.balance_date,
    forecasts.balance,
    forecasts.measured_in,
    cast(forecasts.days_7 as {{ sms_bigint() }}) as days_in_mean_7,
    {{ sms_ratio('forecasts.used_7', 'forecasts.days_7', 9) }} as mean_7_days,
    cast(forecasts.days_28 as {{ sms_bigint() }}) as days_in_mean_28,
    {{ sms_ratio('forecasts.used_28', 'forecasts.days_28', 9) }} as mean_28_days,
    forecasts.days_left,
    case
        when forecasts.days_left <= 3650
            then {{ sms_add('day', 'case when forecasts.days_left <= 3650 then forecasts.days_left else 0 end', 'forecasts.balance_date') }}
    end as runs_out_on,
    cast(case
        when forecasts.kind in ('postpaid', 'unlimited') then forecasts.kind
        when forecasts.balance < 0 then 'owed'
        when forecasts.measured_in not in ('EUR', 'credits') then 'other_currency'
        when forecasts.days_left is null then 'no_usage'
        else 'forecast'
    end as {{ sms_string() }}) as forecast_status,
    {{ sms_built_at() }} as built_at
from forecasts
