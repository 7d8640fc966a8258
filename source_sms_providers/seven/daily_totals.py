"""seven.io's grouping by date: what each day amounts to, however much of a range one answer holds.

Recorded answers hold a row for each day asked, also for days of zeros. Whether a wide range is capped, whether
days before the account's first one are named, and whether the running day is, is not documented.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import date, timedelta
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import unexpected_response_error
from source_sms_providers.parsing import FieldReader
from source_sms_providers.seven.extractors import (
    PROVIDER,
    ZEROS,
    Counters,
    SevenExtractor,
    added,
    counters_of,
    record,
)
from source_sms_providers.spans import DAY, days

LOGGER = logging.getLogger("airbyte")

Days = dict[date, "dict[str, Any] | AirbyteTracedException"]
"""Each day's record, or why it has none."""
Ask = Callable[[date, date], Days]
"""(first day, last day) -> the days that the answer holds, which may be one that was asked for before."""


class DailyTotalsExtractor(SevenExtractor):
    """Rows of counters as one record a day. seven.io was seen to answer dates that it cannot read with its default
    window, so a day that was not asked for is an error.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        rows, failed = told_apart(self.days(response))
        if failed:
            raise failed[min(failed)]
        return rows

    def days(self, response: requests.Response) -> Days:
        """The days that one answer holds; a row that is wrong fails its day only."""
        read = FieldReader(PROVIDER, response)
        first, last = date.fromisoformat(read.asked["start"]), date.fromisoformat(read.asked["end"])
        rows: dict[date, Counters] = {}
        failed: Days = {}
        for row in read.sequence(response.json(), "the answer"):
            row = read.mapping(row, "a row")
            text = read.text(read.field(row, "date", "a row"), "date")
            day = _day(text)
            if day is None or not first <= day <= last:
                read.refuse(f"it holds {text[:10]}, asked were {first} to {last}")
            try:
                rows[day] = added(rows.get(day), counters_of(read, row, text))
            except AirbyteTracedException as refused:
                failed[day] = refused
        return {day: record({"date": str(day)}, counters, self.config) for day, counters in rows.items()} | failed


def told_apart(days: Days) -> tuple[list[Mapping[str, Any]], dict[date, AirbyteTracedException]]:
    """The rows in the order of their days, and why the other days have none."""
    rows: list[Mapping[str, Any]] = [
        row for _, row in sorted(days.items()) if not isinstance(row, AirbyteTracedException)
    ]
    return rows, {day: row for day, row in days.items() if isinstance(row, AirbyteTracedException)}


class DailyTotals:
    """Every day of ranges; only a running day may be missing.

    A range that fails is asked for in halves, down to the days that fail, if a day of it is answered by itself: its
    last, middle or first one. If no day fails, it was too wide: from then on no range is asked for that is wider than
    those that were answered.

    Days that an answer leaves out are asked for again in a range of their own, and in its halves if its last day is
    named by itself: so a range that the server caps is read whole. That takes a request for each so many days as it
    answers, as narrower ranges from the start would. Days that it leaves out even then are

    - rows of zeros if they are before the account's first day: a later day is named, and no earlier one, neither of
      the range nor of as many days before it as one answer was seen to name;
    - an error otherwise: nothing vouches for zeros between days that are there.
    """

    def __init__(self, ask: Ask, config: Mapping[str, Any]) -> None:
        self._ask = ask
        self._config = config
        self._today = date.fromisoformat(config["today"])
        self._widest = timedelta.max
        self._answered = DAY
        self._most_named = 2

    def read(self, first: date, last: date) -> Days:
        """The days of one range. Raises AirbyteTracedException if no day of it is answered."""
        told: Days = {}
        left_out: list[tuple[date, date]] = []
        is_answered = is_narrowed = False
        ranges = [(first, last)]
        while ranges:
            start, end = ranges.pop()
            if end - start + DAY > self._widest:
                ranges += _halves(start, end)
                continue
            try:
                found = self._ask(start, end)
                # Perhaps only days that are not named were answered, of a range that is capped.
                is_capped = not found and start < end < self._today and bool(self._ask(end, end))
            except AirbyteTracedException as error:
                alone = {start} if start == end else set()
                some = {first, first + (last - first) // 2, last}
                if not is_answered and not self._answers_one_of(some - alone):
                    raise
                is_answered = True
                if start == end:
                    told[end] = error
                else:
                    is_narrowed = True
                    ranges += _halves(start, end)
                continue
            is_answered = True
            self._answered = max(self._answered, end - start + DAY)
            self._most_named = max(self._most_named, len(found))
            told |= found
            if found:
                ranges += _runs(start, end, found)
            elif is_capped:
                ranges += _halves(start, end)
            elif end < self._today:
                left_out.append((start, end))
            elif start < end:
                # Perhaps only one day was answered, of a range that is capped, and that one is not named.
                ranges += [(start, self._today - DAY), (self._today, self._today)]
        if is_narrowed and not told_apart(told)[1]:
            self._widest = self._answered
        return self._with_days_left_out(told, left_out)

    def _answers_one_of(self, some: Set[date]) -> bool:
        """Whether a day is answered by itself. In an outage none is; what the user can mend fails each day."""
        for day in sorted(some, reverse=True):
            try:
                self._ask(day, day)
            except AirbyteTracedException as error:
                if error.failure_type is FailureType.config_error:
                    return False
            else:
                return True
        return False

    def _with_days_left_out(self, told: Days, left_out: Iterable[tuple[date, date]]) -> Days:
        zeros: Days = {}
        for start, end in _joined(left_out):
            try:
                is_before = self._is_before_the_account(start, end, told)
            except AirbyteTracedException as error:
                told |= dict.fromkeys(days(start, end), error)
                continue
            if is_before:
                began = end + DAY
                LOGGER.info("seven.io names no day before %s, when the account began: those have rows of zeros.", began)
                zeros |= {day: record({"date": str(day)}, ZEROS, self._config) for day in days(start, end)}
            else:
                lacks = f"it lacks {_named(start, end)}, also when that is asked for by itself"
                told |= dict.fromkeys(days(start, end), unexpected_response_error(PROVIDER, "/analytics", lacks))
        return told | zeros

    def _is_before_the_account(self, start: date, end: date, told: Days) -> bool:
        yesterday = self._today - DAY
        if any(day < start for day in told):
            return False
        if not any(day > end for day in told) and not self._ask(yesterday, yesterday):
            return False
        try:
            return not self._ask(start - (self._most_named - 1) * DAY, start)
        except AirbyteTracedException:
            return not self._ask(start - DAY, start - DAY)


def _halves(start: date, end: date) -> list[tuple[date, date]]:
    middle = start + (end - start) // 2
    return [(start, middle), (middle + DAY, end)]


def _joined(ranges: Iterable[tuple[date, date]]) -> Iterable[tuple[date, date]]:
    """The ranges in the order of their days, those that follow each other as one."""
    joined: list[tuple[date, date]] = []
    for start, end in sorted(ranges):
        if joined and joined[-1][1] + DAY == start:
            start, _ = joined.pop()
        joined.append((start, end))
    return joined


def _runs(first: date, last: date, found: Days) -> Iterator[tuple[date, date]]:
    """The unbroken runs of days that were not found, the newest last."""
    start = None
    for day in days(first, last + DAY):
        if day <= last and day not in found:
            start = start or day
        elif start:
            yield start, day - DAY
            start = None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _named(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"
