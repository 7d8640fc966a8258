select
    days.source_relation as source_relation,
    days.provider as provider,
    days.date as date,
    labels.label as label,
    {{ messages('labels') }} as messages,
    labels.usage_eur as amount,
    {{ sms_text('EUR') }} as currency,
    cast(days.status = 'partial' as {{ sms_boolean() }}) as is_partial,
    {{ sms_built_at() }} as built_at
from {{ ref('stg_sms__analytics_by_label') }} as labels
inner join {{ ref('sms__days') }} as days
    on labels.source_relation = days.source_relation
    and labels.date = days.date
where {{ is_shown() }}
    and days.provider = 'seven.io'
