select
    usage_rows.source_relation,
    {{ sms_text('seven.io') }} as provider,
    usage_rows.date,
    usage_rows.account_id,
    max(usage_rows.company) as account_name,
    cast(sum({{ messages('usage_rows') }}) as {{ sms_bigint() }}) as messages,
    {{ sms_null(number()) }} as units,
    cast(sum(usage_rows.usage_eur) as {{ number() }}) as amount,
    {{ sms_text('EUR') }} as currency
from {{ ref('int_sms__usage') }} as usage_rows
where usage_rows.account_id is not null
group by usage_rows.source_relation, usage_rows.date, usage_rows.account_id

union all

select
    parts.source_relation as source_relation,
    {{ sms_text('seven.io') }} as provider,
    parts.date as date,
    {{ sms_null(sms_string()) }} as account_id,
    parts.account as account_name,
    {{ messages('parts') }} as messages,
    {{ sms_null(number()) }} as units,
    parts.usage_eur as amount,
    {{ sms_text('EUR') }} as currency
from {{ ref('stg_sms__analytics_by_subaccount') }} as parts
left join {{ ref('int_sms__days_with_accounts') }} as days
    on parts.source_relation = days.source_relation
    and parts.date = days.date
where days.date is null

union all

select
    consumption.source_relation,
    {{ sms_text('SMSFactor') }} as provider,
    consumption.date,
    consumption.account_id,
    max(consumption.company) as account_name,
    {{ sms_null(sms_bigint()) }} as messages,
    cast(sum(consumption.units) as {{ number() }}) as units,
    cast(sum(consumption.amount) as {{ number() }}) as amount,
    consumption.currency
from {{ ref('int_sms__consumption') }} as consumption
where consumption.units <> 0
group by consumption.source_relation, consumption.date, consumption.account_id, consumption.currency
