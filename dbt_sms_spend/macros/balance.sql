{# Whether a row of `spend` counts against its provider's balance. #}
{% macro is_paid_by_the_balance() -%}
    {%- set seven, smsfactor = var('seven_balance_accounts'), var('smsfactor_balance_accounts') -%}
    (
        (spend.provider = 'seven.io' and {{ _is_one_of('spend.account_name', seven) }})
        or (spend.provider = 'SMSFactor' and {{ _is_one_of('spend.account_id', smsfactor) }})
    )
{%- endmacro %}


{% macro _is_one_of(column, accounts) -%}
    {%- if not accounts -%} true
    {%- else -%}
        {{ column }} in (
            {%- for account in accounts -%}
                {{ dbt.string_literal(dbt.escape_single_quotes(account | string)) }}{{ ", " if not loop.last }}
            {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}
