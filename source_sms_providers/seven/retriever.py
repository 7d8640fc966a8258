import contextlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from itertools import combinations
from typing import Any, NamedTuple

from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import clone_error, transient_error
from source_sms_providers.parsing import FieldReader, exact
from source_sms_providers.retriever import GroupsRetriever, OnePageRetriever, Row, answer, slice_of
from source_sms_providers.seven.daily_totals import DailyTotals, DailyTotalsExtractor, Days, told_apart
from source_sms_providers.seven.extractors import (
    FIGURES,
    PROVIDER,
    Counters,
    added,
    grouped,
    has_usage,
    record,
    record_of_zeros,
)
from source_sms_providers.single_flight import SingleFlight
from source_sms_providers.spans import DAY, WINDOW, days
from source_sms_providers.state import Figures, Key

LOGGER = logging.getLogger("airbyte")


class Totals(NamedTuple):
    """What the grouping by date says of the days of a window."""

    silent: frozenset[str]
    """Those without any usage: they need not be asked."""
    ungrouped: frozenset[str]
    """Those of which nothing says that they have messages or costs: a grouping of them may be empty."""
    failed: Mapping[str, AirbyteTracedException]
    """Those of which nothing is known, and why."""


class AnalyticsRetriever(OnePageRetriever):
    """Reads the grouping by date. A day that cannot be read fails its window, after the others were delivered."""

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        extractor = self.record_selector.extractor
        assert isinstance(extractor, DailyTotalsExtractor)
        self._by_date = by_date(self.requester, extractor)

    def rows(self, stream_slice: StreamSlice) -> Iterable[Row]:
        first, last = (date.fromisoformat(stream_slice[bound][:10]) for bound in ("start_time", "end_time"))
        rows, failed = told_apart(self._by_date.read(first, last))
        yield from rows
        if failed:
            raise clone_error(failed[min(failed)])


@dataclass(kw_only=True)
class UsageRetriever(GroupsRetriever):
    """Reads usage that takes a request a day, or more, with the help of the grouping by date, which takes a request a
    year and says what each day amounts to.

    - A day without usage is not asked for: its record of zeros is what the answer would have given.
    - An empty answer for a day with messages is an error, not a record of zeros.
    - Where the totals cannot be had the days fail with them: nothing could vouch for an empty answer.

    Attributes:
        daily_totals_requester: asks for the grouping by date
    """

    daily_totals_requester: Requester

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        self._by_date = by_date(self.daily_totals_requester, DailyTotalsExtractor(config=self.config, parameters={}))
        self._totals = SingleFlight[date, Totals]()
        # Those of ten years would stay; three are in use where one ends, for the next one is asked for ahead.
        self._days = SingleFlight[date, Days](3)

    def is_silent(self, day: str) -> bool:
        """Whether the day has no usage. Raises AirbyteTracedException if nothing is known of it."""
        totals = self._totals_of(day)
        if failed := totals.failed.get(day):
            raise clone_error(failed)
        return day in totals.silent

    def is_ungrouped(self, day: str) -> bool:
        return day in self._totals_of(day).ungrouped

    def staying(
        self, left: Sequence[Figures], gone: Mapping[Key, Figures], total: Figures | None
    ) -> Collection[Key] | None:
        """Which of the groups that are gone the others need to add up to a day's total; None if nothing adds up."""
        if total is None:
            return None
        for staying in _choices(gone):
            if summed([*left, *(gone[key] for key in staying)]) == summed([total]):
                return staying
        return None

    def figures_of(self, row: Row) -> Figures:
        return tuple([row[name] or 0 for name in FIGURES])

    def _totals_of(self, day: str) -> Totals:
        """The totals of the window that the day is in."""
        first = self._first_of_window(day)
        following = first + WINDOW
        try:
            return self._window(first)
        finally:
            if day == str(first) and following <= self._last_day:
                # Before it is needed, or all workers would wait for it at once. If it fails, its own days say so.
                with contextlib.suppress(AirbyteTracedException):
                    self._window(following)

    def total_of(self, day: str) -> Figures | None:
        """The figures of a day in the grouping by date, None for a running day that it does not name; all streams share
        the answer.
        """
        total = self._days_of_window(self._first_of_window(day)).get(date.fromisoformat(day))
        assert not isinstance(total, AirbyteTracedException)
        return self.figures_of(total) if total else None

    def _first_of_window(self, day: str) -> date:
        return self._first_day + (date.fromisoformat(day) - self._first_day) // WINDOW * WINDOW

    def _window(self, first: date) -> Totals:
        return self._totals.get(first, lambda: self._ask(first))

    def _ask(self, first: date) -> Totals:
        rows, failed = told_apart(self._days_of_window(first))
        running = frozenset({self.config["today"]}).difference(row["date"] for row in rows)
        return Totals(
            silent=frozenset(row["date"] for row in rows if not has_usage(row)),
            ungrouped=running.union(row["date"] for row in rows if not (row["sms"] or row["usage_eur"])),
            failed={str(day): error for day, error in failed.items()},
        )

    def _days_of_window(self, first: date) -> Days:
        last = min(first + WINDOW - DAY, self._last_day)
        return self._days.get(first, lambda: self._by_date.read(first, last))


