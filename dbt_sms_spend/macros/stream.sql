{# A stream's table. Of a stream that is not synced: no rows, with the columns that the staging model describes. #}
{% macro stream(name) -%}
    {%- if not is_synced(name) -%}
        (
            select {% for column in model.columns %}null as {{ column }}{{ ", " if not loop.last }}{% endfor %}
            where false
        ) as not_synced
    {%- else -%}
        {%- set table = source('sms_providers', name) -%}
        {%- if execute and load_relation(table) is none -%}
            {{ exceptions.raise_compiler_error(
                "There is no table " ~ table ~ ". Sync the stream '" ~ name ~ "', correct sms_schema, or say that it is "
                ~ "not synced: seven_enabled, smsfactor_enabled, streams_left_out, streams_added."
            ) }}
        {%- endif -%}
        {{ table }}
    {%- endif -%}
{%- endmacro %}


{% macro is_synced(name) -%}
    {%- set optional = ['balance', 'pricing', 'analytics_by_label', 'credits'] -%}
    {%- set further = ['analytics_by_subaccount_and_country', 'subaccount_balances', 'subaccount_credits'] -%}
    {%- for stream in var('streams_left_out') if stream not in optional -%}
        {{ exceptions.raise_compiler_error(
            "streams_left_out names '" ~ stream ~ "'. Only these may be left out: " ~ optional | join(", ") ~ "."
        ) }}
    {%- endfor -%}
    {%- for stream in var('streams_added') if stream not in further -%}
        {{ exceptions.raise_compiler_error(
            "streams_added names '" ~ stream ~ "'. Only these may be added: " ~ further | join(", ") ~ "."
        ) }}
    {%- endfor -%}
    {%- set of_smsfactor = name in ('credits', 'consumption', 'subaccount_credits') -%}
    {%- set is_on = var('smsfactor_enabled') if of_smsfactor else var('seven_enabled') -%}
    {%- set is_chosen = name in var('streams_added') if name in further else name not in var('streams_left_out') -%}
    {{ return(is_on and is_chosen) }}
{%- endmacro %}
