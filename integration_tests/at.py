"""The connector's command at another moment: `python -m integration_tests.at 2026-03-10T12:00 read --config …`."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import time_machine

from source_sms_providers.run import run


def run_at(moment: str) -> None:
    """Runs the command of `sys.argv` as if it were that moment in UTC, `2026-03-10T12:00`."""
    with time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)):
        run()


if __name__ == "__main__":
    run_at(sys.argv.pop(1))
