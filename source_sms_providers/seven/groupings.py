"""seven.io's usage by country, label or account name."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.days import DAY, windows
from source_sms_providers.parsing import FieldReader
from source_sms_providers.reconcile import matches
from source_sms_providers.retriever import Row, Rows, fetch
from source_sms_providers.seven.daily_totals import split_errors
from source_sms_providers.seven.extractors import AMOUNTS, PROVIDER, has_usage, sum_by_group, zero_row
from source_sms_providers.seven.reconciled import MONEY, ReconciledRetriever, amounts_of
from source_sms_providers.single_flight import SingleFlight

WINDOWS_PER_STEP = (1, 5)
"""Days are requested as a whole step first, and then as a fifth of it, before each is requested by itself."""
MIN_REQUESTS_SAVED = 40
"""How many requests a window must be able to save. So windows that save nothing add one request in twenty at most."""
MAX_WINDOW_FAILURES = 2
"""After so many failures, and no success, windows of this width are considered rejected."""


@dataclass(kw_only=True)
class GroupingRetriever(ReconciledRetriever):
    """Reads a grouping: one response has all groups of a day, and in a simple account those of many days.

    Attributes:
        group_field: the field of the rows that is grouped by
    """

    group_field: str

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        self._prefetched = SingleFlight[date, Mapping[date, Rows]](3)
        self._window_failures = dict.fromkeys(WINDOWS_PER_STEP, 0.0)

    def empty_row(self, day: date) -> Row:
        return zero_row(str(day), self.group_field, self.config)

    def fetch_day(self, day: date) -> Rows:
        first, last = self.window(day)
        # A running day grows between two requests, so it is never read in a window.
        prefetched = self._prefetched.get(first, partial(self._prefetch, first, min(last, self._today - DAY)))
        return prefetched[day] if day in prefetched else super().fetch_day(day)

    def fetch_groups(self, day: date, total: Row | None) -> Rows:
        rows = super().fetch_groups(day, total)
        if total and total["sms"] and not any(map(has_usage, rows)):
            # Each SMS has a country and a label, so an empty response is more likely a fault that passes.
            rows = self.extract(fetch(self.requester, day, day, is_retry=True))
        return rows if total is None or any(map(has_usage, rows)) else []

    def _prefetch(self, first: date, last: date) -> Mapping[date, Rows]:
        """Rows derived from one request for all of these days, or from one for each fifth of them."""
        assert self.step is not None
        rows_by_day: dict[date, Rows] = {}
        requested = set[tuple[date, date]]()
        for parts in WINDOWS_PER_STEP:
            for window in windows(first, last, self.step / parts):
                is_rejected = self._window_failures[parts] >= MAX_WINDOW_FAILURES
                if is_rejected or window in requested or window[0] in rows_by_day:
                    continue
                # Where the totals of a window or its response fail, its days are requested one by one, and fail alone.
                with contextlib.suppress(AirbyteTracedException):
                    totals = self._days_with_usage(*window)
                    if len(totals) - 1 < MIN_REQUESTS_SAVED:
                        continue
                    requested.add(window)
                    self._window_failures[parts] += 1
                    rows_by_day |= self._split_by_day(self.fetch_window(*window), totals)
                    self._window_failures[parts] = -math.inf
        return rows_by_day

    def _days_with_usage(self, first: date, last: date) -> Rows:
        rows, _ = split_errors(self.totals_around(first))
        return [row for row in rows if str(first) <= row["date"] <= str(last) and has_usage(row)]

    def fetch_window(self, first: date, last: date) -> Mapping[str, Mapping[str, Any]]:
        """The counters of each group over these days."""
        response = fetch(self.requester, first, last)
        return sum_by_group(FieldReader(PROVIDER, response), response.json(), self.group_field)

    def _split_by_day(self, groups: Mapping[str, Mapping[str, Any]], totals: Rows) -> Mapping[date, Rows]:
        """A single group whose sum over the window equals the total of all days owns every day of it."""
        if len(groups) != 1:
            return {}
        [(group, counters)] = groups.items()
        if not matches([amounts_of(counters)], [amounts_of(total) for total in totals], len(AMOUNTS), MONEY):
            return {}
        if self.group_field == "label" and group != self.config.get("seven_label", group):
            return {}
        # A total is a row of the grouping by date: with the group in it, it is the day's only row.
        return {date.fromisoformat(total["date"]): [{**total, self.group_field: group}] for total in totals}
