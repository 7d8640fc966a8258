-- Each complete day of the last 28 that was read by account, but whose accounts do not add up to its total.
select
    spend.date,
    sum(spend.messages) as messages,
    sum(spend.amount) as amount
from {{ ref('sms__daily_spend') }} as spend
where spend.provider = 'seven.io'
    and spend.account_id is null
    and not spend.is_partial
    and spend.date >= {{ today() }} - 28
    and exists (
        select 1
        from {{ ref('stg_sms__analytics_by_subaccount_and_country') }} as accounts
        where accounts.date = spend.date
    )
group by spend.date
