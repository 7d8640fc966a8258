{{ after_the_marts() }}
with charges as (
    select
        focus.{{ sms_quote('x_source_relation') }} as source_relation,
        focus.{{ sms_quote('ServiceProviderName') }} as provider,
        cast(focus.{{ sms_quote('ChargePeriodStart') }} as {{ sms_date() }}) as date,
        cast(sum(focus.{{ sms_quote('BilledCost') }}) as {{ number() }}) as amount
    from {{ ref('sms__focus_1_4') }} as focus
    group by
        focus.{{ sms_quote('x_source_relation') }},
        focus.{{ sms_quote('ServiceProviderName') }},
        cast(focus.{{ sms_quote('ChargePeriodStart') }} as {{ sms_date() }})
),

days as (
    select *
    from {{ ref('sms__days') }} as days
    where {{ is_shown() }}
)

select
    coalesce(days.source_relation, charges.source_relation) as source_relation,
    coalesce(days.provider, charges.provider) as provider,
    coalesce(days.date, charges.date) as date
from days
full join charges
    on days.source_relation = charges.source_relation
    and days.provider = charges.provider
    and days.date = charges.date
where coalesce(days.amount, 0) <> coalesce(charges.amount, 0)