@dataclass(kw_only=True)
class GroupingRetriever(UsageRetriever):
    """Reads a grouping: one answer has all groups of a day.

    Attributes:
        group_field: the field of the rows that is grouped by
    """

    group_field: str

    def rows_of(self, day: str, stream_slice: StreamSlice) -> Iterable[Row]:
        if self.is_silent(day):
            return [record_of_zeros(day, self.group_field, self.config)]
        rows = list(super().rows_of(day, stream_slice))
        if any(has_usage(row) for row in rows) or self.is_ungrouped(day):
            return rows
        return self._rows_without_group(day)

    def spared_by_span(self, first: date, last: date) -> int:
        return len(set(map(str, days(first, last))) - self._totals_of(str(first)).silent) - 1

    def rows_of_span(self, first: date, last: date) -> Mapping[date, Sequence[Row]] | None:
        """A group that is alone in a span, and makes up all that its days amount to, makes up each of them."""
        response = answer(self.requester, slice_of(first, last))
        groups = grouped(FieldReader(PROVIDER, response), response.json(), self.group_field)
        if len(groups) != 1:
            return None
        [(group, counters)] = groups.items()
        rows, _ = told_apart(self._days_of_window(self._first_of_window(str(first))))
        totals: dict[str, Counters] = {
            row["date"]: {name: row[name] for name in FIGURES}
            for row in rows
            if str(first) <= row["date"] <= str(last) and has_usage(row)
        }
        if counters != reduce(added, totals.values(), None):
            return None
        if self.group_field == "label" and group != self.config.get("seven_label", group):
            return None
        return {
            date.fromisoformat(day): [record({"date": day, self.group_field: group}, counters, self.config)]
            for day, counters in totals.items()
        }

    def _rows_without_group(self, day: str) -> Iterable[Row]:
        """What is known of a day with usage that is of no group stays, or else it has a row without group.

        A day whose only subaccount was deleted names none, and which groups have what is no SMS is not documented.
        Raises AirbyteTracedException for a day with SMS, each of which has a country and a label.
        """
        total = self.total_of(day)
        assert total
        usage = dict(zip(FIGURES, total, strict=True))
        if self.group_field != "account" and usage["sms"]:
            raise transient_error(
                f"seven.io answers no {self.group_field} for {day}, but names messages of that day. The next sync asks "
                "again."
            )
        if self.staying([], self.known(day), total):
            return []
        LOGGER.warning(
            "seven.io names no %s for %s, but usage of that day: it has a row without %s.",
            *(self.group_field, day, self.group_field),
        )
        return [record({"date": day, self.group_field: ""}, usage, self.config)]

    def rows_of_zeros(self, day: str, rows: Collection[Row], gone: Mapping[Key, Figures]) -> Iterable[Row]:
        """The grouping by date decides. A group without which the others add up to the day's total was corrected
        away; one that they need for it is named no longer (a subaccount that was deleted), and was not.
        """
        staying = self.staying([self.figures_of(row) for row in rows], gone, self.total_of(day))
        if staying is None and day >= self.config["today"]:
            # Messages are being sent, so nothing adds up. A later sync decides.
            return []
        if staying is None:
            LOGGER.warning(
                "The rows of %s on %s do not add up to the day's total, neither alone nor with those that seven.io "
                "named before: the latter are set to zero. Compare with the seven.io dashboard.",
                self.name,
                day,
            )
        corrected = gone.keys() - set(staying or ())
        return [record_of_zeros(day, self.group_field, self.config, group) for (group,) in corrected]

    def key_of(self, row: Row) -> Key:
        return (row[self.group_field],)


def by_date(requester: Requester, extractor: DailyTotalsExtractor) -> DailyTotals:
    """The grouping by date, as a requester asks for it."""
    return DailyTotals(lambda *bounds: extractor.days(answer(requester, slice_of(*bounds))), extractor.config)


def _choices(gone: Collection[Key]) -> Iterable[Collection[Key]]:
    """Which of the groups that are gone may stay: none, then each, then any two, …; of very many none or all."""
    sizes = range(len(gone) + 1) if len(gone) <= 10 else (0, len(gone))
    return (choice for size in sizes for choice in combinations(gone, size))


def summed(rows: Iterable[Figures]) -> list[Decimal]:
    """The sum of each of the figures."""
    sums = [Decimal(0)] * len(FIGURES)
    for row in rows:
        sums = [total + exact(figure) for total, figure in zip(sums, row, strict=True)]
    return sums
