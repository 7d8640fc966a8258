"""Dagster assets: one table per stream, and the spend models on them, daily.

    make .venv-pyairbyte/orchestrators .venv-models/locked
    DAGSTER_DISABLE_TELEMETRY=1 .venv-pyairbyte/bin/dagster dev -m examples.dagster_assets

Reads the accounts of secrets/config.json into the schema `main`. Without that file, it starts the sandbox and reads its
invented accounts into the schema `sandbox`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

# PyAirbyte sends telemetry unless this is set before the import.
os.environ["DO_NOT_TRACK"] = "1"

import airbyte as ab
import dagster as dg
from airbyte.caches import DuckDBCache

REPOSITORY = Path(__file__).resolve().parent.parent
CONNECTOR = REPOSITORY / ".venv/bin/source-sms-providers"
CONFIG = REPOSITORY / "secrets/config.json"
DATABASE = REPOSITORY / "sms_providers.duckdb"
SANDBOX = [str(REPOSITORY / ".venv/bin/python"), "-m", "integration_tests.sandbox", "--port=0"]
STREAMS = [dg.AssetSpec(path.stem, skippable=True) for path in sorted((REPOSITORY / "schemas").glob("*.json"))]


@dg.multi_asset(specs=STREAMS)
def tables() -> Iterator[dg.MaterializeResult]:
    with settings() as (config, schema):
        source = ab.get_source("source-sms-providers", local_executable=CONNECTOR, config=config, streams="*")
        cache = DuckDBCache(db_path=DATABASE, schema_name=schema, cache_dir=REPOSITORY / ".cache")
        read = source.read(cache)
    for stream, rows in read.items():
        yield dg.MaterializeResult(asset_key=stream, metadata={"rows": len(rows)})


@dg.asset(deps=STREAMS)
def spend_models() -> None:
    subprocess.run([REPOSITORY / ".venv-models/bin/python", "-m", "examples.build_models"], cwd=REPOSITORY, check=True)


@contextlib.contextmanager
def settings() -> Iterator[tuple[dict[str, Any], str]]:
    """The settings in secrets/config.json, or those of a sandbox that runs meanwhile; and the schema of the tables."""
    if CONFIG.exists():
        yield json.loads(CONFIG.read_text(encoding="utf-8-sig")), "main"
        return
    with subprocess.Popen(SANDBOX, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split()[-1] if process.stdout else ""
            config = {
                "seven_api_key": "sandbox-seven-key-6f1d2c3b4a59",
                "seven_base_url": f"{url}/api",
                "smsfactor_api_token": "sandbox-smsfactor-token-eyJhbGciOi.J9a8b7c6",
                "smsfactor_base_url": url,
                "start_date": str(datetime.now(timezone.utc).date() - timedelta(days=30)),
            }
            yield config, "sandbox"
        finally:
            process.terminate()


EVERY_MORNING = dg.ScheduleDefinition(name="every_morning", target="*", cron_schedule="17 6 * * *")
definitions = dg.Definitions(assets=[tables, spend_models], schedules=[EVERY_MORNING])
