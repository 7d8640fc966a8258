{# Fails for each row that has null in one of the columns: one query for a model, where not_null needs one a column. #}
{% test no_nulls(model, columns) %}

{%- set names = [] %}
{%- for column in columns %}{% do names.append(sms_quote(column) if column != column | lower else column) %}{% endfor %}

select {{ names | join(', ') }}
from {{ model }}
where {{ names | join(' is null or ') }} is null

{% endtest %}
