"""What a daily sync of the usage of 1,000 accounts takes, of which some thirty were active on each day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.latency import LATENCY, one
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import BY_ACCOUNT

ACCOUNTS, LOOKBACK, WORKERS = 1000, 3, 8


def measure(folder: Path) -> list[dict[str, Any]]:
    with Sandbox(latency=LATENCY, seven_subaccounts=ACCOUNTS) as sandbox:
        return [one(sandbox, folder, BY_ACCOUNT, LOOKBACK, WORKERS)]
