"""What a command costs before it asks for anything."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import CONNECTOR, Run, in_turns, ratio, run
from integration_tests.sandbox.client import Sandbox

ROUNDS = 7


def measure(folder: Path) -> dict[str, Any]:
    output = folder / "output.jsonl"
    bare = (sys.executable, "-c", "import airbyte_cdk.entrypoint")
    with Sandbox() as sandbox:
        config = folder / "config.json"
        config.write_text(json.dumps(sandbox.config()), encoding="utf-8")

        def check() -> Run:
            sandbox.clear_requests()
            return run([*CONNECTOR, "check", "--config", config], output)

        run([*CONNECTOR, "spec"], output)
        runs = in_turns(
            ROUNDS,
            {
                "import": lambda: run(bare, output),
                "spec": lambda: run([*CONNECTOR, "spec"], output),
                "check": check,
            },
        )
        checked = sandbox.stats()["count"]
    cpu = {name: [one.cpu for one in of_name] for name, of_name in runs.items()}
    wall = {name: [one.wall for one in of_name] for name, of_name in runs.items()}
    return {
        "seconds": {name: statistics.median(values) for name, values in wall.items()},
        "spec_to_import": ratio(wall["spec"], wall["import"]),
        "spec_to_import_cpu": ratio(cpu["spec"], cpu["import"]),
        "check_to_spec": ratio(wall["check"], wall["spec"]),
        "check_requests": checked,
        "rounds": ROUNDS,
    }
