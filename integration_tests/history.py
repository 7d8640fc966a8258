"""Histories of an account: when it is synced, and what happens between and during the syncs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .contract import Contract, Tables
from .sandbox.settings import Settings


@dataclass(frozen=True)
class Kill:
    """The last record of a sync that reaches the destination: the n-th of a stream's day, from 1; 0 = none of it."""

    stream: str
    day: str
    record: int
    keeps_unconfirmed: bool
    """Whether the destination keeps the records that came after the last state of their stream."""
    lost_states: int = 0
    """So many of the last states of each stream are not saved, although the records before them are kept."""


@dataclass(frozen=True)
class Step:
    """One sync, and what the providers came to say since the one before."""

    day: str
    corrections: tuple[Mapping[str, Any], ...] = ()
    fails_on: tuple[str, str] | None = None
    """A stream and a day that the provider refuses to answer meanwhile."""
    killed_after: Kill | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the connector that are other ones from this sync on; None = as without it."""
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """Knobs of the sandbox during this sync alone."""

    def __repr__(self) -> str:
        """As it is written in an example."""
        made = "".join(f"{_call(each)}, " for each in self.corrections)
        mishaps = {
            "fails_on": self.fails_on,
            "killed_after": self.killed_after,
            "settings": self.settings,
            "knobs": self.knobs,
        }
        given = [repr(self.day), f"({made.rstrip()})"] if made else [repr(self.day)]
        return f"Step({', '.join([*given, *(f'{name}={value}' for name, value in mishaps.items() if value)])})"


@dataclass(frozen=True)
class History:
    """The syncs of one connection, in order."""

    start_date: str
    lookback_days: int
    steps: tuple[Step, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The connector's other settings."""
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """How the providers' servers are, at all syncs."""

    def __repr__(self) -> str:
        """A line a sync."""
        steps = "".join(f"\n    {step}," for step in self.steps)
        return (
            f"History({self.start_date!r}, {self.lookback_days}, "
            f"settings={self.settings}, knobs={self.knobs}, steps=({steps}\n))"
        )

    def config_at(self, number: int) -> dict[str, Any]:
        """What of a connector config the history says at the sync of that number, from 0."""
        config = {"start_date": self.start_date, "lookback_days": self.lookback_days, **self.settings}
        for step in self.steps[: number + 1]:
            config |= step.settings
        return {name: value for name, value in config.items() if value is not None}

    def knobs_at(self, number: int) -> dict[str, Any]:
        """The sandbox as it is at the sync of that number, from 0."""
        step = self.steps[number]
        corrections = [correction for each in self.steps[: number + 1] for correction in each.corrections]
        return {"today": step.day, "corrections": corrections, **REPORTS_EVERY_DAY, **self.knobs, **step.knobs}


REPORTS_EVERY_DAY: Mapping[str, Any] = {"seven_days_reported": 0, "seven_days_left_out": []}


def expected_tables(history: History, sandbox: Settings) -> list[Tables]:
    """The tables after each sync of a history in which every sync succeeds."""
    contract, tables = Contract(history.config_at(0)), [{}]
    for number, step in enumerate(history.steps):
        due = contract.due(date.fromisoformat(step.day))
        knobs, config = history.knobs_at(number), history.config_at(number)
        contract.took(sandbox.with_knobs(knobs), tables[-1], due, config=config)
        tables.append(contract.tables())
    return tables[1:]


def seven(kind: str, **what: Any) -> dict[str, Any]:
    """A correction of seven.io."""
    return {"provider": "seven", "kind": kind, **what}


def smsfactor(kind: str, **what: Any) -> dict[str, Any]:
    """A correction of SMSFactor."""
    return {"provider": "smsfactor", "kind": kind, **what}


def _call(correction: Mapping[str, Any]) -> str:
    what = "".join(f", {name}={value!r}" for name, value in correction.items() if name not in ("provider", "kind"))
    return f"{correction['provider']}({correction['kind']!r}{what})"


THREE_WEEKS = History(
    start_date="2026-03-01",
    lookback_days=3,
    steps=(
        Step("2026-03-10", (
            smsfactor("scale", day="2026-03-09", percent=0),
            smsfactor("add", day="2026-03-09", account="2001", country="FR", messages=6),
            smsfactor("add", day="2026-03-09", account="2001", country="", messages=4),
        )),
        Step("2026-03-17", (
            seven("scale", day="2026-03-09", percent=130),
            seven("move", day="2026-03-08", field="country", old="", new="FR"),
            seven("move", day="2026-03-09", field="label", old="otp", new=""),
            smsfactor("move", day="2026-03-09", field="country", old="", new="BE"),
            smsfactor("scale", day="2026-03-08", percent=0),
        )),
        Step("2026-03-24", (
            seven("scale", day="2026-03-16", percent=0),
            seven("rename", account="5310422", name="Filiale Nord"),
            smsfactor("move", day="2026-03-15", field="account", old="2002", new="1001"),
            smsfactor("delete", account="2003"),
        )),
        Step("2026-03-31", (
            seven("add", day="2026-03-23", account="", label="new", country="ES", messages=5),
            seven("delete", account="5310421", totals="kept"),
            smsfactor("scale", day="2026-03-22", percent=200),
        )),
    ),
)  # fmt: skip
"""Weekly syncs, each of which finds corrected what the one before it read last."""
