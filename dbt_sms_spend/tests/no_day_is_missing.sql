select *
from {{ ref('sms__days') }}
where status = 'missing'
