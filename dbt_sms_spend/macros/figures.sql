{# The columns that the analytics streams share. #}
{% macro usage_figures() %}
    {%- for counter in usage_counters() %}
    cast({{ counter }} as bigint) as {{ counter }},
    {%- endfor %}
    cast(usage_eur as {{ number() }}) as usage_eur,
    cast(is_partial as boolean) as is_partial
{%- endmacro %}


{# Cast, for the columns of a stream that is not synced have no type, and PostgreSQL takes them for text. #}
{% macro has_usage() -%}
    (
        cast(usage_eur as {{ number() }}) <> 0
        {%- for counter in usage_counters() %}
        or cast({{ counter }} as bigint) <> 0
        {%- endfor %}
    )
{%- endmacro %}


{% macro usage_counters() %}{{ return(['sms', 'rcs', 'voice', 'hlr', 'mnp', 'inbound']) }}{% endmacro %}


{# Whether the marts show a day of sms__days. #}
{% macro is_shown() %}days.status {{ "<> 'missing'" if var('include_partial_days') else "= 'complete'" }}{% endmacro %}


{# Messages sent. Answers of old days may lack RCS. #}
{% macro messages() %}sms + coalesce(rcs, 0){% endmacro %}
