"""How near a read comes to "requests × latency ÷ workers", as the server sees it, and what memory it takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.cpu import other
from benchmarks.measure import Reading
from integration_tests.sandbox.client import Sandbox

LATENCY = 0.1
ROUNDS = 3
BARE = "bare"
MONTH, YEAR, TEN_YEARS = 30, 365, 3653
READS = [
    # (stream, days, workers); one worker would need more than six minutes for ten years. The bare loop shows what
    # the machine and the sandbox give at most.
    ("consumption", MONTH, 1),
    ("consumption", MONTH, 8),
    ("consumption", MONTH, 32),
    ("consumption", YEAR, 1),
    ("consumption", YEAR, 8),
    ("consumption", YEAR, 32),
    ("consumption", TEN_YEARS, 8),
    ("consumption", TEN_YEARS, 32),
    ("analytics_by_country", MONTH, 8),
    ("analytics_by_country", TEN_YEARS, 8),
    ("analytics_by_country", TEN_YEARS, 32),
    (BARE, TEN_YEARS, 8),
    (BARE, TEN_YEARS, 32),
]


def measure(folder: Path) -> list[dict[str, Any]]:
    """Each read some times, in turns; the one with the median ratio."""
    with Sandbox(latency=LATENCY) as sandbox:
        rounds = [[one(sandbox, folder, *read) for read in READS] for _ in range(ROUNDS)]
    return [sorted(runs, key=lambda run: run["ratio"])[ROUNDS // 2] for runs in zip(*rounds, strict=True)]


def one(sandbox: Sandbox, folder: Path, stream: str, days: int, workers: int) -> dict[str, Any]:
    sandbox.clear_requests()
    if stream == BARE:
        done = other(BARE, sys.executable, "analytics_by_country", sandbox, folder, days, workers)
    else:
        done = Reading(sandbox, folder)([stream], days, workers)
    log = sandbox.requests()
    took = max(entry["finished"] for entry in log) - min(entry["started"] for entry in log)
    return {
        "stream": stream,
        "days": days,
        "workers": workers,
        "requests": len(log),
        "seconds": took,
        "ratio": took / (len(log) * LATENCY / workers),
        "most_at_once": max(entry["parallel"] for entry in log),
        "cpu": done.cpu,
        "peak_mb": done.peak_mb,
    }
