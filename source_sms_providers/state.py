"""What a stream's saved state says, and what follows from it.

A state `{"date": D, "again_from": F, "groups": {day: [[key, figures], …]}}` says of the destination's table:

- Every day up to D, itself included, was read wholly after it was over.
- Every day before F was read when it was `lookback_days` old. Without F, D is the day before the sync.
- A row with figures of a day that may be read again is one of `groups`. (A table that a version without
  `groups` wrote may hold others.)

The last is what lets a group that a correction took away go to zero. So it is said before the rows are
written, and taken back only by a state that follows the rows of zeros.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    AirbyteStreamStatus,
    StreamDescriptor,
    Type,
)
from airbyte_cdk.sources.declarative.migrations.state_migration import StateMigration

from source_sms_providers.errors import config_error

LOGGER = logging.getLogger("airbyte")

MAX_GROUPS = 10_000
"""How many groups a state names, some 300 KB. Of days beyond that, groups that go away are not noticed."""

DAYS_AHEAD = 10
"""How many of the days that were read, and not written yet, one state names: fewer states, and none of any size."""

Key = tuple[str, ...]
"""The fields of a row's primary key without its date."""
Figures = tuple[int | float, ...]
Group = list[list[Any]]
"""`[key, figures]`, as a state names it."""


class StreamState:
    """What is known of one stream's table during a sync. Workers and the main thread use it at once."""

    def __init__(self) -> None:
        self.done: str | None = None
        """The day up to which the last state counts all as done, with a time of day; None before a first sync."""
        self.first_day: date | None = None
        """The first day that this sync asks for; None before a first sync."""
        self._lock = threading.Lock()
        self._groups: dict[str, dict[Key, Group]] = {}
        self._coming: dict[str, dict[Key, Group]] = {}
        """What workers have read of days that no record was written of yet: they may be thousands of days ahead."""
        self._has_warned = False

    def resume(
        self, first_day: date, groups: Mapping[str, Iterable[tuple[Iterable[str], Iterable[int | float]]]]
    ) -> None:
        """Takes over what an earlier sync saved. Raises ValueError or TypeError if that is of another form."""
        self.first_day = first_day
        self.done = _last_second_before(str(first_day))
        self._groups = {
            day: {tuple(map(str, key)): _group(map(str, key), figures) for key, figures in of_day}
            for day, of_day in groups.items()
        }

    def groups_of(self, day: str) -> Mapping[Key, Figures]:
        """The groups of which the table may hold a row of that day, with the figures that were last written."""
        if day not in self._groups:
            return {}
        with self._lock:
            return {key: tuple(figures) for key, (_, figures) in self._groups.get(day, {}).items()}

    def will_hold(self, day: str, rows: Mapping[Key, Figures]) -> None:
        """To be called with all rows of a day before the first of them is written."""
        with self._lock:
            known = self._groups.get(day, {})
            news = {
                key: _group(key, figures)
                for key, figures in rows.items()
                # A row of zeros where there is none yet changes no sum.
                if (known[key][1] != [*figures] if key in known else any(figures))
            }
            if news:
                self._coming[day] = news

    def is_unsaid(self, day: str) -> bool:
        """Whether no state has named yet what the table will hold of that day."""
        return day in self._coming

    def begins(self, day: str) -> None:
        """To be called before a state that goes ahead of the day's first record. It names what comes next, too."""
        with self._lock:
            for each in (day, *islice(self._coming, DAYS_AHEAD)):
                self._groups.setdefault(each, {}).update(self._coming.pop(each, {}))

    def groups_to_save(self, stream: str, first_day: date) -> dict[str, list[Group]]:
        """The groups of the days from `first_day` on, for a state of the day `done`; the newest `MAX_GROUPS`."""
        assert self.done is not None
        kept: dict[str, dict[Key, Group]] = {}
        room = MAX_GROUPS
        with self._lock:
            for day in sorted(self._groups, reverse=True):
                groups = self._groups[day]
                if day <= self.done[:10]:
                    # Rows of zeros that this state confirms need not be known any more.
                    groups = {key: group for key, group in groups.items() if any(group[1])}
                if day >= str(first_day) and groups:
                    room -= len(groups)
                    if room >= 0:
                        kept[day] = groups
            self._groups = kept
            saved = {day: list(groups.values()) for day, groups in sorted(kept.items())}
        if room < 0 and not self._has_warned:
            self._has_warned = True
            LOGGER.warning(
                "The days that the stream '%s' may read again have more than %d groups. If a correction takes one away "
                "on an older of these days, its row stays as it is. Lower 'Days to read again' to avoid that.",
                stream,
                MAX_GROUPS,
            )
        return saved


def _group(key: Iterable[str], figures: Iterable[int | float]) -> Group:
    return [[*key], [*figures]]


