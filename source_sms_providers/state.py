"""What a sync reads, as the state of a stream says, and the state that follows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from source_sms_providers.days import DAY
from source_sms_providers.errors import config_error
from source_sms_providers.saved_state import NotReported, SavedState, Written

LOGGER = logging.getLogger("airbyte")

MAX_ENTRIES = 10_000
"""How many rows a state names: some 500 KB. Removed groups of older days are not noticed."""


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
        self._not_reported_before: NotReported | None = None
        self._read_before = start - DAY
        self._previously_written: Mapping[str, Written] = {}
        if "date" in saved:
            try:
                self._resume(SavedState.parse(saved, self._lookback, self._last_complete_day))
            except (ValueError, TypeError, AttributeError):
                raise config_error(
                    f"The saved state of the stream '{stream}' is not one of this connector. Refresh the stream and "
                    "retain its records to read it from the start date again."
                ) from None
        self._read_through = self._read_before
        self._read_again_through = self.first_day - DAY
        self._has_gap = self._has_failed = self._has_warned = False
        self._not_reported: NotReported | None = None
        self._written = dict(self._previously_written)
        self._sent: Mapping[str, Any] = {}
        if "date" in saved:
            self._sent = self._as_json()

    def _resume(self, saved: SavedState) -> None:
        done, first = saved.done, saved.lookback_from or self._today
        # A second sync of the same date reads a whole lookback window, too.
        self.first_day = min(first, max(first - DAY, self._today - self._lookback), self._today)
        self._not_reported_before = saved.not_reported
        if done > self._today:
            LOGGER.warning(
                "The saved state of the stream '%s' is at %s, which is in the future. Only the lookback window is read "
                "again. If days are missing, refresh the stream and retain its records.",
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
        if saved.filters != self._filters:
            LOGGER.warning(
                "The settings that filter the stream '%s' have changed since its last sync: rows that were written "
                "under the former settings stay as they are.",
                self._stream,
            )
        else:
            self._previously_written = saved.written
        self._read_before = min(max(done, saved.read_through), self._last_complete_day)
        self.first_reported = saved.first_reported
        if saved.first_reported:
            self._reported = [saved.first_reported]
        elif self.was_read(self.first_day):
            # A state of an earlier version did not remember it.
            self.first_reported = self.first_day

    def previously_written(self, day: str) -> Written:
        """The rows of a day that an earlier sync wrote, or was about to write."""
        return self._previously_written.get(day, {})

    def was_read(self, day: date) -> bool:
        """Whether an earlier sync read the day after it had ended."""
        return day <= self._read_before and day not in (self._not_reported_before or ())

    def may_be_forgotten(self, day: date) -> bool:
        """Whether a day that the provider does not report keeps what rows it has, without being an error.

        It must be older than the lookback window. If no sync has read it, it must have failed on an earlier date.
        """
        before = self._not_reported_before
        has_failed_before = before is not None and day in before and before.since < self._today
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
        self._has_failed = True
        if is_not_reported:
            before = self._not_reported_before
            since = before.since if before and day in before else self._today
            self._not_reported = NotReported(day, day, since).joined(self._not_reported)
        elif not self.was_read(day):
            self._has_gap = True

    def checkpoint(self) -> Mapping[str, Any] | None:
        """The state to send now; None if it says no more than the one that was sent last."""
        state = self._as_json()
        if state == self._sent:
            return None
        self._sent = state
        return state

    def _as_json(self) -> dict[str, Any]:
        done, not_reported = self._done(), self._not_reported
        before = self._not_reported_before
        if before and before.last > done:
            # This sync has not read all of these days yet.
            not_reported = before._replace(first=max(before.first, done + DAY)).joined(not_reported)
        return SavedState(
            done,
            self._lookback_from() if self._lookback else None,
            self._read_through,
            self._rows_to_name(),
            self._filters,
            min(self._reported, default=None),
            not_reported,
        ).as_json()

    def _done(self) -> date:
        return min(self._read_through, self._read_again_through)

    def _lookback_from(self) -> date:
        # Not before the first day that was read: a longer lookback window grows by one day with each sync.
        return min(self._done(), max(self._today - self._lookback, self.first_day)) + DAY

    def _first_named_day(self) -> str:
        """The first day that a sync of the same date reads again."""
        return str(self._lookback_from() - DAY)

    def _rows_to_name(self) -> Mapping[str, Written]:
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
        return kept
