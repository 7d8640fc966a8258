import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.types import Record, StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import transient_error
from source_sms_providers.http.provider import MadeOnce
from source_sms_providers.retriever import OnePageRetriever
from source_sms_providers.seven.extractors import AnalyticsExtractor, has_usage, record_of_zeros

WINDOW = timedelta(days=365)
"""As wide as the windows of the stream `analytics`, so that both ask the same and share the answer."""


class Totals(NamedTuple):
    """What the grouping by date says of the days of a window."""

    silent: frozenset[str]
    """Those without any usage: they need not be asked."""
    ungrouped: frozenset[str]
    """Those without messages and costs: a grouping of them may be empty."""


@dataclass(kw_only=True)
class UsageRetriever(OnePageRetriever):
    """Reads a grouping, which takes a request a day, with the help of the grouping by date, which takes
    a request a year and says what each day amounts to.

    - A day without usage is not asked for: its record of zeros is what the answer would have given.
    - An empty answer for a day with messages or costs is an error, not a record of zeros.
    - Where the totals cannot be had the days fail with them: nothing could vouch for an empty answer.

    Attributes:
        totals_requester: asks for the grouping by date
        group_field: the field of the rows that is grouped by
        cursor: the stream's
    """

    totals_requester: Requester
    group_field: str
    cursor: Cursor

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        # Before anything is read the state is the eve of the first day to ask (CONTRIBUTING.md, 3).
        self._first_day = date.fromisoformat(self.cursor.state["date"][:10]) + timedelta(days=1)
        self._totals = MadeOnce[date, Totals]()

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[Record]:
        assert stream_slice is not None
        day = stream_slice["start_time"][:10]
        totals = self._totals_of(day)
        if day in totals.silent:
            yield Record(record_of_zeros(day, self.group_field, self.config), self.name, stream_slice)
            return
        records = list(super().read_records(records_schema, stream_slice))
        if day not in totals.ungrouped and not any(has_usage(record) for record in records):
            raise transient_error(
                f"seven.io answers no {self.group_field} for {day}, but names messages or costs of that day. "
                "The next sync asks again."
            )
        yield from records

    def _totals_of(self, day: str) -> Totals:
        """The totals of the window that the day is in."""
        windows = (date.fromisoformat(day) - self._first_day) // WINDOW
        first = self._first_day + windows * WINDOW
        following = first + WINDOW
        try:
            return self._window(first)
        finally:
            if day == str(first) and str(following) <= self.config["last_day"]:
                # Before it is needed, or all workers would wait for it at once. If it fails, its own days say so.
                with contextlib.suppress(AirbyteTracedException):
                    self._window(following)

    def _window(self, first: date) -> Totals:
        return self._totals.get(first, lambda: self._ask(first))

    def _ask(self, first: date) -> Totals:
        last = min(first + WINDOW - timedelta(days=1), date.fromisoformat(self.config["last_day"]))
        days = StreamSlice(partition={}, cursor_slice={"start_time": str(first), "end_time": str(last)})
        response = self.totals_requester.send_request(stream_slice=days)
        assert response is not None
        records = list(AnalyticsExtractor(config=self.config, parameters={}).extract_records(response))
        return Totals(
            silent=frozenset(record["date"] for record in records if not has_usage(record)),
            ungrouped=frozenset(record["date"] for record in records if not (record["sms"] or record["usage_eur"])),
        )
