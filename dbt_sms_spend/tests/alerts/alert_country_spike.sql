-- Each country that was an anomaly on one of the last alert_anomalies_of_days days.
select *
from {{ ref('sms__spend_anomalies') }}
where date >= {{ today() }} - {{ var('alert_anomalies_of_days') }}
