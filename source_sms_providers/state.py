"""The saved state of a stream, and what follows from it.

`{"date": D, "lookback_from": F, "read_through": E, "written": {day: [[key, amounts, description], …]}, "filters": {…},
"first_reported": R, "not_reported": [N, date]}` describes the destination's table:

- Every day up to D was read wholly after it had ended. A day that fails stays after D, also when an earlier sync had
  read it: then E says how far that sync had read.
- Every day before F was read again when it was `lookback_days` old. A longer lookback window does not go back further
  than to the day before F: the state does not name the rows of earlier days.
- Each row that has an amount, of the day before F or a later one, is in `written`. The state that names a row is
  sent before the row, and only a state that follows a row of zeros forgets it. So a row that is in `written` may be
  missing in the table if a sync was killed: code that relies on it emits it again.
- `written` was read under these `filters`, settings that narrow the stream.
- R is the oldest day that the provider ever reported, under whatever filters. Only older days can be days before the
  account was opened.
- N is the oldest day that could not be read because the provider does not report it, since the sync of that date.

States of earlier versions name F `again_from` and `written` `groups`, without F if D is the day before their sync; they
have no `filters`, no R and no N.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from source_sms_providers.days import DAY
from source_sms_providers.errors import config_error

LOGGER = logging.getLogger("airbyte")

MAX_ENTRIES = 10_000
"""How many rows a state names: some 500 KB. Removed groups of older days are not noticed."""

RowKey = tuple[str, ...]
"""The fields of a row's primary key without its date."""
Amounts = tuple["int | float | None", ...]


class StateEntry(NamedTuple):
    """What the state remembers of a written row besides its key."""

    amounts: Amounts
    description: tuple[Any, ...] = ()


Written = Mapping[RowKey, StateEntry]


