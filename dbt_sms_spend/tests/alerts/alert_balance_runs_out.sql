-- Each balance that runs out within alert_days_left days. What fills up a sub-account is the balance of the main one.
select *
from {{ ref('sms__balance_runout') }}
where runs_out_on <= {{ today() }} + {{ var('alert_days_left') }}
    and not is_topped_up
