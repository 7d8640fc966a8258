"""seven.io's grouping by date: the total of each day, however many days of a range one response holds.

Recorded responses hold a row for each day of the range, also for days of zeros. The API documents neither whether it
caps a wide range, nor whether it reports days before the account was opened, nor the running day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.days import DAY, days
from source_sms_providers.errors import DayNotReportedError
from source_sms_providers.parsing import FieldReader
from source_sms_providers.seven.extractors import (
    PROVIDER,
    ZEROS,
    Counters,
    SevenExtractor,
    counters_of,
    merge_counters,
    record,
)
from source_sms_providers.state import StreamState

LOGGER = logging.getLogger("airbyte")

Totals = dict[date, "dict[str, Any] | AirbyteTracedException"]
"""The row of each day, or why it has none."""
Fetch = Callable[[date, date], Totals]
"""(first day, last day) -> the days that the response reports."""


class DailyTotalsExtractor(SevenExtractor):
    """Rows of counters as one row a day.

    seven.io answers dates that it cannot read with its default window (recorded), so a day outside the range that was
    requested is an error.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        rows, failed = split_errors(self.totals(response))
        if failed:
            raise failed[min(failed)]
        return rows

    def totals(self, response: requests.Response) -> Totals:
        """The days that one response reports. A row that is wrong fails its own day only."""
        fields = FieldReader(PROVIDER, response)
        first, last = date.fromisoformat(fields.query["start"]), date.fromisoformat(fields.query["end"])
        rows: dict[date, Counters] = {}
        failed: Totals = {}
        for row in fields.sequence(response.json(), "the response"):
            row = fields.mapping(row, "a row")
            text = fields.text(fields.field(row, "date", "a row"), "date")
            day = _parse_day(text)
            if day is None or not first <= day <= last:
                fields.reject(f"it reports {text[:10]}, but {first} to {last} was requested")
            try:
                rows[day] = merge_counters(rows.get(day), counters_of(fields, row, text))
            except AirbyteTracedException as error:
                failed[day] = error
        return {day: record({"date": str(day)}, counters, self.config) for day, counters in rows.items()} | failed


def split_errors(totals: Totals) -> tuple[list[Mapping[str, Any]], dict[date, AirbyteTracedException]]:
    """The rows in the order of their days, and the errors of the other days."""
    rows: list[Mapping[str, Any]] = [
        row for _, row in sorted(totals.items()) if not isinstance(row, AirbyteTracedException)
    ]
    return rows, {day: row for day, row in totals.items() if isinstance(row, AirbyteTracedException)}


