"""How many requests a sync sends, as the server counts them. Always the same: the day and the figures are fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.measure import DAY, Reading, messages
from integration_tests.image.container import last_states
from integration_tests.sandbox import world
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import DAILY, SUGGESTED

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
TODAY = NOW.date()
YEAR, LOOKBACK = 365, 3


def measure(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for activity in ("busy", "weekday", "dormant"):
        with Sandbox(today=str(TODAY), activity=activity) as sandbox:
            read = Reading(sandbox, folder)
            state: list[dict[str, Any]] = []
            for sync, days in (("first year", YEAR), ("each day", LOOKBACK)):
                sandbox.clear_requests()
                done = read(SUGGESTED, YEAR, state=state, moment=NOW)
                state = last_states(message for message in messages(done.output) if message["type"] == "STATE")
                span = [TODAY - n * DAY for n in range(days, 0, -1)]
                rows.append({"activity": activity, "sync": sync, **counts(sandbox, span)})
    return rows


def counts(sandbox: Sandbox, days: Sequence[date]) -> dict[str, Any]:
    """What the server saw, beside what the formula says and what reading each day of each stream would take."""
    settings, asked = sandbox.settings(), len(sandbox.requests())
    used = sum(bool(world.seven_cells(settings, day, TODAY)) for day in days)
    silent = [not any(account.total for account in world.smsfactor_day(settings, day, TODAY)) for day in days]
    formula = 3 + math.ceil(len(days) / 365) + 3 * used + len(days)
    if asked != formula:
        raise AssertionError(f"{asked} requests were sent, the formula says {formula}.")
    return {
        "days": len(days),
        "days_with_usage": used,
        "requests": asked,
        "naive": 3 + len({*DAILY} & {*SUGGESTED}) * len(days),
        "smsfactor": len(days),
        "smsfactor_by_halves": by_halves(silent),
        "smsfactor_known_before": sum(not still for still in silent) + spans(silent),
    }


def spans(silent: Sequence[bool]) -> int:
    """Into how many unbroken spans the silent days fall."""
    return sum(still and (n == 0 or not silent[n - 1]) for n, still in enumerate(silent))


def by_halves(silent: Sequence[bool]) -> int:
    """Requests if a span is asked as one, and halved as long as its total is not 0."""
    if len(silent) <= 1 or all(silent):
        return min(1, len(silent))
    half = len(silent) // 2
    return 1 + by_halves(silent[:half]) + by_halves(silent[half:])
