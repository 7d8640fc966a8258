{# The columns that the analytics streams share; `of` is the stream's alias. #}
{% macro usage_figures(of) %}
    {%- for counter in usage_counters() %}
    cast({{ of }}.{{ counter }} as {{ sms_bigint() }}) as {{ counter }},
    {%- endfor %}
    cast({{ of }}.usage_eur as {{ number() }}) as usage_eur,
    cast({{ of }}.is_partial as {{ sms_boolean() }}) as is_partial
{%- endmacro %}


{# Cast, for the columns of a stream that is not synced are texts. A row without a cost is no row without usage. #}
{% macro has_usage(of) -%}
    (
        {{ of }}.usage_eur is null
        or cast({{ of }}.usage_eur as {{ number() }}) <> 0
        {%- for counter in usage_counters() %}
        or coalesce(cast({{ of }}.{{ counter }} as {{ sms_bigint() }}), 0) <> 0
        {%- endfor %}
    )
{%- endmacro %}


{% macro usage_counters() %}{{ return(['sms', 'rcs', 'voice', 'hlr', 'mnp', 'inbound']) }}{% endmacro %}


{# Whether the marts show a day of sms__days. #}
{% macro is_shown() -%}
    days.status in ('complete'{{ ", 'partial'" if var('include_partial_days') }})
{%- endmacro %}


{# Messages sent. Responses for old days may lack RCS. #}
{% macro messages(of) %}{{ of }}.sms + coalesce({{ of }}.rcs, 0){% endmacro %}


{# The test depends on the leaf model sms__completeness: dbt then skips no model because the test fails. #}
{% macro after_the_marts() %}
-- depends_on: {{ ref('sms__completeness') }}
{% endmacro %}
