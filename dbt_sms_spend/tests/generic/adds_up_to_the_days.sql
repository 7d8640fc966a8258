{# Fails for each day or month of a provider whose rows do not add up to sms__days, to the cent and unit. #}
{% test adds_up_to_the_days(model, figures, period='date', provider=none) %}
{{ after_the_marts() }}

{%- set period_of_day = "days.date" if period == "date" else sms_month("days.date") %}

with parts as (
    select
        parts.source_relation,
        parts.provider,
        parts.{{ period }} as period,
        {%- for figure in figures %}
        cast(coalesce(sum(parts.{{ figure }}), 0) as {{ number() }}) as {{ figure }}_of_the_parts{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }} as parts
    group by parts.source_relation, parts.provider, parts.{{ period }}
),

totals as (
    select
        days.source_relation,
        days.provider,
        {{ period_of_day }} as period,
        {%- for figure in figures %}
        cast(coalesce(sum(days.{{ figure }}), 0) as {{ number() }}) as {{ figure }}_of_the_days{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('sms__days') }} as days
    where {{ is_shown() }}{% if provider %} and days.provider = '{{ provider }}'{% endif %}
    group by days.source_relation, days.provider, {{ period_of_day }}
)

select
    coalesce(totals.source_relation, parts.source_relation) as source_relation,
    coalesce(totals.provider, parts.provider) as provider,
    coalesce(totals.period, parts.period) as period,
    {%- for figure in figures %}
    totals.{{ figure }}_of_the_days,
    parts.{{ figure }}_of_the_parts{{ "," if not loop.last }}
    {%- endfor %}
from totals
full join parts
    on totals.source_relation = parts.source_relation
    and totals.provider = parts.provider
    and totals.period = parts.period
where
    {%- for figure in figures %}
    coalesce(totals.{{ figure }}_of_the_days, 0) <> coalesce(parts.{{ figure }}_of_the_parts, 0){{ " or" if not loop.last }}
    {%- endfor %}

{% endtest %}
