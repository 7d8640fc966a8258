with compared as (
    select
        usage.source_relation as source_relation,
        {{ sms_month('usage.date') }} as month,
        usage.country as country,
        {{ messages('usage') }} as messages,
        usage.usage_eur as usage_eur,
        usage.sms as sms,
        prices.lowest_list_price as lowest_list_price,
        prices.highest_list_price as highest_list_price,
        case when prices.list_basis = 'before_first_list' then 1 else 0 end as is_before_first_list,
        -- The charge is for all services: it is the price of the SMS only where nothing else was used.
        case
            when usage.sms > 0
                and coalesce(usage.rcs, 0) + coalesce(usage.voice, 0) + coalesce(usage.hlr, 0)
                + coalesce(usage.mnp, 0) + coalesce(usage.inbound, 0) = 0
                and prices.lowest_list_price is not null then 1
            else 0
        end as is_compared
    from {{ ref('int_sms__usage') }} as usage
    inner join {{ ref('sms__days') }} as days
        on usage.source_relation = days.source_relation
        and days.provider = 'seven.io'
        and usage.date = days.date
    left join {{ ref('int_sms__list_prices') }} as prices
        on usage.source_relation = prices.source_relation
        and usage.date = prices.date
        and usage.country = prices.country_code
    where {{ is_shown() }}
),

months as (
    select
        source_relation,
        month,
        country,
        sum(messages) as messages_sent,
        sum(usage_eur) as amount,
        sum(case when is_compared = 1 then sms else 0 end) as messages_compared,
        sum(case when is_compared = 1 and is_before_first_list = 1 then sms else 0 end) as messages_before_first_list,
        sum(case when is_compared = 1 then usage_eur end) as paid,
        sum(case when is_compared = 1 then sms * lowest_list_price end) as at_lowest,
        sum(case when is_compared = 1 then sms * highest_list_price end) as at_highest
    from compared
    group by source_relation, month, country
)

select
    source_relation,
    {{ sms_text('seven.io') }} as provider,
    month,
    country,
    cast(messages_sent as {{ sms_bigint() }}) as messages,
    cast(amount as {{ number() }}) as amount,
    {{ sms_text('EUR') }} as currency,
    cast(messages_compared as {{ sms_bigint() }}) as messages_compared,
    cast(messages_before_first_list as {{ sms_bigint() }}) as messages_before_first_list,
    cast(paid as {{ number() }}) as amount_compared,
    {{ sms_ratio('paid', 'messages_compared', 6) }} as paid_per_message,
    {{ sms_ratio('at_lowest', 'messages_compared', 6) }} as lowest_list_price,
    {{ sms_ratio('at_highest', 'messages_compared', 6) }} as highest_list_price,
    cast(
        case
            when paid > at_highest then paid - at_highest
            when paid < at_lowest then paid - at_lowest
            when paid is not null then 0
        end as {{ number() }}
    ) as over_list,
    {{ sms_built_at() }} as built_at
from months
