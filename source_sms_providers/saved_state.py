"""The saved state of a stream: what it says, and its JSON.

`{"date": D, "lookback_from": F, "read_through": E, "written": {day: [[key, amounts, description], …]}, "filters": {…},
"first_reported": R, "not_reported": [N, M, date]}` describes the destination's table:

- Every day up to D was read wholly after it had ended. A day that fails stays after D, also when an earlier sync had
  read it: then E says how far that sync had read, apart from the days from N to M.
- Every day before F was read again when it was `lookback_days` old. A longer lookback window does not go back further
  than to the day before F: the state does not name the rows of earlier days.
- Each row that has an amount, of the day before F or a later one, is in `written`. The state that names a row is
  sent before the row, and only a state that follows a row of zeros forgets it. So a row that is in `written` may be
  missing in the table if a sync was killed: code that relies on it emits it again.
- `written` was read under these `filters`, settings that narrow the stream.
- R is the oldest day that the provider ever reported, under whatever filters. Only older days can be days before the
  account was opened.
- N and M are the oldest and the newest day that could not be read because the provider does not report them. Each of
  them failed in a sync of that date at the latest.

States of earlier versions name F `again_from` and `written` `groups`, without F if D is the day before their sync; they
have no `filters`, no R and no N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from source_sms_providers.days import DAY

RowKey = tuple[str, ...]
"""The fields of a row's primary key without its date."""
Amounts = tuple["int | float | None", ...]


class StateEntry(NamedTuple):
    """What the state remembers of a written row besides its key."""

    amounts: Amounts
    description: tuple[Any, ...] = ()


Written = Mapping[RowKey, StateEntry]


class NotReported(NamedTuple):
    """Days that the provider did not report, although it must know them: N, M and the date."""

    first: date
    last: date
    since: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def joined(self, other: NotReported | None) -> NotReported:
        if other is None:
            return self
        return NotReported(min(self.first, other.first), max(self.last, other.last), max(self.since, other.since))


@dataclass(frozen=True)
class SavedState:
    """What a state says. The attributes are D, F, E and so on, as above; F is None for a snapshot."""

    done: date
    lookback_from: date | None
    read_through: date
    written: Mapping[str, Written] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    first_reported: date | None = None
    not_reported: NotReported | None = None

    @classmethod
    def parse(cls, saved: Mapping[str, Any], lookback: timedelta, yesterday: date) -> SavedState:
        """Raises ValueError, TypeError or AttributeError for what no version of this connector saved."""
        done = date.fromisoformat(str(saved["date"])[:10])
        lookback_from = saved.get("lookback_from") or saved.get("again_from")
        not_reported = None
        if "not_reported" in saved:
            not_reported = NotReported(*map(date.fromisoformat, saved["not_reported"]))
        return cls(
            done,
            date.fromisoformat(lookback_from or str(min(done, yesterday) + 2 * DAY - lookback)),
            date.fromisoformat(saved.get("read_through") or str(done)),
            {
                day: {tuple(map(str, key)): StateEntry(*map(tuple, entry)) for key, *entry in rows}
                for day, rows in (saved.get("written") or saved.get("groups") or {}).items()
            },
            saved.get("filters", {}),
            date.fromisoformat(saved["first_reported"]) if "first_reported" in saved else None,
            not_reported,
        )

    def as_json(self) -> dict[str, Any]:
        state: dict[str, Any] = {"date": str(self.done)}
        if not self.lookback_from:
            return state
        state["lookback_from"] = str(self.lookback_from)
        if self.read_through > self.done:
            state["read_through"] = str(self.read_through)
        if self.filters:
            state["filters"] = self.filters
        if self.first_reported:
            state["first_reported"] = str(self.first_reported)
        if self.not_reported:
            state["not_reported"] = [*map(str, self.not_reported)]
        if self.written:
            state["written"] = {
                day: [[[*key], *([*part] for part in entry if part)] for key, entry in rows.items()]
                for day, rows in sorted(self.written.items())
            }
        return state
