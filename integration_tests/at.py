"""The connector's command at another moment: `python -m integration_tests.at 2026-03-10T12:00 read --config …`."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import time_machine

from source_sms_providers.run import run

if __name__ == "__main__":
    moment = datetime.fromisoformat(sys.argv.pop(1)).replace(tzinfo=timezone.utc)
    with time_machine.travel(moment):
        run()
