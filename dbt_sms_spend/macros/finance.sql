{# 0 for Monday to 6 for Sunday. By subtraction, because the databases number weekdays differently. #}
{% macro sms_weekday(day) -%}
    mod({{ sms_days_between("cast('1970-01-05' as " ~ sms_date() ~ ")", day) }}, 7)
{%- endmacro %}


{# Money of a day if it is known, else units. #}
{% macro sms_used(alias) -%}
    coalesce({{ alias }}.amount, {{ alias }}.units)
{%- endmacro %}


{# What sms_used is measured in: a currency, or units where the price of a unit is not known. #}
{% macro sms_measure(alias) -%}
    case
        when {{ alias }}.amount is not null then {{ alias }}.currency
        when {{ alias }}.units is not null then {{ sms_text('units') }}
    end
{%- endmacro %}


{# The roundest number between two bounds: the multiple, nearest to the middle, of the largest step that has one there. #}
{% macro sms_roundest(low, middle, high) -%}
    case
        {%- for step in ['10000', '5000', '2500', '1000', '500', '250', '100', '50', '25', '10', '5', '1', '0.5', '0.1', '0.05', '0.01'] %}
        when round({{ middle }} / {{ step }}, 0) * {{ step }} >= {{ low }}
            and round({{ middle }} / {{ step }}, 0) * {{ step }} <= {{ high }}
            then cast(round({{ middle }} / {{ step }}, 0) * {{ step }} as {{ number() }})
        {%- endfor %}
        else cast({{ middle }} as {{ number() }})
    end
{%- endmacro %}
