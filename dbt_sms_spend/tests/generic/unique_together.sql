{# Fails for each combination of values that more than one row has; null is a value. #}
{% test unique_together(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as rows_found
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
