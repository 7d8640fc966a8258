"""How near a read comes to "requests × latency ÷ workers", as the server sees it, and what memory it takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.cpu import other
from benchmarks.measure import Reading
from integration_tests.sandbox.client import Sandbox

LATENCY = 0.1
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
    rows = []
    with Sandbox(latency=LATENCY) as sandbox:
        read = Reading(sandbox, folder)
        for stream, days, workers in READS:
            sandbox.clear_requests()
            if stream == BARE:
                done = other(BARE, sys.executable, "analytics_by_country", sandbox, folder, days, workers)
            else:
                done = read([stream], days, workers)
            log = sandbox.requests()
            took = max(entry["finished"] for entry in log) - min(entry["started"] for entry in log)
            ideal = len(log) * LATENCY / workers
            rows.append(
                {
                    "stream": stream,
                    "days": days,
                    "workers": workers,
                    "requests": len(log),
                    "seconds": took,
                    "ratio": took / ideal,
                    "most_at_once": max(entry["parallel"] for entry in log),
                    "cpu": done.cpu,
                    "peak_mb": done.peak_mb,
                }
            )
    return rows
