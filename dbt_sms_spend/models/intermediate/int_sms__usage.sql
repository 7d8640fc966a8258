select
    parts.source_relation as source_relation,
    parts.date as date,
    parts.account_id as account_id,
    parts.company as company,
    parts.country as country,
    {%- for counter in usage_counters() %}
    parts.{{ counter }} as {{ counter }},
    {%- endfor %}
    parts.usage_eur as usage_eur
from {{ ref('stg_sms__analytics_by_subaccount_and_country') }} as parts
inner join {{ ref('int_sms__days_with_accounts') }} as days
    on parts.source_relation = days.source_relation
    and parts.date = days.date
where {{ has_usage('parts') }}

union all

select
    parts.source_relation as source_relation,
    parts.date as date,
    {{ sms_null(sms_string()) }} as account_id,
    {{ sms_null(sms_string()) }} as company,
    parts.country as country,
    {%- for counter in usage_counters() %}
    parts.{{ counter }} as {{ counter }},
    {%- endfor %}
    parts.usage_eur as usage_eur
from {{ ref('stg_sms__analytics_by_country') }} as parts
left join {{ ref('int_sms__days_with_accounts') }} as days
    on parts.source_relation = days.source_relation
    and parts.date = days.date
where days.date is null
