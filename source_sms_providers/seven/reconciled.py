"""seven.io's usage by group, reconciled with the grouping by date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.breakdown import DailyBreakdownRetriever
from source_sms_providers.days import DAY
from source_sms_providers.errors import DayNotReportedError, clone_error
from source_sms_providers.parsing import to_json_number
from source_sms_providers.reconcile import Reconciliation, add_amounts, reconcile, sum_amounts
from source_sms_providers.retriever import Day, Row, Rows, fetch
from source_sms_providers.saved_state import Amounts, RowKey, StateEntry
from source_sms_providers.seven.daily_totals import Totals
from source_sms_providers.seven.extractors import AMOUNTS, has_usage
from source_sms_providers.seven.retriever import NOT_REPORTED, UsageRetriever
from source_sms_providers.single_flight import SingleFlight

MONEY = AMOUNTS.index("usage_eur")
REMAINDER = (
    "'%s': seven.io's groups add up to less than the day's total. The rest is in a row without a group. "
    "Days: %d, first: %s."
)
SURPLUS = (
    "'%s': seven.io's groups add up to more than the day's total. Their rows are as seven.io sends them: compare with "
    "the seven.io dashboard. Days: %d, first: %s."
)
KEPT = (
    "'%s': groups that seven.io does not report any more keep their rows, because the day's total still holds usage "
    "that no other group explains. Days: %d, first: %s."
)


@dataclass(kw_only=True)
class ReconciledRetriever(DailyBreakdownRetriever, UsageRetriever):
    """Reads usage that takes a request a day, with the total of each day at hand.

    - A day without usage is not requested: its row of zeros is what the response would give.
    - The rows of a day add up to its total: what they lack is a row of the empty group.
    - A day without a total fails: nothing could vouch for its rows.
    """

    amount_fields = AMOUNTS

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        # Keep only the windows in use: that of the day that is read, and the prefetched one.
        self._totals = SingleFlight[date, Totals](3)

    def control_total(self, day: date) -> Row | None:
        """The row of the day in the grouping by date; None for a running day that it does not report.

        Raises AirbyteTracedException if the day has none.
        """
        total = self.totals_around(day).get(day)
        if isinstance(total, AirbyteTracedException):
            raise clone_error(total)
        return total

    def totals_around(self, day: date) -> Totals:
        """The totals of the window that the day is in."""
        first, last = self.window(day)
        return self._totals.get(first, partial(self._daily_totals.read, first, last))

    def window(self, day: date) -> tuple[date, date]:
        """The first and the last of the days that one request covers, of which this is one."""
        assert self.step is not None
        first = self.stream_state.first_day + (day - self.stream_state.first_day) // self.step * self.step
        return first, min(first + self.step - DAY, self.last_day)

    def read_day(self, day: date) -> Day:
        try:
            return self.reconcile_day(day, {self.row_key(row): row for row in self.fetch_day(day)})
        except DayNotReportedError:
            if not self.stream_state.may_be_forgotten(day):
                raise
            written = self.stream_state.previously_written(str(day))
            return Day(day, [self.restore(day, *each) for each in written.items()], {NOT_REPORTED: str(day)})

    def fetch_day(self, day: date) -> Rows:
        """What seven.io reports for the day."""
        total = self.control_total(day)
        return self.fetch_groups(day, total) if total is None or has_usage(total) else [self.empty_row(day)]

    def fetch_groups(self, day: date, total: Row | None) -> Rows:
        """What seven.io reports for a day with usage, or for a running day without a total."""
        return self.extract(fetch(self.requester, day, day))

    def reconcile_day(self, day: date, rows: Mapping[RowKey, Row]) -> Day:
        """All rows to write for the day: those reported, those of removed groups, and the remainder."""
        removed = self.removed(day, rows)
        total = self.control_total(day)
        if day >= self._today or total is None:
            # Messages are being sent, so nothing adds up. A later sync decides.
            restored = [self.restore(day, *each) for each in removed.items()]
            return Day(day, [*rows.values(), *restored] or [self.empty_row(day)])
        reported = [amounts_of(row) for row in rows.values() if has_usage(row)]
        # The remainder of before is no group that was removed: it is worked out anew.
        empty_row = self.empty_row(day)
        empty_key = self.row_key(empty_row)
        groups = {key: entry for key, entry in removed.items() if key != empty_key}
        result = reconcile(amounts_of(total), reported, self.removable(groups, rows), MONEY)
        written = dict(rows)
        for key, entry in removed.items():
            is_retained = key in groups and self.removable_group(key) in result.retained
            written[key] = (self.restore if is_retained else self.zero_row)(day, key, entry)
        if result.remainder or not written:
            row = written.get(empty_key, empty_row)
            amounts = add_amounts(amounts_of(row), result.remainder or (0,) * len(AMOUNTS))
            written[empty_key] = {**row, **dict(zip(AMOUNTS, amounts, strict=True))}
        return Day(day, list(written.values()), _notes(day, result, reported, amounts_of(total)))

    def empty_row(self, day: date) -> Row:
        """A row of zeros for usage that seven.io counts to no group."""
        raise NotImplementedError

    def removable(self, removed: Mapping[RowKey, StateEntry], rows: Mapping[RowKey, Row]) -> Mapping[RowKey, Amounts]:
        """The removed groups that the total may still hold, with their amounts."""
        return {key: entry.amounts for key, entry in removed.items()}

    def removable_group(self, key: RowKey) -> RowKey:
        """The group of `removable` that a row belongs to."""
        return key


def amounts_of(row: Mapping[str, Any]) -> Amounts:
    return tuple([row[name] for name in AMOUNTS])


def _notes(day: date, result: Reconciliation, reported: Sequence[Amounts], total: Amounts) -> dict[str, str]:
    """What a user has to know about a day that does not add up."""
    notes = {}
    if result.remainder:
        notes[REMAINDER] = str(day)
    if result.retained and not result.explained:
        notes[KEPT] = str(day)
    if result.has_surplus:
        sums = map(to_json_number, sum_amounts(reported, len(AMOUNTS)))
        differing = [
            f"{have} {name}, total {due}" for name, have, due in zip(AMOUNTS, sums, total, strict=True) if have != due
        ]
        notes[SURPLUS] = f"{day} ({'; '.join(differing)})"
    return notes
