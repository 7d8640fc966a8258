with invoices as (
    select
        listed.provider,
        {{ sms_month("cast(listed.month as " ~ sms_date() ~ ")") }} as month,
        listed.currency,
        count(*) as invoices,
        sum(cast(listed.amount as {{ number() }})) as amount
    from {{ ref(var('sms_invoices')) }} as listed
    group by listed.provider, {{ sms_month("cast(listed.month as " ~ sms_date() ~ ")") }}, listed.currency
),

statement as (
    select
        listed.provider,
        listed.month,
        listed.currency,
        sum(listed.amount) as amount,
        min(case when listed.is_whole_month then 1 else 0 end) as is_whole
    from {{ ref('sms__monthly_statement') }} as listed
    where listed.amount is not null
    group by listed.provider, listed.month, listed.currency
),

-- Units of days before the first price: the statement has no money for them.
unpriced as (
    select distinct
        listed.provider,
        listed.month
    from {{ ref('sms__monthly_statement') }} as listed
    where listed.amount is null and listed.units <> 0
),

-- An account that pays in advance may be invoiced for its top-ups instead of its usage.
top_ups as (
    select
        ledger.provider,
        {{ sms_month('ledger.date') }} as month,
        ledger.measured_in as currency,
        sum(ledger.top_up) as amount
    from {{ ref('sms__balance_daily') }} as ledger
    where ledger.account_id is null
    group by ledger.provider, {{ sms_month('ledger.date') }}, ledger.measured_in
),

both_kinds as (
    select provider, month, currency from invoices
    union all
    select provider, month, currency from statement
),

keys as (
    select distinct provider, month, currency from both_kinds
),

compared as (
    select
        keys.provider as provider,
        keys.month as month,
        keys.currency as currency,
        statement.amount as statement_amount,
        statement.is_whole as is_whole,
        case when unpriced.month is not null then 1 else 0 end as has_unpriced,
        coalesce(invoices.invoices, 0) as invoices,
        invoices.amount as invoice_amount,
        coalesce(top_ups.amount, 0) as top_ups,
        invoices.amount - coalesce(statement.amount, 0) as variance
    from keys
    left join invoices
        on keys.provider = invoices.provider
        and keys.month = invoices.month
        and keys.currency = invoices.currency
    left join statement
        on keys.provider = statement.provider
        and keys.month = statement.month
        and keys.currency = statement.currency
    left join unpriced
        on keys.provider = unpriced.provider
        and keys.month = unpriced.month
    left join top_ups
        on keys.provider = top_ups.provider
        and keys.month = top_ups.month
        and keys.currency = top_ups.currency
)

select
    provider,
    month,
    currency,
    cast(statement_amount as {{ number() }}) as statement_amount,
    cast(invoices as {{ sms_bigint() }}) as invoices,
    cast(invoice_amount as {{ number() }}) as invoice_amount,
    cast(variance as {{ number() }}) as variance,
    {{ sms_ratio('100 * variance', 'statement_amount', 2) }} as variance_percent,
    cast(top_ups as {{ number() }}) as top_ups,
    case
        when invoice_amount is null then 'no invoice'
        when statement_amount is null then 'no usage'
        when is_whole = 0 then 'month not complete'
        when has_unpriced = 1 then 'units without a price'
        when abs(variance) <= {{ var('invoice_tolerance') }} then 'agrees'
        when abs(invoice_amount - top_ups) <= {{ var('invoice_tolerance') }} then 'agrees with top-ups'
        when variance > 0 then 'invoice is higher'
        else 'invoice is lower'
    end as status,
    {{ sms_built_at() }} as built_at
from compared
