with dates as (
    select distinct
        pricing.source_relation,
        pricing.date
    from {{ ref('stg_sms__pricing') }} as pricing
),

lists as (
    select
        dates.source_relation,
        dates.date,
        row_number() over (partition by dates.source_relation order by dates.date) as number_of_list,
        lead(dates.date) over (partition by dates.source_relation order by dates.date) as next_date
    from dates
),

-- A price that stayed from list to list has one difference of the two numbers.
numbered as (
    select
        pricing.source_relation as source_relation,
        pricing.country_code as country_code,
        pricing.country_name as country_name,
        pricing.mcc as mcc,
        pricing.network_name as network_name,
        pricing.price as price,
        lists.date as list_date,
        lists.next_date as next_date,
        lists.number_of_list - row_number() over (
            partition by
                pricing.source_relation,
                pricing.country_code,
                pricing.mcc,
                pricing.network_name,
                pricing.price
            order by lists.date
        ) as period
    from {{ ref('stg_sms__pricing') }} as pricing
    inner join lists
        on pricing.source_relation = lists.source_relation
        and pricing.date = lists.date
)

select
    numbered.source_relation,
    {{ sms_text('seven.io') }} as provider,
    numbered.country_code,
    max(numbered.country_name) as country_name,
    numbered.mcc,
    numbered.network_name,
    numbered.price,
    {{ sms_text('EUR') }} as currency,
    min(numbered.list_date) as valid_from,
    -- Null where the last list is among those with the price.
    case when count(numbered.next_date) = count(*) then max(numbered.next_date) end as valid_to,
    max(numbered.list_date) as last_listed_on,
    {{ sms_built_at() }} as built_at
from numbered
group by
    numbered.source_relation,
    numbered.country_code,
    numbered.mcc,
    numbered.network_name,
    numbered.price,
    numbered.period
