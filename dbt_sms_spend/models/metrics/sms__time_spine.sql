{{ config(enabled=var('sms_metrics_enabled')) }}
with start as (
    select cast('2010-01-01' as {{ sms_date() }}) as first_date
)

select {{ sms_add('day', 'numbers.n', 'start.first_date') }} as date_day
from start
cross join {{ sms_day_numbers() }} as numbers
