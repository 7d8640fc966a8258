"""Spans of days that one request tells, so that their days need not be asked for one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.single_flight import SingleFlight

DAY = timedelta(days=1)
WINDOW = timedelta(days=365)
"""As wide as the windows of the stream `analytics`, so that all ask the same of the grouping by date."""
WIDTHS = (WINDOW, WINDOW / 5)
ENOUGH = 40
"""How many requests one for a span must be able to spare. As there are two widths, spans that tell nothing add at
most one request in twenty."""

FAILURES = 2
"""After so many failed spans of a width, and none that was answered, the server does not answer that width: each of
them may take as long as a provider may fail."""

Rows = Sequence[Mapping[str, Any]]


def days(first: date, last: date) -> list[date]:
    """The days from `first` to `last`, both included."""
    return [first + n * DAY for n in range((last - first).days + 1)]


class Spans:
    """The rows of days that are told by the request for a window of them, or for a fifth of one.

    A span whose request fails tells nothing: its days are asked for one by one, and fail by themselves. A width of
    which FAILURES spans fail before any is answered is not asked for any more.

    Attributes:
        spared: (first day, last day) -> how many requests a telling answer would spare
        told: (first day, last day) -> the rows of each day that the answer for the span tells; None if it tells none
    """

    def __init__(
        self,
        first_day: date,
        last_day: date,
        spared: Callable[[date, date], int],
        told: Callable[[date, date], Mapping[date, Rows] | None],
    ) -> None:
        self._first_day = first_day
        self._last_day = last_day
        self._spared = spared
        self._told = told
        self._failed = dict.fromkeys(WIDTHS, 0.0)
        self._made = SingleFlight[tuple[date, date], "dict[date, Rows] | None"]()

    def rows_of(self, day: date) -> Rows | None:
        """The rows of a day; None if it must be asked for. They are handed out once: a span of ten years would stay."""
        found = self._rows_around(day)
        following = day + WIDTHS[-1]
        if (day - self._first_day) % WIDTHS[-1] == timedelta() and following <= self._last_day:
            # Before it is needed, or all workers would wait for it at once.
            self._rows_around(following)
        return found.pop(day, None) if found else None

    def _rows_around(self, day: date) -> dict[date, Rows] | None:
        for width in WIDTHS if day <= self._last_day else ():
            first = self._first_day + (day - self._first_day) // width * width
            last = min(first + width - DAY, self._last_day)
            found = self._made.get((first, last), partial(self._ask, width, first, last))
            if found is not None:
                return found
        return None

    def _ask(self, width: timedelta, first: date, last: date) -> dict[date, Rows] | None:
        try:
            if self._failed[width] >= FAILURES or self._spared(first, last) < ENOUGH:
                return None
        except AirbyteTracedException:
            return None
        try:
            told = self._told(first, last)
        except AirbyteTracedException:
            self._failed[width] += 1
            return None
        self._failed[width] = -math.inf
        return None if told is None else dict(told)
