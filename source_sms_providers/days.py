"""Calendar days and windows of days; both ends belong to a window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

DAY = timedelta(days=1)
MONTH, YEAR = timedelta(days=31), timedelta(days=365)


def days(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def windows(first: date, last: date, width: timedelta) -> Iterator[tuple[date, date]]:
    """(first day, last day) of consecutive windows; the last window may be narrower than `width`."""
    while first <= last:
        yield first, min(first + width - DAY, last)
        first += width
