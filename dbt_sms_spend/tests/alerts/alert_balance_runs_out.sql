-- Each balance that runs out within alert_days_left days.
select *
from {{ ref('sms__balance_runout') }}
where runs_out_on <= {{ today() }} + {{ var('alert_days_left') }}
