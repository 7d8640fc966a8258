-- sms__days against the connector's tables, without the models between them.
{{ after_the_marts() }}
with streams as (
    select
        analytics.source_relation,
        {{ sms_text('seven.io') }} as provider,
        cast(analytics.date as {{ sms_date() }}) as date,
        cast(analytics.sms as {{ sms_bigint() }}) + coalesce(cast(analytics.rcs as {{ sms_bigint() }}), 0) as messages,
        cast(0 as {{ number() }}) as units,
        cast(analytics.usage_eur as {{ number() }}) as amount
    from (select synced.* from {{ stream('analytics') }}) as analytics

    union all

    select
        consumption.source_relation,
        {{ sms_text('SMSFactor') }} as provider,
        cast(consumption.date as {{ sms_date() }}) as date,
        cast(0 as {{ sms_bigint() }}) as messages,
        cast(sum(cast(consumption.consumption as {{ number() }})) as {{ number() }}) as units,
        cast(0 as {{ number() }}) as amount
    from (select synced.* from {{ stream('consumption') }}) as consumption
    group by consumption.source_relation, cast(consumption.date as {{ sms_date() }})
),

days as (
    select *
    from {{ ref('sms__days') }} as days
    where days.status <> 'missing'
)

select
    coalesce(streams.source_relation, days.source_relation) as source_relation,
    coalesce(streams.provider, days.provider) as provider,
    coalesce(streams.date, days.date) as date
from streams
full join days
    on streams.source_relation = days.source_relation
    and streams.provider = days.provider
    and streams.date = days.date
where streams.date is null
    or days.date is null
    or (
        days.status <> 'invalid'
        and (
            streams.messages <> coalesce(days.messages, 0)
            or streams.units <> coalesce(days.units, 0)
            or (streams.provider = 'seven.io' and streams.amount <> coalesce(days.amount, 0))
        )
    )
