"""`make bench`: measures, then writes results.json, docs/performance.md and its charts.

`make bench ARGS="cpu latency"` measures these parts anew and keeps the rest; `ARGS=page` only writes the page.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import accounts, cpu, latency, page, request_counts, startup, whole_sync
from benchmarks.measure import OTHERS_PYTHON

PARTS = {
    "startup": startup.measure,
    "requests": request_counts.measure,
    "latency": latency.measure,
    "accounts": accounts.measure,
    "cpu": cpu.measure,
    "sync": whole_sync.measure,
    "memory": whole_sync.measure_memory,
}
RESULTS = Path(__file__).with_name("results.json")


def main(names: list[str]) -> None:
    if unknown := set(names) - {*PARTS, "page"}:
        sys.exit(f"There is no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}, page.")
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if names else {}
    for name in names or PARTS:
        if name == "page":
            continue
        started = time.monotonic()
        print(f"{name} …", end=" ", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            results[name] = {"machine": machine(), "found": PARTS[name](Path(folder))}
        print(f"{time.monotonic() - started:.0f} s", flush=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    page.write(results)
    print(f"Written: {page.PAGE}, {page.CHART}, {page.SYNC_CHART}")


def machine() -> dict[str, Any]:
    ask = "from importlib.metadata import version as v; print(v('dlt'), v('singer-sdk'))"
    dlt, singer = subprocess.check_output([OTHERS_PYTHON, "-c", ask], text=True).split()
    versions = {"airbyte-cdk": version("airbyte-cdk"), "dlt": dlt, "singer-sdk": singer}
    return {"python": platform.python_version(), "cores": os.cpu_count(), **versions}


if __name__ == "__main__":
    main(sys.argv[1:])
