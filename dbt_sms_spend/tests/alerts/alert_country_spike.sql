-- Each country that was an anomaly on one of the last alert_anomalies_of_days days.
{{ config(severity=var('alert_severity')) }}
{{ after_the_marts() }}
select *
from {{ ref('sms__spend_anomalies') }} as anomalies
where anomalies.date >= {{ sms_add('day', -var('alert_anomalies_of_days'), today()) }}
