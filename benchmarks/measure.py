"""Runs a command and says what it took. All that is compared is measured in one run, turn by turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import configured_catalog

REPOSITORY = Path(__file__).parent.parent
CONNECTOR = (sys.executable, "-m", "source_sms_providers")
OTHERS_PYTHON = REPOSITORY / ".venv-bench" / "bin" / "python"
"""Has dlt and the Singer SDK, which do not fit beside the CDK."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Run:
    """What one process took, from its start to its end."""

    wall: float
    cpu: float
    """Seconds of both its own and the system's work: what waits for the network or the other core is not in it."""
    peak_mb: float
    output: Path


def run(command: Sequence[str | Path], output: Path, folder: Path = REPOSITORY) -> Run:
    """Runs a command in a folder, with its output in a file; raises RuntimeError if it fails."""
    # Without the site's packages the launcher is smaller than all that it starts.
    launch = (sys.executable, "-IS", Path(__file__).with_name("launch.py"), output, *command)
    done = subprocess.run([str(part) for part in launch], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[2:5]} failed:\n{done.stderr[-2000:]}")
    return Run(**json.loads(done.stdout), output=output)


def in_turns(rounds: int, subjects: Mapping[str, Callable[[], Run]]) -> dict[str, list[Run]]:
    """Each subject once a round, so that what else the machine does hits all of them alike."""
    runs: dict[str, list[Run]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            runs[name].append(subject())
    return runs


def ratio(above: Iterable[float], below: Iterable[float]) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def today() -> date:
    return datetime.now(timezone.utc).date()


@dataclass(frozen=True)
class Reading:
    """The connector's command over some streams and days, against a sandbox; `source` is the folder of its code."""

    sandbox: Sandbox
    folder: Path
    source: Path = REPOSITORY

    def __call__(
        self,
        streams: Sequence[str],
        days: int,
        workers: int = 8,
        state: Iterable[Mapping[str, Any]] = (),
        moment: datetime | None = None,
        rate: float | None = None,
    ) -> Run:
        """Reads the days before today; `moment` is when the connector believes to run, and without a `rate` it
        asks at a user's.
        """
        first = (moment.date() if moment else today()) - days * DAY
        files = {
            "config": self.sandbox.config(start_date=str(first), num_workers=workers, requests_per_second=rate),
            "catalog": configured_catalog(streams),
            "state": list(state),
        }
        for name, content in files.items():
            (self.folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        options = [part for name in files for part in (f"--{name}", self.folder / f"{name}.json")]
        at = (sys.executable, "-m", "integration_tests.at", moment.strftime("%Y-%m-%dT%H:%M")) if moment else CONNECTOR
        return run([*at, "read", *options], self.folder / "output.jsonl", self.source)


def messages(output: Path) -> Iterable[dict[str, Any]]:
    with output.open("rb") as lines:
        for line in lines:
            yield json.loads(line)
