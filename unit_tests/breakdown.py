"""A retriever of days with a row a group, whose responses are functions, and what it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.breakdown import DailyBreakdownRetriever
from source_sms_providers.days import DAY
from source_sms_providers.errors import transient_error
from source_sms_providers.retriever import Day, Rows
from source_sms_providers.session import SyncSession
from source_sms_providers.state import StreamState

TODAY = date(2026, 3, 10)
NAME = "usage"
NOTE = "'%s': something is odd. Days: %d, first: %s."


def text(day: int) -> str:
    return f"2026-03-{day:02}"


def usage(day: date | str, group: str = "DE", sms: int = 1) -> dict[str, Any]:
    return {"date": str(day), "group": group, "sms": sms, "note": None, "is_partial": str(day) >= str(TODAY)}


@dataclass(kw_only=True)
class Breakdown(DailyBreakdownRetriever):
    """Has what `of_day` returns; what is removed becomes zero."""

    amount_fields: ClassVar[Sequence[str]] = ("sms",)
    description_fields: ClassVar[Sequence[str]] = ("note",)

    of_day: Callable[[date], Rows] = lambda day: [usage(day)]

    def read_day(self, day: date) -> Day:
        rows = {self.row_key(row): row for row in self.of_day(day)}
        zeros = [self.zero_row(day, *each) for each in self.removed(day, rows).items()]
        return Day(day, [*rows.values(), *zeros], {NOTE: str(day)} if zeros else {})


def make_breakdown(
    session: SyncSession,
    saved: Mapping[str, Any] | None = None,
    start: date = date(2026, 3, 7),
    last_day: date = TODAY - DAY,
    lookback_days: int = 3,
    **fields: Any,
) -> Breakdown:
    return Breakdown(
        name=NAME,
        primary_key=["date", "group"],
        config={"today": str(TODAY), "_session": session},
        stream_state=StreamState(NAME, saved or {}, start, TODAY, lookback_days, {}),
        last_day=last_day,
        step=timedelta(days=365),
        requester=SimpleNamespace(provider="any"),
        extractor=SimpleNamespace(),
        **fields,
    )


def read(retriever: Breakdown) -> tuple[list[Any], AirbyteTracedException | None]:
    """Rows and saved states in their order, and the failure at the end."""
    found: list[Any] = []
    try:
        for each in retriever.read():
            if not isinstance(each, StreamState):
                found.append(each)
            elif saved := each.checkpoint():
                found.append(json.dumps(saved))
    except AirbyteTracedException as error:
        return found, error
    return found, None


def rows_of(found: Sequence[Any]) -> list[Any]:
    return [each for each in found if not isinstance(each, str)]


def states_of(found: Sequence[Any]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in found if isinstance(each, str)]


def failing(*bad: int, error: Exception | None = None) -> Callable[[date], Rows]:
    def of_day(day: date) -> Rows:
        if day.day in bad:
            raise error or transient_error(f"No answer for {day}.")
        return [usage(day)]

    return of_day
