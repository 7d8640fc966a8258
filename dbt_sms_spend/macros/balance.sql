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


{# Whether a row of `accounts`, all lists of sub-accounts that were read, is of the one that holds. A list without any
   leaves no row: then the balance that is read beside it goes on alone. #}
{% macro is_latest_list(list, balance) -%}
    accounts.date = (select max(date) from {{ ref(list) }})
    and not exists (
        select 1
        from {{ ref(balance) }} as balance
        where balance.date > accounts.date + {{ var('alert_days_behind') }}
    )
{%- endmacro %}
