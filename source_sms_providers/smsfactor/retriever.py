"""SMSFactor's consumption by account and country."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.breakdown import DailyBreakdownRetriever
from source_sms_providers.days import DAY, MONTH, YEAR, windows
from source_sms_providers.parsing import to_decimal, to_json_number
from source_sms_providers.reconcile import reconcile
from source_sms_providers.retriever import Day, Row, fetch
from source_sms_providers.saved_state import RowKey
from source_sms_providers.single_flight import SingleFlight
from source_sms_providers.smsfactor.check import verify_settings
from source_sms_providers.smsfactor.consumption import Account, Consumption, ConsumptionExtractor, record

if TYPE_CHECKING:
    from source_sms_providers.check import CheckClient

RETAINED = (
    "'%s': SMSFactor no longer lists some accounts that had consumption. They were probably deleted; their rows are "
    "kept. Days: %d, first: %s."
)
TAKEN_BACK = (
    "'%s': SMSFactor no longer lists some accounts that had consumption, and its group total no longer contains it: "
    "their rows are zero now. If you deleted these accounts, compare with your invoice. Days: %d, first: %s."
)
MISMATCH = (
    "'%s': SMSFactor's accounts do not add up to its group total: compare with your invoice. Days: %d, first: %s."
)
NO_TOTAL = "'%s': SMSFactor sends no group total to compare its accounts with. Days: %d, first: %s."


@dataclass(kw_only=True)
class ConsumptionRetriever(DailyBreakdownRetriever):
    """Reads a day's consumption by account and country.

    Each day is requested by itself. A wide range without consumption does not prove that its days have none: SMSFactor
    may count a part of the range, and may refund a refused campaign on another day than that of its messages.

    A country that a listed account does not have any more was corrected away. What an account that is not listed any
    more means is not documented: it was deleted, or is hidden because it is idle (`_retained_accounts`).
    """

    amount_fields = ("consumption",)
    description_fields = ("company", "is_main_account")

    extractor: ConsumptionExtractor

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        self._existing = SingleFlight[str, Collection[str]]()

    def check(self, client: CheckClient) -> None:
        super().check(client)
        verify_settings(self.name, client)

    def read_day(self, day: date) -> Day:
        consumption = self.extractor.consumption(fetch(self.requester, day, day))
        rows: dict[RowKey, Row] = {self.row_key(row): row for row in self.extractor.rows(str(day), consumption)}
        listed = {row["account_id"]: row for row in rows.values()}
        removed, before = self.removed(day, rows), self._before(day)
        unlisted = {
            account: before[account]
            for (account, _), entry in removed.items()
            if account not in listed and any(entry.amounts)
        }
        gained = sum((to_decimal(row["consumption"]) for row in rows.values()), Decimal(0))
        gained -= sum(amount for account, amount in before.items() if account in listed)
        is_running = day >= self._today
        retained = unlisted if is_running else self._retained_accounts(unlisted, gained, consumption)
        for key, entry in removed.items():
            account, country = key
            if account in retained:
                rows[key] = self.restore(day, key, entry)
            elif account in listed:
                rows[key] = {**listed[account], "country": country, "consumption": 0}
            else:
                rows[key] = self.zero_row(day, key, entry)
        only = self.config.get("smsfactor_sub_account_id")
        if only and not rows:
            # The day was read, and an account that is not listed consumed nothing.
            rows[only, ""] = record(self.config, str(day), Account(only, None, False, Decimal(0), {}))
        notes = self._compare_with_total(day, consumption, sum(before[account] for account in retained))
        gone = sum(amount for account, amount in unlisted.items() if account not in retained)
        if gone not in (0, gained) and not notes:
            notes[TAKEN_BACK] = str(day)
        if retained and not is_running:
            notes[RETAINED] = str(day)
        return Day(day, list(rows.values()), notes)

    def _before(self, day: date) -> Mapping[str, Decimal]:
        """The consumption of each account as it was written before."""
        before = defaultdict[str, Decimal](Decimal)
        for (account, _), entry in self.stream_state.previously_written(str(day)).items():
            before[account] += to_decimal(entry.amounts[0] or 0)
        return before

    def _compare_with_total(self, day: date, consumption: Consumption, retained: Decimal | int) -> dict[str, str]:
        if consumption.total is None:
            return {NO_TOTAL: str(day)}
        # Under a filter, the amounts of before are not all that a retained account had.
        is_partly_known = retained and any(setting in self.config for setting in self.filters)
        if is_partly_known or consumption.total - consumption.of_accounts in (0, retained):
            return {}
        return {MISMATCH: f"{day} ({consumption.of_accounts}, group total {consumption.total})"}

    def _retained_accounts(
        self, unlisted: Mapping[str, Decimal], gained: Decimal, consumption: Consumption
    ) -> Collection[str]:
        """Which accounts that are not listed any more keep the rows that they had.

        If the listed accounts, with some of these, add up to the group total, it decides: all others are gone. Else:

        - Those whose usage the group total can hold are kept.
        - Not those whose usage is just what the listed accounts have gained since: it was moved.
        - Not those that exist: they are hidden because they are idle, so their usage was corrected away.
        - The others were deleted, which takes nothing back of what they consumed.
        """
        usage = {account: (to_json_number(amount),) for account, amount in unlisted.items()}
        retained: set[str] = set()
        if consumption.total is not None:
            # Consumption may be negative, as money may: a refund.
            deficit = to_json_number(consumption.total - consumption.of_accounts)
            held = reconcile((deficit,), [], usage, money=0)
            retained.update(held.retained)
            if held.explained:
                return retained
        left = {account: amounts for account, amounts in usage.items() if account not in retained}
        moved = reconcile((to_json_number(gained),), [], left, money=0) if gained else None
        for account in left:
            was_moved = moved is not None and moved.explained and account in moved.retained
            if not was_moved and account not in self._existing.get("", self._list_existing):
                retained.add(account)
        return retained

    def _list_existing(self) -> Collection[str]:
        """The accounts that SMSFactor lists in some month of the last year."""
        last = self._today - DAY
        months = list(windows(last - YEAR + DAY, last, MONTH))
        return {account for found in self.pool.map(self._accounts_of, months) for account in found}

    def _accounts_of(self, window: tuple[date, date]) -> Collection[str]:
        try:
            consumption = self.extractor.consumption(fetch(self.requester, *window))
        except AirbyteTracedException as error:
            if error.failure_type is FailureType.transient_error:
                raise
            # The range may be wider than SMSFactor accepts.
            return ()
        return {account.account_id for account in consumption.accounts}
