-- Each complete day of the last 28 that was read by account, but whose accounts do not add up to its total.
{{ config(severity=var('alert_severity')) }}
{{ after_the_marts() }}
with days_by_account as (
    select distinct
        accounts.source_relation,
        accounts.date
    from {{ ref('stg_sms__analytics_by_subaccount_and_country') }} as accounts
)

select
    spend.source_relation as source_relation,
    spend.date as date,
    sum(spend.messages) as messages,
    sum(spend.amount) as amount
from {{ ref('sms__daily_spend') }} as spend
inner join days_by_account
    on spend.source_relation = days_by_account.source_relation
    and spend.date = days_by_account.date
where spend.provider = 'seven.io'
    and spend.account_id is null
    and not spend.is_partial
    and spend.date >= {{ sms_add('day', -28, today()) }}
group by spend.source_relation, spend.date
