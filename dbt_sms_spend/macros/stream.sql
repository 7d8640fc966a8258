{#
A stream's table as the subquery `synced`: the columns of `stream_columns`, and source_relation. Of each key the newest row, so
that append modes and engines that deduplicate late are right. Several connections (sms_schemas) are put together.
A stream that is not synced has no rows.
#}
{% macro stream(name) -%}
    {%- set columns = stream_columns(name) -%}
    {%- set names = columns['key'] + columns['counts'] + columns['describes'] -%}
    {%- set found = namespace(tables=[], looked_at=[]) -%}
    {%- if is_synced(name) -%}
        {%- for schema in sms_schemas() -%}
            {%- set table = stream_table(name, schema) -%}
            {%- do found.looked_at.append(table | string) -%}
            {%- if not execute or not flags.INTROSPECT -%}
                {%- do found.tables.append((schema, table, none)) -%}
            {%- elif load_relation(table) is not none -%}
                {%- do found.tables.append((schema, table, adapter.get_columns_in_relation(table))) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if execute and name in ('analytics', 'consumption') -%} {{ require_connections() }} {%- endif -%}
        {%- if not found.tables -%}
            {{ exceptions.raise_compiler_error(
                "There is no table " ~ found.looked_at | join(" or ") ~ ". Sync the stream '" ~ name ~ "', correct "
                ~ "sms_schema, or say that it is not synced: seven_enabled, smsfactor_enabled, streams_left_out, "
                ~ "streams_added."
            ) }}
        {%- endif -%}
    {%- endif -%}
    (
    {%- for schema, table, existing in found.tables %}
        {%- if not loop.first %}

        union all
        {% endif %}
        {{ newest_rows(name, schema, table, existing, columns) | indent(4) }}
    {%- else %}
        select
            {{ sms_null(sms_string()) }} as source_relation
            {%- for column in names %},
            {{ sms_null(sms_string()) }} as {{ column }}
            {%- endfor %}
        from (select 1 as one) as nothing
        where 1 = 0
    {%- endfor %}
    ) as synced
{%- endmacro %}


{# `existing` are the table's columns, None if they cannot be looked up: then all are taken to be there. #}
{% macro newest_rows(name, schema, table, existing, columns) -%}
    {%- set types = {} -%}
    {%- for column in existing or [] -%}{%- do types.update({column.name | lower: column.dtype}) -%}{%- endfor -%}
    {%- set missing = [] -%}
    {%- for column in columns['key'] + columns['counts'] if existing is not none and column not in types -%}
        {%- do missing.append(column) -%}
    {%- endfor -%}
    {%- if missing -%}
        {{ exceptions.raise_compiler_error(
            "The table " ~ table ~ " has no column " ~ missing | join(", ") ~ ", which the models count with. Select it "
            ~ "in the connection and sync the stream '" ~ name ~ "' again."
        ) }}
    {%- endif -%}
    {#- Tables of another loader have no such column: they are taken as they are. -#}
    {%- set by_age = existing is none or '_airbyte_extracted_at' in types -%}
    select
        {{ sms_text(schema) }} as source_relation
        {%- for column in columns['key'] + columns['counts'] + columns['describes'] %},
        {% if existing is not none and column not in types -%}
            {{ sms_null(sms_string()) }}
        {%- elif column in ('mncs', 'features') -%}
            {{ sms_to_json('rows_read.' ~ column, types.get(column, '')) }}
        {%- elif column in columns['numbers'] -%}
            {{ sms_to_number('rows_read.' ~ column, types.get(column, '')) }}
        {%- else -%}
            rows_read.{{ column }}
        {%- endif %} as {{ column }}
        {%- endfor %}
    {%- if by_age %}
    from (
        select
            each_row.*,
            row_number() over (
                partition by {% for column in columns['key'] %}each_row.{{ column }}{{ ", " if not loop.last }}{% endfor %}
                order by each_row._airbyte_extracted_at desc
            ) as age_rank
        from {{ table }} as each_row
    ) as rows_read
    where rows_read.age_rank = 1
    {%- else %}
    from {{ table }} as rows_read
    {%- endif %}
{%- endmacro %}


{# Of each stream: the key, the columns that must be there, those that may be missing, and which of them are numbers. #}
{% macro stream_columns(name) -%}
    {%- set counters = ['rcs', 'voice', 'hlr', 'mnp', 'inbound'] -%}
    {%- set all = {
        'balance': (['date'], ['amount', 'currency'], ['retrieved_at'], ['amount']),
        'credits': (
            ['date'],
            ['credits'],
            ['postpaid', 'postpaid_limit', 'unlimited', 'retrieved_at'],
            ['credits', 'postpaid_limit']
        ),
        'pricing': (
            ['date', 'country_code', 'mcc', 'network_name'],
            ['price'],
            ['country_name', 'country_prefix', 'mncs', 'features', 'comment'],
            ['price']
        ),
        'analytics': (['date'], ['sms', 'usage_eur', 'is_partial'], counters, ['usage_eur']),
        'analytics_by_country': (
            ['date', 'country'], ['sms', 'usage_eur'], counters + ['is_partial'], ['usage_eur']
        ),
        'analytics_by_label': (['date', 'label'], ['sms', 'usage_eur'], counters + ['is_partial'], ['usage_eur']),
        'analytics_by_subaccount': (
            ['date', 'account'], ['sms', 'usage_eur'], counters + ['is_partial'], ['usage_eur']
        ),
        'analytics_by_subaccount_and_country': (
            ['date', 'account_id', 'country'],
            ['sms', 'usage_eur'],
            counters + ['company', 'is_main_account', 'is_partial'],
            ['usage_eur']
        ),
        'subaccount_balances': (
            ['date', 'account_id'],
            ['balance'],
            ['username', 'company', 'total_usage', 'auto_topup_threshold', 'auto_topup_amount', 'retrieved_at'],
            ['balance', 'total_usage', 'auto_topup_threshold', 'auto_topup_amount']
        ),
        'consumption': (
            ['date', 'account_id', 'country'],
            ['consumption', 'is_partial'],
            ['company', 'is_main_account'],
            ['consumption']
        ),
        'subaccount_credits': (
            ['date', 'account_id'],
            ['credits'],
            [
                'description', 'unlimited', 'status', 'country_code', 'time_zone', 'current_month_consumption',
                'previous_month_consumption', 'retrieved_at'
            ],
            ['credits', 'current_month_consumption', 'previous_month_consumption']
        ),
    } -%}
    {%- set key, counts, describes, numbers = all[name] -%}
    {{ return({'key': key, 'counts': counts, 'describes': describes, 'numbers': numbers}) }}
{%- endmacro %}


{# The schemas of the connections: the variable sms_schemas, or the one of sms_schema. #}
{% macro sms_schemas() -%}
    {%- set schemas = var('sms_schemas') or [var('sms_schema')] -%}
    {{ return([schemas] if schemas is string else schemas) }}
{%- endmacro %}


{# With one connection the source, so that dbt knows of it; with several their tables, which sources.yml cannot list. #}
{% macro stream_table(name, schema) -%}
    {%- set table = source('sms_providers', name) -%}
    {%- if schema == table.schema -%} {{ return(table) }} {%- endif -%}
    {{ return(api.Relation.create(database=table.database, schema=schema, identifier=table.identifier)) }}
{%- endmacro %}


{# A schema that is misspelt in sms_schemas would otherwise pass for a connection without data. #}
{% macro require_connections() -%}
    {%- if var('sms_schemas') and flags.INTROSPECT -%}
        {%- for schema in sms_schemas() -%}
            {%- set found = [] -%}
            {%- for name in ('analytics', 'consumption') if is_synced(name) -%}
                {%- if load_relation(stream_table(name, schema)) is not none -%} {%- do found.append(name) -%} {%- endif -%}
            {%- endfor -%}
            {%- if not found -%}
                {{ exceptions.raise_compiler_error(
                    "The schema " ~ schema ~ " of sms_schemas has neither a table analytics nor a table consumption. "
                    ~ "Correct its name, or sync the connection first."
                ) }}
            {%- endif -%}
        {%- endfor -%}
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
