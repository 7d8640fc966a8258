-- A leaf: only tests may depend on this model (macro after_the_marts).
with gaps as (
    select
        days.source_relation,
        days.provider,
        min(case when days.status <> 'complete' then days.date end) as first_gap
    from {{ ref('sms__days') }} as days
    group by days.source_relation, days.provider
)

select
    days.source_relation as source_relation,
    days.provider as provider,
    min(days.date) as first_day,
    max(case when gaps.first_gap is null or days.date < gaps.first_gap then days.date end) as complete_to,
    max(case when days.status = 'complete' then days.date end) as last_complete_day,
    cast(count(case when days.status = 'complete' then 1 end) as {{ sms_bigint() }}) as days_complete,
    cast(count(case when days.status = 'partial' then 1 end) as {{ sms_bigint() }}) as days_partial,
    cast(count(case when days.status = 'missing' then 1 end) as {{ sms_bigint() }}) as days_missing,
    cast(count(case when days.status = 'invalid' then 1 end) as {{ sms_bigint() }}) as days_invalid,
    {{ sms_built_at() }} as built_at
from {{ ref('sms__days') }} as days
inner join gaps
    on days.source_relation = gaps.source_relation
    and days.provider = gaps.provider
group by days.source_relation, days.provider
