"""seven.io's grouping by date: what each day amounts to, however much of a range one answer holds.

Recorded answers hold a row for each day asked, also for days of zeros. Whether a wide range is capped, whether
days before the account's first one are named, and whether the running day is, is not documented.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import requests
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.answers import Reader
from source_sms_providers.errors import unexpected_answer
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


class DaysExtractor(SevenExtractor):
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
        read = Reader(PROVIDER, response)
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
                rows[day] = added(rows.get(day), counters_of(read, row, "date", text))
            except AirbyteTracedException as refused:
                failed[day] = refused
        return {day: record({"date": str(day)}, counters, self.config) for day, counters in rows.items()} | failed


def told_apart(days: Days) -> tuple[list[Mapping[str, Any]], dict[date, AirbyteTracedException]]:
    """The rows in the order of their days, and why the other days have none."""
    rows: list[Mapping[str, Any]] = [
        row for _, row in sorted(days.items()) if not isinstance(row, AirbyteTracedException)
    ]
    return rows, {day: row for day, row in days.items() if isinstance(row, AirbyteTracedException)}


class ByDate:
    """Every day of ranges; only a running day may be missing.

    A range that fails is asked for in halves, down to the days that fail, if its last day is answered by itself. If no
    day fails, it was too wide: from then on no range is asked for that is wider than the widest part that was answered.

    Days that an answer leaves out are asked for again in a range of their own, and in its halves if its last day is
    named by itself: so a range that the server caps is read whole. That takes a request for each so many days as it
    answers, as narrower ranges from the start would. Days that it leaves out even then are

    - rows of zeros if they are before the account's first day: their last day is not named by itself either,
      nor their first one and the day before it, while a later day is named;
    - an error otherwise: nothing vouches for zeros between days that are there.
    """

    def __init__(self, ask: Ask, config: Mapping[str, Any]) -> None:
        self._ask = ask
        self._config = config
        self._today = date.fromisoformat(config["today"])
        self._widest = timedelta.max

    def read(self, first: date, last: date) -> Days:
        """The days of one range. Raises AirbyteTracedException if no day of it is answered."""
        told: Days = {}
        answered, narrowed = DAY, False
        spans = [(first, last)]
        while spans:
            start, end = spans.pop()
            width = end - start + DAY
            if width > self._widest:
                spans += _halves(start, end)
                continue
            try:
                found = self._ask(start, end)
            except AirbyteTracedException as error:
                if start == end and not told:
                    raise
                if start == end:
                    told[end] = error
                    continue
                # In an outage, and with a wrong key, one day is not answered either.
                if not told:
                    try:
                        told |= self._ask(end, end)
                    except AirbyteTracedException:
                        raise error from None
                narrowed = True
                spans += _halves(start, end)
                continue
            answered = max(answered, width)
            told |= found
            if found:
                spans += _runs(start, end, found)
            elif end >= self._today:
                # Perhaps only one day was answered, of a range that is capped, and that one is not named.
                spans += [(start, self._today - DAY), (self._today, self._today)] if start < self._today else []
            elif any(day < start for day in told):
                told |= _refused(start, end)
            elif start < end and self._ask(end, end):
                # Perhaps only days before the account's first one were answered, of a range that is capped.
                spans += _halves(start, end)
            elif not self._is_before_the_account(start, end, told):
                told |= _refused(start, end)
            else:
                began = end + DAY
                LOGGER.info("seven.io names no day before %s, when the account began: those have rows of zeros.", began)
                told |= {day: record({"date": str(day)}, ZEROS, self._config) for day in days(start, end)}
        if narrowed and not told_apart(told)[1]:
            self._widest = answered
        return told

    def _is_before_the_account(self, start: date, end: date, told: Days) -> bool:
        yesterday = self._today - DAY
        is_followed = any(day > end for day in told) or self._ask(yesterday, yesterday)
        return bool(is_followed) and not self._ask(start - DAY, start)


def _halves(start: date, end: date) -> list[tuple[date, date]]:
    middle = start + (end - start) // 2
    return [(start, middle), (middle + DAY, end)]


def _refused(start: date, end: date) -> Days:
    absent = f"it lacks {_named(start, end)}, also when that is asked for by itself"
    return dict.fromkeys(days(start, end), unexpected_answer(PROVIDER, "/analytics", absent))


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
