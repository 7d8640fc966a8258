-- Each balance that runs out within alert_days_left days. What fills up a sub-account is the balance of the main one.
{{ config(severity=var('alert_severity')) }}
{{ after_the_marts() }}
select *
from {{ ref('sms__balance_runout') }} as balances
where balances.runs_out_on <= {{ sms_add('day', var('alert_days_left'), today()) }}
    and not balances.is_topped_up
