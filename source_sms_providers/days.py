"""Calendar days and windows of days; both ends belong to a window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain, repeat

DAY = timedelta(days=1)
MONTH, YEAR = timedelta(days=31), timedelta(days=365)


def days(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def windows(first: date, last: date, width: timedelta) -> Iterator[tuple[date, date]]:
    """(first day, last day) of consecutive windows; the last window may be narrower than `width`."""
    while first <= last:
        yield first, min(first + width - DAY, last)
        first += width


def search_periods(start: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of the months of a year, and then of each year back to `start`, the newest first.

    Months, because a provider may count only a part of a year, or reject it. They overlap by two days, because it may
    exclude both ends.
    """
    for width in chain(repeat(MONTH, 12), repeat(YEAR)):
        if width == YEAR and last <= start:
            return
        first = last - width + DAY
        yield first, last
        last = first + DAY
