"""How long a user waits for a sync, from the command to its end, beside other means; and what memory ten years take."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cpu import OTHERS, other
from benchmarks.latency import LATENCY, MONTH, TEN_YEARS, YEAR
from benchmarks.measure import Reading, in_turns
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import SUGGESTED

ROUNDS = 3
WORKERS = 8
STREAM = "analytics_by_country"
DAYS = (YEAR, 3)
BUSY, ONE_COUNTRY = "this connector", "this connector, an account of one country"
PROGRAMS = ("stock", "dlt_pipeline", "singer_tap")
"""They ask for each day, whatever the account."""


def measure(folder: Path) -> list[dict[str, Any]]:
    with Sandbox(latency=LATENCY) as busy, Sandbox(latency=LATENCY, seven_groups="one") as of_one_country:
        subjects = {}
        for days in DAYS:
            for name, sandbox in ((BUSY, busy), (ONE_COUNTRY, of_one_country)):
                subjects[name, days] = partial(Reading(sandbox, folder), [STREAM], days, WORKERS)
            for name in PROGRAMS:
                subjects[name, days] = partial(other, name, OTHERS[name], STREAM, busy, folder, days, WORKERS)
        names = {f"{name} {days}": (name, days) for name, days in subjects}
        runs = in_turns(ROUNDS, {text: subjects[pair] for text, pair in names.items()})
    return [
        {"program": name, "days": days, "seconds": statistics.median(run.wall for run in runs[text])}
        for text, (name, days) in names.items()
    ]


def measure_memory(folder: Path) -> dict[str, float]:
    """Days -> the peak of a read of all streams, in MB. As quick as it goes: what waits for the writer counts too."""
    with Sandbox() as sandbox:
        read = partial(Reading(sandbox, folder), SUGGESTED, workers=WORKERS, rate=1_000_000)
        runs = in_turns(ROUNDS, {str(days): partial(read, days=days) for days in (MONTH, TEN_YEARS)})
    return {days: statistics.median(run.peak_mb for run in of_days) for days, of_days in runs.items()}
