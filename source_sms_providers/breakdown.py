"""Days whose rows are one a group, with a request a day or one for many of them."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.days import DAY, days, windows
from source_sms_providers.retriever import Day, Row, Rows, SnapshotRetriever, fetch
from source_sms_providers.saved_state import RowKey, StateEntry

WINDOWS_PER_STEP = (1, 5)
"""Days are requested as a whole step first, and then as a fifth of it, before each is requested by itself."""
MIN_REQUESTS_SAVED = 40
"""How many requests a window must be able to save. So windows that save nothing add one request in twenty at most."""
MAX_WINDOW_FAILURES = 2
"""After so many failures, and no response, windows of this width are considered rejected."""


@dataclass(kw_only=True)
class DailyBreakdownRetriever(SnapshotRetriever):
    """Reads the rows of each day, one a group, with a request a day or more.

    A group that the day had when it was read before and has no longer is a removed group: `reconcile_day` says what
    its row becomes. Without a row its old one would stay in a deduplicated table, beside that of the group that its
    usage was moved to.

    Subclasses say what one day is (`fetch_day`, `reconcile_day`), and may say what one request for many days tells
    (`requests_saved`, `split_window_by_day`).
    """

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        self._window_failures = dict.fromkeys(WINDOWS_PER_STEP, 0.0)

    def jobs(self) -> Iterator[Callable[[], Sequence[Day]]]:
        assert self.step is not None
        for first, last in windows(self.stream_state.first_day, self.last_day, self.step):
            # A running day grows between two requests, so it is never read in a window.
            prefetched = self.pool.submit(partial(self._prefetch, first, min(last, self._today - DAY)))
            for day in days(first, last):
                yield partial(self.attempt, day, partial(self._read_day, day, prefetched))

    def _read_day(self, day: date, prefetched: Future[Mapping[date, Rows]]) -> Day:
        return self.read_day(day, prefetched.result())

    def read_day(self, day: date, prefetched: Mapping[date, Rows]) -> Day:
        rows = prefetched[day] if day in prefetched else self.fetch_day(day)
        return self.reconcile_day(day, {self.row_key(row): row for row in rows})

    def _prefetch(self, first: date, last: date) -> Mapping[date, Rows]:
        """Rows derived from one request for all of these days, or from one for each fifth of them."""
        assert self.step is not None
        rows_by_day: dict[date, Rows] = {}
        requested = set[tuple[date, date]]()
        for parts in WINDOWS_PER_STEP:
            for window in windows(first, last, self.step / parts):
                if (
                    window[0] in rows_by_day
                    or window in requested
                    or self._window_failures[parts] >= MAX_WINDOW_FAILURES
                ):
                    continue
                # Where the totals of a window or its response fail, its days are requested one by one, and fail alone.
                with contextlib.suppress(AirbyteTracedException):
                    if self.requests_saved(*window) < MIN_REQUESTS_SAVED:
                        continue
                    requested.add(window)
                    self._window_failures[parts] += 1
                    rows_by_day |= self.split_window_by_day(*window) or {}
                    self._window_failures[parts] = -math.inf
        return rows_by_day

    def requests_saved(self, first: date, last: date) -> int:
        """How many requests a response for all days from `first` to `last` may save."""
        return 0

    def split_window_by_day(self, first: date, last: date) -> Mapping[date, Rows] | None:
        """The rows of each day, from one request for all of them; None if the window cannot be split by day."""
        raise NotImplementedError

    def fetch_day(self, day: date) -> Rows:
        """What the provider reports for the day."""
        return self.extract(fetch(self.requester, day, day))

    def reconcile_day(self, day: date, rows: Mapping[RowKey, Row]) -> Day:
        """All rows to write for the day: those reported, and those of removed groups."""
        raise NotImplementedError

    def removed(self, day: date, rows: Mapping[RowKey, Row]) -> Mapping[RowKey, StateEntry]:
        """The groups that were written before and are not reported any more."""
        written = self.stream_state.previously_written(str(day))
        return {key: entry for key, entry in written.items() if key not in rows}

    def restore(self, day: date, key: RowKey, entry: StateEntry) -> Row:
        """The row that the state remembers. It is written again, because a killed sync may never have written it."""
        return {
            "date": str(day),
            **dict(zip(self.primary_key[1:], key, strict=True)),
            **dict(zip(self.amount_fields, entry.amounts, strict=True)),
            **dict(
                zip(self.description_fields, entry.description or (None,) * len(self.description_fields), strict=True)
            ),
            "is_partial": day >= self._today,
        }

    def zero_row(self, day: date, key: RowKey, entry: StateEntry) -> Row:
        """What a removed group becomes if its usage is gone."""
        return self.restore(day, key, entry._replace(amounts=(0,) * len(self.amount_fields)))
