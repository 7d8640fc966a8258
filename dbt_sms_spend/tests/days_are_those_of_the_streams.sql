-- sms__days against the connector's tables as they are, without staging between them.
with streams as (
    select
        cast(null as {{ dbt.type_string() }}) as provider,
        cast(null as date) as date,
        cast(null as bigint) as messages,
        cast(null as {{ number() }}) as units,
        cast(null as {{ number() }}) as amount
    where false
    {%- if is_synced('analytics') %}

    union all

    select
        'seven.io',
        date,
        sms + coalesce(rcs, 0),
        0,
        usage_eur
    from {{ source('sms_providers', 'analytics') }}
    {%- endif %}
    {%- if is_synced('consumption') %}

    union all

    select
        'SMSFactor',
        date,
        0,
        sum(consumption),
        0
    from {{ source('sms_providers', 'consumption') }}
    group by date
    {%- endif %}
)

select
    coalesce(streams.provider, days.provider) as provider,
    coalesce(streams.date, days.date) as date
from streams
full join (select * from {{ ref('sms__days') }} where status <> 'missing') as days
    on streams.provider = days.provider
    and streams.date = days.date
where streams.date is null
    or days.date is null
    or streams.messages <> coalesce(days.messages, 0)
    or streams.units <> coalesce(days.units, 0)
    or (streams.provider = 'seven.io' and streams.amount <> days.amount)
