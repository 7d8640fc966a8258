{{ config(severity='warn') }}
{{ after_the_marts() }}
select *
from {{ ref('sms__days') }} as days
where days.status in ('missing', 'invalid')
