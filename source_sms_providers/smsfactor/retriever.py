"""SMSFactor's consumption by account and country."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.breakdown import DailyBreakdownRetriever
from source_sms_providers.days import DAY, YEAR, days
from source_sms_providers.parsing import to_decimal, to_json_number
from source_sms_providers.reconcile import reconcile
from source_sms_providers.retriever import Day, Rows, fetch
from source_sms_providers.single_flight import SingleFlight
from source_sms_providers.smsfactor.check import verify_settings
from source_sms_providers.smsfactor.consumption import Consumption, ConsumptionExtractor, record

if TYPE_CHECKING:
    from source_sms_providers.check import CheckClient

RETAINED = (
    "'%s': SMSFactor no longer lists some accounts that had consumption. They were probably deleted; their rows are "
    "kept. Days: %d, first: %s."
)
MISMATCH = (
    "'%s': SMSFactor's accounts do not add up to its group total: compare with your invoice. Days: %d, first: %s."
)
NO_TOTAL = "'%s': SMSFactor sends no group total to compare its accounts with. Days: %d, first: %s."


@dataclass(kw_only=True)
class ConsumptionRetriever(DailyBreakdownRetriever):
    """Reads a day's consumption by account and country.

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

    def read_day(self, day: date, prefetched: Mapping[date, Rows]) -> Day:
        if day in prefetched:
            return self._reconcile(day, prefetched[day], None)
        consumption = self.extractor.consumption(fetch(self.requester, day, day))
        return self._reconcile(day, self.extractor.rows(str(day), consumption), consumption)

    def _reconcile(self, day: date, reported: Rows, consumption: Consumption | None) -> Day:
        rows = {self.row_key(row): row for row in reported}
        removed = self.removed(day, rows)
        listed = {row["account_id"]: row for row in reported}
        notes = {}
        retained: Collection[str] = ()
        before: dict[str, Decimal] = {}
        for (account, _), entry in self.stream_state.previously_written(str(day)).items():
            before[account] = before.get(account, Decimal(0)) + to_decimal(entry.amounts[0] or 0)
        if unlisted := {account for account, _ in removed} - listed.keys():
            usage = {account: before[account] for account in unlisted}
            now = sum((to_decimal(row["consumption"]) for row in reported), Decimal(0))
            gained = now - sum((amount for account, amount in before.items() if account in listed), Decimal(0))
            retained = usage if day >= self._today else self._retained_accounts(usage, gained, consumption)
            if retained and day < self._today:
                notes[RETAINED] = str(day)
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
            rows[only, ""] = record(self.config, str(day), only, None, False)
        if consumption and consumption.total is None:
            notes[NO_TOTAL] = str(day)
        elif (
            consumption
            and consumption.total
            not in (
                consumption.of_accounts,
                consumption.of_accounts + sum(before[account] for account in retained),
            )
            and not (retained and any(setting in self.config for setting in self.filters))
        ):
            # Under a filter, the amounts of before are not all that a retained account had.
            notes[MISMATCH] = f"{day} ({consumption.of_accounts}, group total {consumption.total})"
        return Day(day, list(rows.values()), notes)

    def _retained_accounts(
        self, unlisted: Mapping[str, Decimal], gained: Decimal, consumption: Consumption | None
    ) -> Collection[str]:
        """Which accounts that are not listed any more keep the rows that they had.

        - Those whose usage the group total still holds.
        - Not those whose usage is just what the listed accounts have gained since: it was moved.
        - Not those that exist: they are hidden because they are idle, so their usage was corrected away.
        - The others were deleted, which takes nothing back of what they consumed.
        """
        retained: set[str] = set()
        usage = {account: (to_json_number(amount),) for account, amount in unlisted.items() if amount}
        if consumption and consumption.total is not None and consumption.total > consumption.of_accounts:
            deficit = to_json_number(consumption.total - consumption.of_accounts)
            retained.update(reconcile((deficit,), [], usage).retained)
        left = {account: amounts for account, amounts in usage.items() if account not in retained}
        moved = reconcile((to_json_number(gained),), [], left) if left and gained > 0 else None
        for account in left:
            was_moved = moved is not None and moved.explained and account in moved.retained
            if not was_moved and account not in self._existing.get("", self._list_existing):
                retained.add(account)
        return retained

    def _list_existing(self) -> Collection[str]:
        """The accounts that had consumption in the last year, as far as SMSFactor answers a range as wide."""
        last = self._today - DAY
        try:
            consumption = self.extractor.consumption(fetch(self.requester, last - YEAR + DAY, last))
        except AirbyteTracedException as error:
            if error.failure_type is FailureType.transient_error:
                raise
            # The range is wider than SMSFactor accepts, perhaps.
            return ()
        return {account for account, _, _, _ in consumption.accounts}

    def requests_saved(self, first: date, last: date) -> int:
        return (last - first).days

    def split_window_by_day(self, first: date, last: date) -> Mapping[date, Rows] | None:
        """What is zero in a window is zero on each of its days, for nothing is negative: each account that is listed
        then has a row of zero each day.
        """
        consumption = self.extractor.consumption(fetch(self.requester, first, last))
        if consumption.of_accounts or consumption.total:
            return None
        return {day: self.extractor.rows(str(day), consumption) for day in days(first, last)}
