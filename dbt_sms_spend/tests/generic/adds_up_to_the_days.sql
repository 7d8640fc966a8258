{# Fails for each day or month of a provider whose rows do not add up to sms__days, to the cent and unit. #}
{% test adds_up_to_the_days(model, figures, period='date', provider=none) %}

{%- set period_of_day = "date" if period == "date" else "cast(" ~ dbt.date_trunc(period, "date") ~ " as date)" %}

with parts as (
    select
        provider,
        {{ period }} as period,
        {%- for figure in figures %}
        sum({{ figure }}) as {{ figure }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
    group by provider, {{ period }}
),

totals as (
    select
        provider,
        {{ period_of_day }} as period,
        {%- for figure in figures %}
        sum({{ figure }}) as {{ figure }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('sms__days') }} as days
    where {{ is_shown() }}{% if provider %} and provider = '{{ provider }}'{% endif %}
    group by provider, {{ period_of_day }}
)

select
    coalesce(totals.provider, parts.provider) as provider,
    coalesce(totals.period, parts.period) as period,
    {%- for figure in figures %}
    totals.{{ figure }},
    parts.{{ figure }} as {{ figure }}_of_the_parts{{ "," if not loop.last }}
    {%- endfor %}
from totals
full join parts
    on totals.provider = parts.provider
    and totals.period = parts.period
where
    {%- for figure in figures %}
    coalesce(totals.{{ figure }}, 0) <> coalesce(parts.{{ figure }}, 0){{ " or" if not loop.last }}
    {%- endfor %}

{% endtest %}
