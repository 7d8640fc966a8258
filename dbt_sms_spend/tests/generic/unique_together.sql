{# Fails for each combination of values that more than one row has; null is a value. #}
{% test unique_together(model, columns) %}

{%- set names = [] %}
{%- for column in columns %}{% do names.append(sms_quote(column) if column != column | lower else column) %}{% endfor %}

select
    {{ names | join(', ') }},
    count(*) as rows_found
from {{ model }}
group by {{ names | join(', ') }}
having count(*) > 1

{% endtest %}