@dataclass
class RewindState(StateMigration):
    """Makes a sync read the last days again: from `min(F, today - N)` on, N being `lookback_days`, where F is
    `D + 2 - N` if the state does not say.

    So a day is read again until that has happened when it was N days old, however long the pause.

    The rewound state says less than was read: its day is the one before the first day to ask, and its time
    is that day's last second, so that the cursor's next window starts at a midnight and joins what is done.
    The cursor's own lookback is no help: its days lie inside what counts as done, so one that fails is never
    asked again (`CONTRIBUTING.md`, S3).
    """

    config: Mapping[str, Any]
    declarative_stream: Any
    parameters: InitVar[Mapping[str, Any]]

    def should_migrate(self, stream_state: Mapping[str, Any]) -> bool:
        # The CDK keeps what is returned here and hands it in again if the streams are built once more.
        return "date" in stream_state and stream_state["date"] != self._state.done

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        name = self.declarative_stream.name
        try:
            done = date.fromisoformat(str(stream_state["date"])[:10])
            today = date.fromisoformat(self.config["today"])
            lookback = timedelta(days=self.config["lookback_days"])
            again_from = stream_state.get("again_from") or str(done + timedelta(days=2) - lookback)
            first_day = min(date.fromisoformat(again_from), today - lookback)
            self._state.resume(first_day, stream_state.get("groups") or {})
        except (ValueError, TypeError, AttributeError):
            raise config_error(
                f"The saved state of the stream '{name}' is not one that this connector saved. Clear the stream's data "
                "to start anew."
            ) from None
        if done > today:
            LOGGER.warning(
                "The saved state of the stream '%s' is of %s, which is in the future: only the last days are read "
                "again. If days are missing, clear the stream's data in Airbyte.",
                name,
                done,
            )
        return {"date": self._state.done}

    @property
    def _state(self) -> StreamState:
        state: StreamState = self.config["_states"][self.declarative_stream.name]
        return state


def with_states(
    messages: Iterable[AirbyteMessage], states: Mapping[str, StreamState], config: Mapping[str, Any]
) -> Iterator[AirbyteMessage]:
    """Makes the states that the CDK's cursors emit say what this module promises of them.

    A running day is kept out of `date`, the groups are added, and where a record is about to be written that
    no state has named, a state goes ahead of it. A state whose `date` is the last one's says nothing new, and waits
    for the end of its stream: workers end days out of their order, and for each state a destination may flush.
    """
    running: dict[str, str] = {}
    waiting: dict[str, AirbyteStreamState] = {}
    for message in messages:
        if record := message.record:
            stream, day = record.stream, record.data["date"]
            if record.data.get("is_partial"):
                running[stream] = day
            state = states.get(stream)
            if state and state.is_unsaid(day):
                state.begins(day)
                done = state.done or _last_second_before(config["start_date"])
                ahead = AirbyteStreamState(StreamDescriptor(name=stream), AirbyteStateBlob(date=done))
                yield _completed(ahead, state, config)
        elif message.type is Type.STATE and message.state and (saved := message.state.stream):
            stream = saved.stream_descriptor.name
            blob = vars(saved.stream_state)
            if day := running.get(stream, ""):
                blob["date"] = min(blob["date"], _last_second_before(day))
            if stream in states and states[stream].done == blob["date"]:
                waiting[stream] = saved
                continue
            waiting.pop(stream, None)
            if stream in states:
                _complete(saved, states[stream], config)
        elif late := waiting.pop(_that_ends(message), None):
            yield _completed(late, states[late.stream_descriptor.name], config)
        yield message


def _that_ends(message: AirbyteMessage) -> str:
    """The stream whose end the message tells."""
    status = message.trace.stream_status if message.trace else None
    is_end = status and status.status in (AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE)
    return status.stream_descriptor.name if status and is_end else ""


def _completed(saved: AirbyteStreamState, state: StreamState, config: Mapping[str, Any]) -> AirbyteMessage:
    _complete(saved, state, config)
    return AirbyteMessage(type=Type.STATE, state=AirbyteStateMessage(type=AirbyteStateType.STREAM, stream=saved))


def _complete(saved: AirbyteStreamState, state: StreamState, config: Mapping[str, Any]) -> None:
    """Adds to the day that is done what else a state says."""
    blob = vars(saved.stream_state)
    state.done = blob["date"]
    done, today = (date.fromisoformat(day[:10]) for day in (blob["date"], config["today"]))
    first_day = state.first_day or date.fromisoformat(config["start_date"])
    lookback = timedelta(days=config["lookback_days"])
    again_from = min(done + timedelta(days=1), max(first_day, today - lookback + timedelta(days=1)))
    if again_from > done + timedelta(days=2) - lookback:
        blob["again_from"] = str(again_from)
    if groups := state.groups_to_save(saved.stream_descriptor.name, min(again_from, today - lookback)):
        blob["groups"] = groups


def _last_second_before(day: str) -> str:
    return f"{date.fromisoformat(day) - timedelta(days=1)}T23:59:59Z"
