with accounts as (
    select
        date,
        sum({{ messages() }}) as messages,
        sum(usage_eur) as usage_eur
    from {{ ref('stg_sms__analytics_by_subaccount_and_country') }}
    group by date
),

totals as (
    select
        date,
        {{ messages() }} as messages,
        usage_eur
    from {{ ref('stg_sms__analytics') }}
)

select accounts.date
from accounts
inner join totals
    on accounts.date = totals.date
    and accounts.messages = totals.messages
    and accounts.usage_eur = totals.usage_eur
