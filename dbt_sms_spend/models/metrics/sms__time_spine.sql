{{ config(enabled=var('sms_metrics_enabled')) }}
with first_day as (
    select cast('2010-01-01' as {{ sms_date() }}) as first_date
)

select {{ sms_add('day', 'numbers.n', 'first_day.first_date') }} as date_day
from first_day
cross join {{ sms_day_numbers() }} as numbers
