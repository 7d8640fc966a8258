{# The connection that a row comes from. Part of every key: two connections may know the same account or country. #}
{% macro connection_of(alias) -%}
    cast('' as {{ dbt.type_string() }})
{%- endmacro %}


{# First day of the month of a date. #}
{% macro month_of(day) -%}
    cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}


{# A date moved by whole days, months. #}
{% macro moved(day, count, part='day') -%}
    cast({{ dbt.dateadd(part, count, day) }} as date)
{%- endmacro %}


{# 0 for Monday to 6 for Sunday. By subtraction, because the databases number weekdays differently. #}
{% macro weekday_of(day) -%}
    mod({{ dbt.datediff("cast('1970-01-05' as date)", day, 'day') }}, 7)
{%- endmacro %}


{# The numbers from 0 to count - 1, one row each, without recursion. #}
{% macro numbers_below(count) -%}
    {%- for number in range(count) %}
    select {{ number }} as n{{ " union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{# Money or units of a day, in one column. #}
{% macro used_of(alias) -%}
    coalesce({{ alias }}.amount, {{ alias }}.units)
{%- endmacro %}


{# The currency of used_of, or units where the price of a unit is not known. #}
{% macro measure_of(alias) -%}
    case
        when {{ alias }}.amount is not null then {{ alias }}.currency
        when {{ alias }}.units is not null then 'units'
    end
{%- endmacro %}


{# The roundest number between two bounds: the multiple, nearest to the middle, of the largest step that has one there. #}
{% macro roundest(low, middle, high) -%}
    case
        {%- for step in ['10000', '5000', '2500', '1000', '500', '250', '100', '50', '25', '10', '5', '1', '0.5', '0.1', '0.05', '0.01'] %}
        when round({{ middle }} / {{ step }}, 0) * {{ step }} >= {{ low }}
            and round({{ middle }} / {{ step }}, 0) * {{ step }} <= {{ high }}
            then round({{ middle }} / {{ step }}, 0) * {{ step }}
        {%- endfor %}
        else {{ middle }}
    end
{%- endmacro %}
