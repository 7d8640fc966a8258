"""How long a user waits for a sync, from the command to its end, beside other means; and what memory ten years take."""

from __future__ import annotations

import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cpu import CDK, OTHERS, other
from benchmarks.latency import LATENCY, MONTH, TEN_YEARS, YEAR
from benchmarks.measure import Reading, in_turns
from benchmarks.request_counts import ACCOUNTS as KNOBS
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import DAILY, SUGGESTED

ROUNDS = 3
WORKERS = 8
STREAM = "analytics_by_country"
DAILY_SYNC = 3
TURNS = {DAILY_SYNC: 9, YEAR: ROUNDS}
"""Days -> how often each program reads them. A second more or less counts where all takes one."""
ACCOUNTS = ("busy", "one group each")
PROGRAMS = {"connector": WORKERS, "stock": WORKERS, "dlt_pipeline": WORKERS, "singer_tap": 1}
"""Program -> its workers: the Singer SDK has no more."""


def measure(folder: Path) -> list[dict[str, Any]]:
    """Each program on each account."""
    found = []
    for account in ACCOUNTS:
        with Sandbox(latency=LATENCY, **KNOBS[account]) as sandbox:
            for days, turns in TURNS.items():
                subjects = {
                    name: partial(Reading(sandbox, folder), [STREAM], days, WORKERS)
                    if name == "connector"
                    else partial(other, name, OTHERS[name], STREAM, sandbox, folder, days, WORKERS)
                    for name in PROGRAMS
                }
                for name, runs in in_turns(turns, subjects).items():
                    seconds = statistics.median(run.wall for run in runs)
                    found.append({"account": account, "program": name, "days": days, "seconds": seconds})
    return found


def measure_memory(folder: Path) -> dict[str, dict[str, float]]:
    """Program -> days -> its peak in MB: a read of all streams, as quick as it goes, and the CDK alone with as many
    windows in one stream. What waits for the writer counts too.
    """
    daily = len({*DAILY} & {*SUGGESTED}) - 1
    with Sandbox() as sandbox:
        read = partial(Reading(sandbox, folder), SUGGESTED, workers=WORKERS, rate=1_000_000)
        subjects = {("connector", days): partial(read, days=days) for days in (MONTH, TEN_YEARS)}
        for days in (MONTH, TEN_YEARS):
            alone = partial(other, CDK, sys.executable, STREAM, sandbox, folder, daily * days, WORKERS)
            subjects["cdk_alone", days] = alone
        names = {f"{name} {days}": (name, days) for name, days in subjects}
        runs = in_turns(ROUNDS, {text: subjects[pair] for text, pair in names.items()})
    found: dict[str, dict[str, float]] = {}
    for text, (name, days) in names.items():
        found.setdefault(name, {})[str(days)] = statistics.median(run.peak_mb for run in runs[text])
    return found
