-- Each balance in a currency other than that of the usage: nothing says when it runs out.
{{ config(severity=var('alert_severity')) }}
{{ after_the_marts() }}
select *
from {{ ref('sms__balance_runout') }} as balances
where balances.forecast_status = 'other_currency'
