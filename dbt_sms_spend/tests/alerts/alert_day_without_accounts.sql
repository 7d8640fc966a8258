-- Each complete day of the last 28 that was read by account, but whose accounts do not add up to its total.
select
    days.date,
    days.messages,
    sum({{ messages() }}) as messages_of_the_accounts,
    days.amount,
    sum(accounts.usage_eur) as amount_of_the_accounts
from {{ ref('sms__days') }} as days
inner join {{ ref('stg_sms__analytics_by_subaccount_and_country') }} as accounts on days.date = accounts.date
where days.provider = 'seven.io'
    and days.status = 'complete'
    and days.date >= {{ today() }} - 28
group by days.date, days.messages, days.amount
having days.messages <> sum({{ messages() }})
    or days.amount <> sum(accounts.usage_eur)
