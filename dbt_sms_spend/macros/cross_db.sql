{#
The constructs that differ between warehouses. All but sms_text, sms_null, today, sms_built_at, sms_month, sms_round and
sms_key are dispatched: a project that takes the package in can override one with its own macro (`dispatch: [{macro_namespace: sms_spend, search_order: [your_project, sms_spend]}]`).

Types; on ClickHouse each is Nullable, so that an outer join gives nulls:
  number()                    exact money and units, nine decimal places
  sms_unit_price()            decimal(18, 9): one factor of a product must be this narrow, or Spark cuts places
  sms_string(), sms_bigint(), sms_int(), sms_boolean(), sms_date(), sms_timestamp()
  sms_decimal(places)         an exact number with fewer places, for percentages and rounded prices
  sms_float()                 a binary fraction of 64 bits: dbt.type_float() has 32 on DuckDB, Spark and ClickHouse

Values:
  sms_text('seven.io')        a typed literal
  sms_null(sms_string())      a typed null
  today()                     the day from which alerts count, as a date
  sms_built_at()              when this dbt run started, as a timestamp: the column built_at of every mart

Dates (arguments and results are dates):
  sms_add('day', 7, 'x.date')           x.date plus 7 days; the count may be an SQL expression or negative
  sms_days_between('a.date', 'b.date')  days from a to b, as an integer
  sms_month('x.date')                   the first day of the month
  sms_day_numbers()                     a subquery with the column n, 0 to 9999: a calendar without recursion is
                                        `from bounds cross join {{ sms_day_numbers() }} as numbers
                                        where numbers.n <= {{ sms_days_between('bounds.first_date', 'bounds.last_date') }}`

Arithmetic:
  sms_round(x, places)        an exact number, half rounded away from zero
  sms_ratio(a, b, places)     a / b, rounded; null if b is 0 or null. a must be exact (number()), not an integer.

Names and keys:
  sms_quote('BilledCost')     a column's name in the case as given
  sms_key('x.account_id')     never null, for joins: '' stands for null
  sms_to_json(column, type)   a JSON or array column as text
  sms_to_number(column, type) a column of the connector's tables as an exact number

Rules that keep the SQL portable:
  - every table carries source_relation (the connection's schema), and it is in every key and every join;
  - never give an aggregate the alias of a column of the same query unless all uses of that column are qualified
    (ClickHouse reads the alias): `sum(spend.units) as units … where spend.units <> 0`;
  - in a query with a join every column has an alias (`days.date as date`) and there is no `x.*`: ClickHouse would
    call the column of a view `days.date`;
  - a comparison that becomes a column is cast: `cast(x = 'a' as {{ sms_boolean() }})` (a number on ClickHouse);
  - no correlated subquery, no join without an equality (a cross join with a table of a few rows is fine);
  - no `with recursive`, `bool_and`, `percentile_cont`, `is not distinct from`, `greatest`/`least` of nulls, `date + n`,
    `date - date`, `where false` (write `where 1 = 0`, and never without a FROM); each aliased subquery is a CTE.

What the models have in common (for marts, the page and tests):
  source_relation             in each model and mart: the schema that the connection writes to; part of each key
  built_at                    the last column of each mart: one value per dbt run, so that a page sees marts of two runs
  sms__days.status            complete, partial, missing, or invalid (read, but a counted value is null; no figures)
  sms__completeness           a row per source_relation and provider: first_day, complete_to, last_complete_day,
                              days_complete, days_partial, days_missing, days_invalid
  int_sms__list_prices        a row per source_relation, date (of sms__days) and country_code: the list that was valid:
                              default_list_price, lowest_list_price, highest_list_price, list_date,
                              list_basis (listed, carried_forward, before_first_list)
  int_sms__spend_by_account   usage by day and account; its account_name is that of the day
  sms__price_changes.percent_change  was `percent`, a reserved word on Redshift
  sms__balance_runout.forecast_status  forecast, owed, postpaid, unlimited, other_currency, no_usage

Nothing may `ref` the model sms__completeness except tests: it is a leaf, and a test that also refs it (macro
`after_the_marts()`) cannot stop another model from being built.
#}


{# Exact, and wide enough for a product of two: 38 digits are the most that a database knows. #}
{% macro number() %}{{ return(adapter.dispatch('number', 'sms_spend')()) }}{% endmacro %}
{% macro default__number() %}{{ return('decimal(28, 9)') }}{% endmacro %}
{% macro bigquery__number() %}{{ return('numeric') }}{% endmacro %}
{% macro clickhouse__number() %}{{ return('Nullable(Decimal(28, 9))') }}{% endmacro %}


{% macro sms_decimal(places) %}{{ return(adapter.dispatch('sms_decimal', 'sms_spend')(places)) }}{% endmacro %}
{% macro default__sms_decimal(places) %}{{ return('decimal(28, ' ~ places ~ ')') }}{% endmacro %}
{% macro bigquery__sms_decimal(places) %}{{ return('numeric') }}{% endmacro %}
{% macro clickhouse__sms_decimal(places) %}{{ return('Nullable(Decimal(28, ' ~ places ~ '))') }}{% endmacro %}


{% macro sms_float() %}{{ return(adapter.dispatch('sms_float', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_float() %}{{ return('double precision') }}{% endmacro %}
{% macro bigquery__sms_float() %}{{ return('float64') }}{% endmacro %}
{% macro spark__sms_float() %}{{ return('double') }}{% endmacro %}
{% macro trino__sms_float() %}{{ return('double') }}{% endmacro %}
{% macro clickhouse__sms_float() %}{{ return('Nullable(Float64)') }}{% endmacro %}


{# What one unit costs. Narrower, for Spark cuts a product whose operands are both as wide as number(). #}
{% macro sms_unit_price() %}{{ return(adapter.dispatch('sms_unit_price', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_unit_price() %}{{ return('decimal(18, 9)') }}{% endmacro %}
{% macro bigquery__sms_unit_price() %}{{ return('numeric') }}{% endmacro %}
{% macro clickhouse__sms_unit_price() %}{{ return('Nullable(Decimal(18, 9))') }}{% endmacro %}


{% macro sms_string() %}{{ return(adapter.dispatch('sms_string', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_string() %}{{ return(dbt.type_string() | trim) }}{% endmacro %}
{% macro clickhouse__sms_string() %}{{ return('Nullable(String)') }}{% endmacro %}


{% macro sms_bigint() %}{{ return(adapter.dispatch('sms_bigint', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_bigint() %}{{ return(dbt.type_bigint() | trim) }}{% endmacro %}
{% macro bigquery__sms_bigint() %}{{ return('int64') }}{% endmacro %}
{% macro clickhouse__sms_bigint() %}{{ return('Nullable(Int64)') }}{% endmacro %}


{% macro sms_int() %}{{ return(adapter.dispatch('sms_int', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_int() %}{{ return(dbt.type_int() | trim) }}{% endmacro %}
{% macro bigquery__sms_int() %}{{ return('int64') }}{% endmacro %}
{% macro clickhouse__sms_int() %}{{ return('Nullable(Int32)') }}{% endmacro %}


{% macro sms_boolean() %}{{ return(adapter.dispatch('sms_boolean', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_boolean() %}{{ return(dbt.type_boolean() | trim) }}{% endmacro %}
{% macro clickhouse__sms_boolean() %}{{ return('Nullable(Bool)') }}{% endmacro %}


{% macro sms_date() %}{{ return(adapter.dispatch('sms_date', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_date() %}{{ return('date') }}{% endmacro %}
{% macro clickhouse__sms_date() %}{{ return('Nullable(Date32)') }}{% endmacro %}


{% macro sms_timestamp() %}{{ return(adapter.dispatch('sms_timestamp', 'sms_spend')()) }}{% endmacro %}
{% macro default__sms_timestamp() %}{{ return(dbt.type_timestamp() | trim) }}{% endmacro %}
{% macro clickhouse__sms_timestamp() %}{{ return("Nullable(DateTime64(6, 'UTC'))") }}{% endmacro %}


{% macro sms_text(text) -%}
    cast({{ dbt.string_literal(dbt.escape_single_quotes(text | string)) }} as {{ sms_string() }})
{%- endmacro %}


{% macro sms_null(type) %}cast(null as {{ type }}){% endmacro %}


{% macro today() -%}
    cast('{{ var("sms_today") or run_started_at.strftime("%Y-%m-%d") }}' as {{ sms_date() }})
{%- endmacro %}


{% macro sms_built_at() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as {{ sms_timestamp() }})
{%- endmacro %}


{% macro sms_add(part, count, date) -%}
    {{ adapter.dispatch('sms_add', 'sms_spend')(part, count, date) }}
{%- endmacro %}
{% macro default__sms_add(part, count, date) -%}
    cast({{ dbt.dateadd(part, count, date) | trim }} as {{ sms_date() }})
{%- endmacro %}
{% macro spark__sms_add(part, count, date) -%}
    {%- if part == 'month' -%} add_months({{ date }}, {{ count }})
    {%- else -%} date_add({{ date }}, cast({{ count }} as int))
    {%- endif -%}
{%- endmacro %}
{% macro clickhouse__sms_add(part, count, date) -%}
    cast({{ {'day': 'addDays', 'month': 'addMonths'}[part] }}({{ date }}, {{ count }}) as {{ sms_date() }})
{%- endmacro %}


{% macro sms_days_between(first, last) -%}
    {{ adapter.dispatch('sms_days_between', 'sms_spend')(first, last) }}
{%- endmacro %}
{% macro default__sms_days_between(first, last) -%}
    cast({{ dbt.datediff(first, last, 'day') | trim }} as {{ sms_int() }})
{%- endmacro %}
{% macro spark__sms_days_between(first, last) %}datediff({{ last }}, {{ first }}){% endmacro %}
{% macro clickhouse__sms_days_between(first, last) -%}
    cast(dateDiff('day', {{ first }}, {{ last }}) as {{ sms_int() }})
{%- endmacro %}
{% macro bigquery__sms_days_between(first, last) %}date_diff({{ last }}, {{ first }}, day){% endmacro %}


{% macro sms_month(date) -%}
    cast({{ dbt.date_trunc('month', date) | trim }} as {{ sms_date() }})
{%- endmacro %}


{% macro sms_day_numbers() -%}
    {{ adapter.dispatch('sms_day_numbers', 'sms_spend')() }}
{%- endmacro %}
{% macro default__sms_day_numbers() -%}
    {%- set digits -%}
    (
        select 0 as digit
        {%- for digit in range(1, 10) %} union all select {{ digit }}{% endfor %}
    )
    {%- endset -%}
    (
        select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as n
        from {{ digits }} as ones
        cross join {{ digits }} as tens
        cross join {{ digits }} as hundreds
        cross join {{ digits }} as thousands
    )
{%- endmacro %}
{% macro clickhouse__sms_day_numbers() %}(select toInt32(number) as n from numbers(10000)){% endmacro %}


{% macro sms_round(x, places) -%}
    cast(round({{ x }}, {{ places }}) as {{ sms_decimal(places) }})
{%- endmacro %}


{% macro sms_ratio(a, b, places) -%}
    {{ adapter.dispatch('sms_ratio', 'sms_spend')(a, b, places) }}
{%- endmacro %}
{% macro default__sms_ratio(a, b, places) -%}
    cast(round({{ a }} / nullif({{ b }}, 0), {{ places }}) as {{ sms_decimal(places) }})
{%- endmacro %}
{# DuckDB divides decimals as binary fractions: a half may lie just below itself, and would be rounded towards zero. #}
{% macro duckdb__sms_ratio(a, b, places) -%}
    cast({{ a }} / nullif({{ b }}, 0) * 1.000000000000001e0 as {{ sms_decimal(places) }})
{%- endmacro %}
{# Spark gives a quotient the places that its 38 digits leave: ten for wide figures, which would be rounded twice. #}
{% macro spark__sms_ratio(a, b, places) -%}
    cast(round(
        cast({{ a }} as decimal(22, 9)) / nullif(cast({{ b }} as decimal(22, 9)), 0), {{ places }}
    ) as {{ sms_decimal(places) }})
{%- endmacro %}
{# ClickHouse keeps the places of the dividend and cuts the rest off. It also divides where the divisor is null. #}
{% macro clickhouse__sms_ratio(a, b, places) -%}
    case
        when {{ b }} <> 0
            then cast(round(divideDecimal(
                cast({{ a }} as Nullable(Decimal(38, 9))),
                cast(coalesce(nullif({{ b }}, 0), 1) as Decimal(38, 9)),
                18
            ), {{ places }}) as {{ sms_decimal(places) }})
    end
{%- endmacro %}


{# A column of the connector's tables as an exact number: some destinations store numbers as binary fractions. #}
{% macro sms_to_number(column, type) -%}
    {{ adapter.dispatch('sms_to_number', 'sms_spend')(column, type | lower) }}
{%- endmacro %}
{% macro default__sms_to_number(column, type) %}cast({{ column }} as {{ number() }}){% endmacro %}
{# ClickHouse cuts a binary fraction off where it should round; its text is right. #}
{% macro clickhouse__sms_to_number(column, type) -%}
    cast({% if 'float' in type %}toString({{ column }}){% else %}{{ column }}{% endif %} as {{ number() }})
{%- endmacro %}


{% macro sms_quote(name) %}{{ return(adapter.dispatch('sms_quote', 'sms_spend')(name)) }}{% endmacro %}
{% macro default__sms_quote(name) %}{{ return(adapter.quote(name)) }}{% endmacro %}


{% macro sms_key(column) %}coalesce({{ column }}, ''){% endmacro %}


{% macro sms_to_json(column, type) -%}
    {{ adapter.dispatch('sms_to_json', 'sms_spend')(column, type | lower) }}
{%- endmacro %}
{% macro default__sms_to_json(column, type) %}cast({{ column }} as {{ sms_string() }}){% endmacro %}
{% macro snowflake__sms_to_json(column, type) -%}
    {%- if type in ('variant', 'array', 'object') -%} to_json({{ column }}) {%- else -%} cast({{ column }} as {{ sms_string() }}) {%- endif -%}
{%- endmacro %}
{% macro bigquery__sms_to_json(column, type) -%}
    {%- if type == 'string' -%} {{ column }} {%- else -%} to_json_string({{ column }}) {%- endif -%}
{%- endmacro %}
{% macro redshift__sms_to_json(column, type) -%}
    {%- if type == 'super' -%} json_serialize({{ column }}) {%- else -%} cast({{ column }} as {{ sms_string() }}) {%- endif -%}
{%- endmacro %}
{% macro spark__sms_to_json(column, type) -%}
    {%- if type == 'string' -%} {{ column }} {%- else -%} to_json({{ column }}) {%- endif -%}
{%- endmacro %}
{% macro trino__sms_to_json(column, type) -%}
    {%- if type.startswith('varchar') -%} {{ column }} {%- else -%} json_format(cast({{ column }} as json)) {%- endif -%}
{%- endmacro %}