class DailyTotals:
    """Reads every day of a range. Only a running day may be missing.

    - A range that fails is bisected down to the days that fail, if one of its days is answered by itself. If no day
      fails in the end, the range was too wide: later requests stay as narrow as those that were answered.
    - Days that a response leaves out are requested again in a range of their own. So a range that the server caps is
      read whole, with one request for each so many days as a response holds.
    - Days that are missing even then are days before the account was opened, and get rows of zeros, if the provider
      never reported a day as old: not in the responses of this sync, not in those of earlier syncs, and not in a
      request for as many days before them as one response was seen to hold. Otherwise they fail: what is known is
      never overwritten by what is not.
    """

    def __init__(self, fetch: Fetch, config: Mapping[str, Any], state: StreamState) -> None:
        self._fetch = fetch
        self._config = config
        self._state = state
        self._oldest_reported = state.first_reported
        self._today = date.fromisoformat(config["today"])
        self._max_window = timedelta.max
        self._widest_answered = DAY
        self._largest_response = 2

    def read(self, first: date, last: date) -> Totals:
        """The days of one range. Raises AirbyteTracedException if no day of it is answered."""
        totals: Totals = {}
        missing: list[tuple[date, date]] = []
        answered: date | None = None
        is_narrowed = False
        ranges = [(first, last)]
        while ranges:
            start, end = ranges.pop()
            if end - start + DAY > self._max_window:
                ranges += _bisect(start, end)
                continue
            try:
                found = self._fetch(start, end)
                # The server may cap the range to days that it does not report.
                is_capped = not found and start < end < self._today and bool(self._fetch(end, end))
            except AirbyteTracedException as error:
                alone = {start} if start == end else set()
                some = {first, first + (last - first) // 2, last}
                if answered:
                    # A fault of one day must not look like an outage: a good response keeps the circuit closed.
                    self._first_answered({answered})
                else:
                    answered = self._first_answered(some - alone)
                    if not answered:
                        raise
                if start == end:
                    totals[end] = error
                else:
                    is_narrowed = True
                    ranges += _bisect(start, end)
                continue
            answered = answered or max(found, default=end)
            self._widest_answered = max(self._widest_answered, end - start + DAY)
            self._largest_response = max(self._largest_response, len(found))
            totals |= found
            if found:
                ranges += _gaps(start, end, found)
            elif is_capped:
                ranges += _bisect(start, end)
            elif end < self._today:
                missing.append((start, end))
            elif start < end:
                # The server may cap the range to the running day, which it does not report.
                ranges += [(start, self._today - DAY), (self._today, self._today)]
        if is_narrowed and not split_errors(totals)[1]:
            self._max_window = self._widest_answered
        self._state.reported(split_errors(totals)[0])
        return self._with_missing(totals, missing)

    def _first_answered(self, some: Collection[date]) -> date | None:
        """A day that is answered by itself. In an outage none is; what the user can change fails every day."""
        for day in sorted(some, reverse=True):
            try:
                self._fetch(day, day)
            except AirbyteTracedException as error:
                if error.failure_type is FailureType.config_error:
                    return None
            else:
                return day
        return None

    def _with_missing(self, totals: Totals, missing: Iterable[tuple[date, date]]) -> Totals:
        zeros: Totals = {}
        reported = [date.fromisoformat(row["date"]) for row in split_errors(totals)[0]]
        oldest = min([*reported, self._oldest_reported or date.max])
        newest = max(reported, default=date.min)
        for start, end in _merge_ranges(missing):
            before = [day for day in days(start, end) if day < oldest]
            after = [day for day in days(start, end) if day >= oldest]
            try:
                if before and not self._is_before_the_account(before[0], before[-1], newest):
                    before, after = [], days(start, end)
            except AirbyteTracedException as error:
                totals |= dict.fromkeys(before, error)
                before = []
            if after:
                totals |= dict.fromkeys(after, _day_not_reported_error(after[0], after[-1]))
            if before:
                opened = before[-1] + DAY
                LOGGER.warning("seven.io reports no day before %s: earlier days get zero rows.", opened)
                zeros |= {day: record({"date": str(day)}, ZEROS, self._config) for day in before}
        return totals | zeros

    def _is_before_the_account(self, start: date, end: date, newest: date) -> bool:
        """Whether the provider reports later days, but none of as many days before as a response was seen to hold."""
        yesterday = self._today - DAY
        if newest <= end and not self._fetch(yesterday, yesterday):
            return False
        try:
            return not self._fetch(start - (self._largest_response - 1) * DAY, start)
        except AirbyteTracedException:
            return not self._fetch(start - DAY, start - DAY)


def _day_not_reported_error(first: date, last: date) -> AirbyteTracedException:
    sentence = (
        f"seven.io does not report {_range_text(first, last)}, although it reported days as old. Rows of these days "
        "stay as they are, and the next sync requests them again. If this repeats tomorrow, lower 'Lookback window "
        "(days)': days before it are then skipped with a warning."
    )
    return DayNotReportedError(sentence, sentence, FailureType.transient_error)


def _bisect(start: date, end: date) -> list[tuple[date, date]]:
    middle = start + (end - start) // 2
    return [(start, middle), (middle + DAY, end)]


def _merge_ranges(ranges: Iterable[tuple[date, date]]) -> Iterable[tuple[date, date]]:
    """The ranges in the order of their days; adjacent ones become one."""
    merged: list[tuple[date, date]] = []
    for start, end in sorted(ranges):
        if merged and merged[-1][1] + DAY == start:
            start, _ = merged.pop()
        merged.append((start, end))
    return merged


def _gaps(first: date, last: date, found: Collection[date]) -> Iterator[tuple[date, date]]:
    """The unbroken ranges of days that were not found, the newest last."""
    start = None
    for day in days(first, last + DAY):
        if day <= last and day not in found:
            start = start or day
        elif start:
            yield start, day - DAY
            start = None


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _range_text(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} to {last}"