class StreamState:
    """The state of one stream. One thread changes it; others may call what is not changed: `previously_written`,
    `was_read`, `may_be_forgotten`; and `reported`.

    Attributes:
        first_day: the first day that this sync reads
        first_reported: the oldest day that the provider reported to earlier syncs, as far as known
    """

    def __init__(
        self,
        stream: str,
        saved: Mapping[str, Any],
        start: date,
        today: date,
        lookback_days: int,
        filters: Mapping[str, Any],
    ) -> None:
        """Raises AirbyteTracedException (config_error) for a state that no version of this connector saved."""
        self._stream = stream
        self._start = start
        self._today = today
        self._lookback = timedelta(days=lookback_days)
        # A stream without a lookback window reads what is true now: today is as complete as it gets.
        self._last_complete_day = today - DAY if lookback_days else today
        self._filters = {name: value for name, value in filters.items() if value}
        self.first_day = start
        self.first_reported: date | None = None
        self._reported: list[date] = []
        self._not_reported_before: tuple[date, date] | None = None
        self._read_before = start - DAY
        self._previously_written: dict[str, Written] = {}
        if "date" in saved:
            try:
                self._resume(saved)
            except (ValueError, TypeError, AttributeError):
                raise config_error(
                    f"The saved state of the stream '{stream}' is not one of this connector. Clear the stream's data "
                    "to read it from the start date again."
                ) from None
        self._read_through = self._read_before
        self._read_again_through = self.first_day - DAY
        self._has_gap = self._has_failed = self._has_warned = False
        self._not_reported: tuple[date, date] | None = self._not_reported_before
        self._written = dict(self._previously_written)
        self._sent: Mapping[str, Any] = {}
        if "date" in saved:
            self._sent = self._as_json()

    def _resume(self, saved: Mapping[str, Any]) -> None:
        done = date.fromisoformat(str(saved["date"])[:10])
        of_yesterday = min(done, self._last_complete_day) + 2 * DAY - self._lookback
        first = date.fromisoformat(saved.get("lookback_from") or saved.get("again_from") or str(of_yesterday))
        # A second sync of the same date reads a whole lookback window, too.
        self.first_day = min(first, max(first - DAY, self._today - self._lookback), self._today)
        written: dict[str, Written] = {
            day: {tuple(map(str, key)): StateEntry(*map(tuple, entry)) for key, *entry in rows}
            for day, rows in (saved.get("written") or saved.get("groups") or {}).items()
        }
        if "first_reported" in saved:
            self._reported = [date.fromisoformat(saved["first_reported"])]
        if "not_reported" in saved:
            day, since = map(date.fromisoformat, saved["not_reported"])
            self._not_reported_before = (day, since)
        if done > self._today:
            LOGGER.warning(
                "The saved state of the stream '%s' is at %s, which is in the future. Only the lookback window is read "
                "again. If days are missing, clear the stream's data.",
                self._stream,
                done,
            )
            done = self._today - DAY
            self.first_day = self._today - self._lookback
        if self._lookback and self._start > done + DAY:
            LOGGER.warning(
                "'%s': 'Start date' is later than the day after the last one that was read. The days from %s to %s are "
                "not read, also if you set an earlier start date afterwards: refresh the stream for that.",
                self._stream,
                done + DAY,
                self._start - DAY,
            )
        self.first_day = max(self.first_day, self._start)
        if saved.get("filters", {}) != self._filters:
            LOGGER.info(
                "The settings that filter the stream '%s' have changed since its last sync: rows that were written "
                "under the former settings stay as they are.",
                self._stream,
            )
        else:
            self._previously_written = written
        read_through = date.fromisoformat(saved.get("read_through") or str(done))
        self._read_before = min(max(done, read_through), self._last_complete_day)
        # A state of an earlier version did not remember it.
        assumed = self.first_day if self.was_read(self.first_day) else None
        self.first_reported = min(self._reported, default=assumed)

    def previously_written(self, day: str) -> Written:
        """The rows of a day that an earlier sync wrote, or was about to write."""
        return self._previously_written.get(day, {})

    def was_read(self, day: date) -> bool:
        """Whether an earlier sync read the day after it had ended."""
        return day <= self._read_before

    def may_be_forgotten(self, day: date) -> bool:
        """Whether a day that the provider does not report keeps what rows it has, without being an error.

        It must be older than the lookback window. If no sync has read it, one of an earlier date must have failed.
        """
        first, since = self._not_reported_before or (date.max, date.max)
        has_failed_before = first <= day and since < self._today
        return day < self._today - self._lookback and (self.was_read(day) or has_failed_before)

    def reported(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The provider reported these days. Any thread may call this."""
        if rows:
            self._reported.append(date.fromisoformat(min(row["date"] for row in rows)))

    @property
    def entry_count(self) -> int:
        """How many rows the next state names, besides those that are staged for it."""
        first_day = self._first_named_day()
        return sum(len(rows) for day, rows in self._written.items() if day >= first_day)

    def stage(self, day: str, rows: Written) -> None:
        """Names all rows of a day. Call before emitting any of them."""
        known = self.previously_written(day)
        # A row of zeros need not be known, unless it has to be written again: over an amount, or when its day is over.
        staged = {
            key: entry for key, entry in rows.items() if any(entry.amounts) or key in known or day >= str(self._today)
        }
        if staged or day in self._written:
            self._written[day] = staged

    def completed(self, day: date) -> None:
        """All rows of the day, and of the days before it that did not fail, were emitted."""
        day = min(day, self._last_complete_day)
        if not self._has_gap:
            self._read_through = max(self._read_through, day)
        if not self._has_failed:
            self._read_again_through = max(self._read_again_through, day)

    def failed(self, day: date, is_not_reported: bool = False) -> None:
        """The day could not be read: the next sync reads it again."""
        if is_not_reported and (self._not_reported is None or self._not_reported[0] <= self._done()):
            self._not_reported = (day, self._today)
        self._has_failed = True
        self._has_gap = self._has_gap or day > self._read_before

    def checkpoint(self) -> Mapping[str, Any] | None:
        """The state to send now; None if it says no more than the one that was sent last."""
        state = self._as_json()
        if state == self._sent:
            return None
        self._sent = state
        return state

    def _as_json(self) -> dict[str, Any]:
        done = self._done()
        state: dict[str, Any] = {"date": str(done)}
        if not self._lookback:
            return state
        state["lookback_from"] = str(self._lookback_from())
        if self._read_through > done:
            state["read_through"] = str(self._read_through)
        if self._filters:
            state["filters"] = self._filters
        if self._reported:
            state["first_reported"] = str(min(self._reported))
        if self._not_reported and self._not_reported[0] > done:
            state["not_reported"] = [*map(str, self._not_reported)]
        if written := self._entries():
            state["written"] = written
        return state

    def _done(self) -> date:
        return min(self._read_through, self._read_again_through)

    def _lookback_from(self) -> date:
        return min(self._done(), self._today - self._lookback) + DAY

    def _first_named_day(self) -> str:
        """The first day that a sync of the same date reads again."""
        return str(self._lookback_from() - DAY)

    def _entries(self) -> dict[str, list[Any]]:
        kept: dict[str, Written] = {}
        room = MAX_ENTRIES
        confirmed, first_day = str(self._done()), self._first_named_day()
        for day in sorted((day for day in self._written if day >= first_day), reverse=True):
            rows = self._written[day]
            if day <= confirmed:
                # This state confirms that the rows of zeros were written: they need not be known any more.
                rows = {key: entry for key, entry in rows.items() if any(entry.amounts)}
            room -= len(rows)
            if rows and room >= 0:
                kept[day] = rows
        self._written = kept
        if room < 0 and not self._has_warned:
            self._has_warned = True
            LOGGER.warning(
                "'%s' has more than %d rows in its lookback window: groups that are removed from its older days will "
                "not be set to zero. Lower 'Lookback window (days)' to avoid that.",
                self._stream,
                MAX_ENTRIES,
            )
        return {
            day: [[[*key], *([*part] for part in entry if part)] for key, entry in rows.items()]
            for day, rows in sorted(kept.items())
        }
