-- Each provider with a day that is missing or invalid, or that is not complete although alert_days_behind days ago.
{{ config(severity=var('alert_severity')) }}
{{ after_the_marts() }}
with providers as (
    {%- for schema in sms_schemas() %}
    {%- for provider, stream in (('seven.io', 'analytics'), ('SMSFactor', 'consumption')) %}
    select
        {{ sms_text(schema) }} as source_relation,
        {{ sms_text(provider) }} as provider,
        {{ 1 if is_synced(stream) and sms_schemas() | length == 1 else 0 }} as must_have_days
    {{ "union all" if not loop.last }}
    {%- endfor %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        providers.source_relation as source_relation,
        providers.provider as provider,
        providers.must_have_days as must_have_days,
        count(days.date) as days_known,
        count(case when days.status in ('missing', 'invalid') then 1 end) as days_missing,
        count(
            case
                when days.status = 'partial' and days.date <= {{ sms_add('day', -var('alert_days_behind'), today()) }}
                    then 1
            end
        ) as days_left_partial,
        max(case when days.status = 'complete' then days.date end) as last_complete_day
    from providers
    left join {{ ref('sms__days') }} as days
        on providers.source_relation = days.source_relation
        and providers.provider = days.provider
    group by providers.source_relation, providers.provider, providers.must_have_days
)

select *
from judged
-- Of several connections, not each has both providers.
where (judged.must_have_days = 1 or judged.days_known > 0)
    and (
        judged.days_missing > 0
        or judged.days_left_partial > 0
        or judged.last_complete_day is null
        or judged.last_complete_day < {{ sms_add('day', -var('alert_days_behind'), today()) }}
    )
