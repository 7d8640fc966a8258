"""Rows that name their own day, in responses of several pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.breakdown import DailyBreakdownRetriever
from source_sms_providers.days import DAY, days, windows
from source_sms_providers.parsing import FieldReader
from source_sms_providers.retriever import Day, Row, Rows, fetch, value_or_error
from source_sms_providers.saved_state import RowKey, StateEntry

if TYPE_CHECKING:
    from source_sms_providers.check import CheckClient


@dataclass(kw_only=True)
class DatedRowsRetriever(DailyBreakdownRetriever):
    """Reads all days of a window with one request a page.

    A day without rows gets one zero row, and a removed group gets one, too. A window that fails is read again day by
    day, so that only those days fail that cannot be read by themselves.

    The extractor yields `date` (YYYY-MM-DD), the primary key, the amounts and the descriptions of each row;
    `is_partial` is added here.

    Attributes:
        amount_fields: what is zero on a day without usage
        description_fields: what is null on a day without rows
        next_page_field: where a response names the URI of its next page; null or empty on the last one
    """

    amount_fields: tuple[str, ...] = field()
    description_fields: tuple[str, ...] = ()
    next_page_field: str

    def jobs(self) -> Iterator[Callable[[], Sequence[Day]]]:
        assert self.step is not None
        for window in windows(self.stream_state.first_day, self.last_day, self.step):
            yield partial(self._read_window, *window)

    def check(self, client: CheckClient) -> None:
        self._fetch_window(self._today - DAY, self._today - DAY)

    def _read_window(self, first: date, last: date) -> Sequence[Day]:
        found = value_or_error(partial(self._fetch_window, first, last))
        if not isinstance(found, AirbyteTracedException):
            by_day: dict[str, list[Row]] = {str(day): [] for day in days(first, last)}
            for row in found:
                by_day[row["date"]].append(row)
            return [self._complete(date.fromisoformat(day), rows) for day, rows in by_day.items()]
        if first == last:
            return [Day(last, found)]
        # Not in halves, which fail one after the other: that would pass for an outage, or for a rejected key.
        by_itself = self.pool.map(lambda day: self._read_window(day, day), days(first, last))
        return [read for [read] in by_itself]

    def _fetch_window(self, first: date, last: date) -> Rows:
        """The rows of all pages. Raises AirbyteTracedException for a row that the window cannot have, or has twice."""
        rows: dict[tuple[str, RowKey], Row] = {}
        due, pages = {str(day) for day in days(first, last)}, set[str]()
        response = fetch(self.requester, first, last)
        while True:
            fields = FieldReader(self.requester.provider, response)  # type: ignore[attr-defined]
            for row in self.extract(response):
                key = row["date"], self.row_key(row)
                if row["date"] not in due:
                    fields.reject(f"it reports {row['date'][:10]}, but {first} to {last} was requested")
                if key in rows:
                    fields.reject(f"it reports a row of {row['date']} twice")
                rows[key] = {**row, "is_partial": row["date"] >= str(self._today)}
            content: dict[str, Any] = response.json()
            page = fields.optional_text(fields.field(content, self.next_page_field, "a page"), self.next_page_field)
            if not page:
                return list(rows.values())
            if page in pages:
                fields.reject("its pages have no end")
            pages.add(page)
            response = self.requester.send_request(path=page)  # type: ignore[assignment]

    def _complete(self, day: date, rows: Rows) -> Day:
        removed = self.removed(day, {self.row_key(row): row for row in rows})
        # Nothing is taken back from a running day.
        become = self.restore if day >= self._today else self.zero_row
        zero_rows = [become(day, *each) for each in removed.items()]
        no_group = [""] * (len(self.primary_key) - 1)
        return Day(day, [*rows, *zero_rows] or [self.zero_row(day, tuple(no_group), StateEntry(()))])
