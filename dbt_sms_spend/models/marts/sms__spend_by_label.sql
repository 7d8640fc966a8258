select
    days.provider,
    days.date,
    usage.label,
    usage.sms + coalesce(usage.rcs, 0) as messages,
    usage.usage_eur as amount,
    cast('EUR' as {{ dbt.type_string() }}) as currency,
    days.status = 'partial' as is_partial
from {{ ref('stg_sms__analytics_by_label') }} as usage
inner join {{ ref('sms__days') }} as days
    on usage.date = days.date
    and days.provider = 'seven.io'
where {{ is_shown() }}
