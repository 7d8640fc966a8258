"""What a record and a request cost in CPU, beside the same records read by other means.

Each program reads few days and many; the difference, without the start-up, is what is compared.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import DAY, OTHERS_PYTHON, Reading, Run, in_turns, ratio, run, today
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.world import COUNTERS

ROUNDS = 3
SIZES = {"analytics_by_country": (30, 1500)}
"""Stream -> few and many days. (By date all days that may be asked for are 27 requests: too few to measure.)"""
FIGURES = (*COUNTERS, "usage_eur")
OTHERS = {"stock": sys.executable, "dlt_pipeline": OTHERS_PYTHON, "singer_tap": OTHERS_PYTHON, "bare": sys.executable}
CDK = "cdk_alone"
"""Not a reader: what is left of one when nothing is asked and the records are made already."""
WORKERS = 8


def measure(folder: Path) -> list[dict[str, Any]]:
    with Sandbox() as sandbox:
        return [row for stream in SIZES for row in of_stream(stream, sandbox, folder)]


def of_stream(stream: str, sandbox: Sandbox, folder: Path) -> list[dict[str, Any]]:
    few, many = SIZES[stream]
    subjects: dict[str, Callable[[int], Run]] = {
        "connector": lambda days: Reading(sandbox, folder)([stream], days, WORKERS, rate=1_000_000)
    }
    for name, python in OTHERS.items():
        # Without latency threads would only cost the bare loop.
        workers = 1 if name == "bare" else WORKERS
        subjects[name] = partial(other, name, python, stream, sandbox, folder, workers=workers)
    found = {name: look(name, subject, many, sandbox) for name, subject in subjects.items()}
    if len({(one["records"], one["checksum"]) for one in found.values()}) != 1:
        raise AssertionError(f"The programs do not read the same records: {found}")
    subjects[CDK] = partial(other, CDK, sys.executable, stream, sandbox, folder)
    # Its cost is held against the same numbers.
    found[CDK] = found["connector"]
    sizes = {(name, days): partial(subject, days) for name, subject in subjects.items() for days in (few, many)}
    runs = in_turns(ROUNDS, {f"{name} {days}": subject for (name, days), subject in sizes.items()})

    def cost(name: str, seconds: str = "cpu") -> list[float]:
        """The rounds' seconds, `cpu` or `wall`, for the days between few and many."""
        pairs = zip(runs[f"{name} {many}"], runs[f"{name} {few}"], strict=True)
        return [getattr(large, seconds) - getattr(small, seconds) for large, small in pairs]

    share = (many - few) / many
    return [
        {
            "stream": stream,
            "program": name,
            "records": found[name]["records"],
            "requests": found[name]["requests"],
            "checksum": found[name]["checksum"],
            "records_a_second": found[name]["records"] * share / statistics.median(cost(name)),
            "ms_a_request": 1000 * statistics.median(cost(name)) / (found[name]["requests"] * share),
            "speed_of_connector": ratio(cost(name), cost("connector")),
            "speed_by_the_clock": ratio(cost(name, "wall"), cost("connector", "wall")),
            "start_seconds": statistics.median(one.cpu for one in runs[f"{name} {few}"]),
            "peak_mb": statistics.median(one.peak_mb for one in runs[f"{name} {many}"]),
        }
        for name in subjects
    ]


def other(
    name: str, python: str | Path, stream: str, sandbox: Sandbox, folder: Path, days: int, workers: int = WORKERS
) -> Run:
    options = {
        "url": sandbox.seven_base_url,
        "stream": stream,
        "first": today() - days * DAY,
        "last": today() - DAY,
        "workers": workers,
    }
    words = [word for option, value in options.items() for word in (f"--{option}", str(value))]
    return run([python, "-m", f"benchmarks.others.{name}", *words], folder / "output.jsonl")


def look(name: str, subject: Callable[[int], Run], days: int, sandbox: Sandbox) -> dict[str, Any]:
    """What a program reads: records with usage (only the connector writes a day without), and requests."""
    sandbox.clear_requests()
    count = checksum = 0
    for row in records(name, subject(days).output):
        if any(row[figure] for figure in FIGURES):
            same = {key: float(value) if key in FIGURES else value for key, value in row.items()}
            digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
            # Added up, because each program has an order of its own.
            count, checksum = count + 1, (checksum + int(digest, 16)) % 2**48
    return {"records": count, "checksum": f"{checksum:012x}", "requests": sandbox.stats()["count"]}


def records(program: str, output: Path) -> Iterable[Mapping[str, Any]]:
    with output.open("rb") as lines:
        for line in lines:
            message = json.loads(line)
            if program == "dlt_pipeline":
                yield from message
            elif message["type"] == "RECORD":
                yield message["record"] if program == "singer_tap" else message["record"]["data"]
