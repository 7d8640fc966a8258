{{ config(materialized='view') }}

-- What both versions of FOCUS need, a row for each of sms__daily_spend.
with main_accounts as (
    select
        consumption.source_relation,
        max(consumption.account_id) as id,
        max(consumption.company) as name
    from {{ ref('stg_sms__consumption') }} as consumption
    where consumption.is_main_account
    group by consumption.source_relation
),

invoices as (
    select
        listed.provider,
        {{ sms_month("cast(listed.month as " ~ sms_date() ~ ")") }} as month,
        max(cast(listed.invoice_id as {{ sms_string() }})) as invoice_id
    from {{ ref(var('sms_invoices')) }} as listed
    group by listed.provider, {{ sms_month("cast(listed.month as " ~ sms_date() ~ ")") }}
    -- Which of several invoices a row is on, nobody says.
    having count(*) = 1
),

spend as (
    select
        daily.*,
        {{ sms_month('daily.date') }} as month,
        coalesce(daily.units, daily.messages) as quantity
    from {{ ref('sms__daily_spend') }} as daily
)

select
    spend.source_relation as source_relation,
    spend.provider as provider,
    spend.date as date,
    spend.month as month,
    spend.country as country,
    spend.account_id as account_id,
    spend.account_name as account_name,
    spend.amount as amount,
    spend.currency as currency,
    spend.units as units,
    spend.is_partial as is_partial,
    -- A charge without messages, as for voice calls, is one of something else: quantity times price is the cost.
    case
        when spend.quantity = 0 and spend.amount < 0 then -1
        when spend.quantity = 0 then 1
        else spend.quantity
    end as quantity,
    case
        when spend.quantity = 0 then {{ sms_text('Charges') }}
        when spend.provider = 'seven.io' then {{ sms_text('Messages') }}
        else {{ sms_text('Units') }}
    end as unit,
    cast(
        case
            when spend.quantity = 0 then abs(spend.amount)
            else {{ sms_ratio('spend.amount', 'spend.quantity', 9) }}
        end
        as {{ number() }}
    ) as unit_price,
    case
        when spend.provider = 'seven.io' then {{ sms_text(var('seven_billing_account_id')) }}
        else main_accounts.id
    end as billing_account_id,
    case
        when spend.provider = 'seven.io' then {{ sms_text(var('seven_billing_account_id')) }}
        else coalesce(main_accounts.name, main_accounts.id)
    end as billing_account_name,
    invoices.invoice_id as invoice_id,
    spend.built_at as built_at
from spend
left join main_accounts on spend.source_relation = main_accounts.source_relation
left join invoices
    on spend.provider = invoices.provider
    and spend.month = invoices.month
