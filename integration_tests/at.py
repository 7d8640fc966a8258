"""Commands at another moment: `python -m integration_tests.at 2026-03-10T12:00 read --config …` is the connector's."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone

import time_machine
from airbyte_cdk.cli import source_declarative_manifest

from source_sms_providers.run import run


def run_at(moment: str) -> None:
    """Runs the command of `sys.argv` as if it were that moment in UTC, `2026-03-10T12:00`."""
    with _travel(moment):
        run()


def run_manifest_at(moment: str) -> None:
    """The same of the CDK's `source-declarative-manifest`, which does not wait before it asks again."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.01))
    with _travel(moment):
        source_declarative_manifest.run()


def _travel(moment: str) -> time_machine.travel:
    return time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc))


if __name__ == "__main__":
    run_at(sys.argv.pop(1))
