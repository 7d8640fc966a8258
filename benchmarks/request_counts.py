"""How many requests a sync sends, as the server counts them, and how long it takes.

The counts are always the same: the day and the figures are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.latency import LATENCY
from benchmarks.measure import DAY, Reading, messages
from integration_tests.image.container import last_states
from integration_tests.sandbox import world
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import Settings
from integration_tests.streams import DAILY, GROUPED, SUGGESTED

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
TODAY = NOW.date()
YEAR, LOOKBACK = 365, 3
ACCOUNTS: dict[str, dict[str, Any]] = {
    "one group each": {"seven_groups": "one"},
    "busy": {},
    "weekdays only": {"activity": "weekday"},
    "one season": {"activity": "seasonal"},
    "opened mid-year": {"account_opened": "2025-09-01"},
    "dormant": {"activity": "dormant"},
}
GROUPS: Sequence[Callable[[world.SevenCell], Hashable]] = (
    lambda cell: cell.country,
    lambda cell: cell.label,
    lambda cell: cell.account,
)


def measure(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for account, knobs in ACCOUNTS.items():
        with Sandbox(today=str(TODAY), latency=LATENCY, **knobs) as sandbox:
            read = Reading(sandbox, folder)
            state: list[dict[str, Any]] = []
            for sync, days in (("first year", YEAR), ("each day", LOOKBACK)):
                sandbox.clear_requests()
                done = read(SUGGESTED, YEAR, state=state, moment=NOW)
                state = last_states(message for message in messages(done.output) if message["type"] == "STATE")
                span = [TODAY - n * DAY for n in range(days, 0, -1)]
                asked = len(sandbox.requests())
                told = {"account": account, "sync": sync, "requests": asked, "seconds": done.wall}
                rows.append({**told, **counts(sandbox.settings(), span)})
    return rows


def counts(settings: Settings, days: Sequence[date]) -> dict[str, Any]:
    """What the same days take if each is asked for alone, and what they took if all figures were known before."""
    cells = [world.seven_cells(settings, day, TODAY) for day in days]
    others = 3 + math.ceil(len(days) / 365)
    used = sum(map(bool, cells))
    floor_of_seven = sum(fewest([{group(cell) for cell in of_day} for of_day in cells if of_day]) for group in GROUPS)
    return {
        "days": len(days),
        "days_with_usage": used,
        "naive": 3 + len({*DAILY} & {*SUGGESTED}) * len(days),
        "day_by_day": others + len(GROUPED) * used + len(days),
        "floor": others + floor_of_seven + len(days),
    }


def fewest(groups_of_days: Sequence[set[Hashable]]) -> int:
    """One request for days in a row that have one group and the same, and one for each day with several."""
    runs = groupby(groups_of_days, key=lambda groups: groups if len(groups) == 1 else None)
    return sum(1 if alone else len(list(run)) for alone, run in runs)
