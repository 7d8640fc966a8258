with first_list as (
    select min(valid_from) as date
    from {{ ref('sms__price_history') }}
),

changes as (
    select
        coalesce(later.country_code, earlier.country_code) as country_code,
        coalesce(later.country_name, earlier.country_name) as country_name,
        coalesce(later.mcc, earlier.mcc) as mcc,
        coalesce(later.network_name, earlier.network_name) as network_name,
        coalesce(later.valid_from, earlier.valid_to) as date,
        earlier.last_listed_on,
        earlier.price as old_price,
        later.price as new_price
    from {{ ref('sms__price_history') }} as earlier
    full join {{ ref('sms__price_history') }} as later
        on earlier.country_code = later.country_code
        and earlier.mcc = later.mcc
        and earlier.network_name = later.network_name
        and earlier.valid_to = later.valid_from
)

select
    cast('seven.io' as {{ dbt.type_string() }}) as provider,
    changes.date,
    changes.last_listed_on,
    changes.country_code,
    changes.country_name,
    changes.mcc,
    changes.network_name,
    changes.old_price,
    changes.new_price,
    cast('EUR' as {{ dbt.type_string() }}) as currency,
    cast(100 * (changes.new_price / nullif(changes.old_price, 0) - 1) as decimal(18, 2)) as percent,
    case
        when changes.old_price is null then 'came'
        when changes.new_price is null then 'went'
        when changes.new_price > changes.old_price then 'rose'
        else 'fell'
    end as change
from changes
cross join first_list
-- Neither the networks of the first list nor those that are still listed have changed.
where changes.date > first_list.date
