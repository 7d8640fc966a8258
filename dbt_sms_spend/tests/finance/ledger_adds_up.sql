-- Opening balance, top-up, usage and the unexplained rest give the closing balance, which opens the next day.
with ledger as (
    select
        daily.*,
        {{ sms_key('daily.account_id') }} as account_key,
        {{ sms_add('day', 1, 'daily.date') }} as next_date
    from {{ ref('sms__balance_daily') }} as daily
)

select
    ledger.source_relation as source_relation,
    ledger.provider as provider,
    ledger.account_id as account_id,
    ledger.date as date,
    ledger.closing_balance as closing_balance,
    later.opening_balance as next_opening_balance
from ledger
left join ledger as later
    on ledger.source_relation = later.source_relation
    and ledger.provider = later.provider
    and ledger.account_key = later.account_key
    and ledger.measured_in = later.measured_in
    and ledger.next_date = later.date
where ledger.opening_balance + ledger.top_up - coalesce(ledger.used, 0) + ledger.unexplained <> ledger.closing_balance
    or ledger.closing_balance <> later.opening_balance
