"""Compares the time and memory of this code with those of another commit, which must know its streams.

    .venv/bin/python -m benchmarks.against main~5

Both read the same sandbox in turns, with the packages of this code. A ratio is the median of the turns' ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.latency import LATENCY, TEN_YEARS, YEAR
from benchmarks.measure import CONNECTOR, REPOSITORY, Reading, Run, in_turns, ratio, run
from integration_tests.sandbox.client import Sandbox

ROUNDS = 7
FIGURES = ("cpu", "wall", "peak_mb")
READS = {
    "a year of analytics_by_country": (["analytics_by_country"], YEAR),
    "ten years of analytics_by_country": (["analytics_by_country"], TEN_YEARS),
    "ten years of consumption": (["consumption"], TEN_YEARS),
    "ten years of analytics": (["analytics"], TEN_YEARS),
    "three days of all": (["balance", "analytics", "analytics_by_country", "credits", "consumption"], 3),
}
WORKERS = 8


def main(ref: str) -> None:
    git = ("git", "-C", str(REPOSITORY), "worktree")
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder, "other")
        subprocess.run([*git, "add", "--quiet", "--detach", other, ref], check=True)
        try:
            compare(ref, other, Path(folder))
        finally:
            subprocess.run([*git, "remove", "--force", other], check=True)


def compare(ref: str, other: Path, folder: Path) -> None:
    """Prints what each command takes here, and how many times what it takes there."""
    print(f"| Command | CPU | Times {ref}'s | Wall | Times | Peak | Times |\n|---|---|---|---|---|---|---|")
    with Sandbox() as at_once, Sandbox(latency=LATENCY) as late:
        commands: dict[str, Callable[[Path], Run]] = {
            "spec": lambda source: run([*CONNECTOR, "spec"], folder / "output.jsonl", source)
        }
        for name, (streams, days) in READS.items():
            commands[name] = partial(read, at_once, folder, streams, days)
        commands["a year of analytics_by_country, 100 ms late"] = partial(
            read, late, folder, ["analytics_by_country"], YEAR
        )
        for name, command in commands.items():
            runs = in_turns(ROUNDS, {"there": partial(command, other), "here": partial(command, REPOSITORY)})
            cells = []
            for figure in FIGURES:
                here, there = ([getattr(one, figure) for one in runs[where]] for where in ("here", "there"))
                cells.append(f"{statistics.median(here):.2f} | {ratio(here, there):.3f}")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def read(sandbox: Sandbox, folder: Path, streams: list[str], days: int, source: Path) -> Run:
    return Reading(sandbox, folder, source)(streams, days, WORKERS, rate=1_000_000)


if __name__ == "__main__":
    main(*sys.argv[1:])
