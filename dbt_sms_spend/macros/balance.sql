{# Whether a column names one of the accounts whose usage a balance pays for: without any, all do. #}
{% macro is_one_of(column, accounts) -%}
    {%- if not accounts -%} true
    {%- else -%}
        {{ column }} in (
            {%- for account in accounts -%}
                {{ dbt.string_literal(dbt.escape_single_quotes(account | string)) }}{{ ", " if not loop.last }}
            {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}


{# Whether a list of sub-accounts is the one that holds. One without any leaves no rows: then the balance of the
   provider's own account goes on alone. #}
{% macro is_latest_list(list, balance) -%}
    accounts.date = (select max(date) from {{ ref(list) }})
    and not exists (
        select 1
        from {{ ref(balance) }} as balance
        where balance.date > accounts.date + {{ var('alert_days_behind') }}
    )
{%- endmacro %}
