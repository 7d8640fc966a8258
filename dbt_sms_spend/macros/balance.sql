{# Whether a column names one of the accounts whose usage a balance pays for: without any, all do. #}
{% macro is_one_of(column, accounts) -%}
    {%- if not accounts -%} 1 = 1
    {%- else -%}
        {{ column }} in (
            {%- for account in accounts -%}
                {{ dbt.string_literal(dbt.escape_single_quotes(account | string)) }}{{ ", " if not loop.last }}
            {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}


{# The date of the list of sub-accounts that holds, for each connection. An empty list leaves no row: then the balance
   that is read beside it goes on alone. #}
{% macro latest_list(name, list, latest_balances) -%}
{{ name }}_read as (
    select
        accounts.source_relation,
        max(accounts.date) as last_date
    from {{ ref(list) }} as accounts
    group by accounts.source_relation
),

{{ name }} as (
    select
        lists.source_relation,
        lists.last_date
    from {{ name }}_read as lists
    left join {{ latest_balances }} as balances on lists.source_relation = balances.source_relation
    where balances.last_date is null
        or balances.last_date <= {{ sms_add('day', var('alert_days_behind'), 'lists.last_date') }}
)
{%- endmacro %}


{# What is left of a balance, times the days of a mean: exact, so that a quotient of it is not rounded twice. #}
{% macro spare_days(days) -%}
    cast(case when balances.balance > 0 then balances.balance else 0 end * means.{{ days }} as {{ number() }})
{%- endmacro %}
