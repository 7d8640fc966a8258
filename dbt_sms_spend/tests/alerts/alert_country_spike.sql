-- Each country that was far above its usual on one of the last alert_anomalies_of_days days.
{{ config(severity=var('alert_severity')) }}
{{ after_the_marts() }}
select *
from {{ ref('sms__unusual_days') }} as unusual
where unusual.kind = 'country'
    and unusual.direction = 'spike'
    and unusual.date >= {{ sms_add('day', -var('alert_anomalies_of_days'), today()) }}
