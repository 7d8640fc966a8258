"""Loads new and corrected rows with dlt, here into DuckDB. After `make .venv-pyairbyte/orchestrators`:

    .venv-pyairbyte/bin/python -m examples.dlt_pipeline

Reads the accounts of secrets/config.json. Without that file, it starts the sandbox and reads its invented accounts.
PyAirbyte's cache keeps the connector's state; dlt's incremental says which of its rows are new.
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
import dlt
from airbyte.caches import DuckDBCache

REPOSITORY = Path(__file__).resolve().parent.parent
CONNECTOR = REPOSITORY / ".venv/bin/source-sms-providers"
CONFIG = REPOSITORY / "secrets/config.json"
SANDBOX = [str(REPOSITORY / ".venv/bin/python"), "-m", "integration_tests.sandbox", "--port=0"]
SINCE = dlt.sources.incremental("_airbyte_extracted_at")


@dlt.source(max_table_nesting=0)
def sms_providers(config: dict[str, Any]) -> Any:
    cache = DuckDBCache(db_path=REPOSITORY / ".cache/dlt.duckdb", cache_dir=REPOSITORY / ".cache")
    source = ab.get_source("source-sms-providers", local_executable=CONNECTOR, config=config, streams="*")
    source.read(cache)

    def rows(stream: str, since: Any = SINCE) -> Any:
        yield from map(dict, cache[stream])

    for stream in source.discovered_catalog.streams:
        key = [field for [field] in stream.source_defined_primary_key]
        yield dlt.resource(rows, name=stream.name, primary_key=key, write_disposition="merge")(stream.name)


@contextlib.contextmanager
def settings() -> Iterator[dict[str, Any]]:
    """The settings in secrets/config.json, or those of a sandbox that runs meanwhile."""
    if CONFIG.exists():
        yield json.loads(CONFIG.read_text(encoding="utf-8-sig"))
        return
    print("No secrets/config.json: reading the invented accounts of the sandbox.", flush=True)
    with subprocess.Popen(SANDBOX, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split()[-1] if process.stdout else ""
            yield {
                "seven_api_key": "sandbox-seven-key-6f1d2c3b4a59",
                "seven_base_url": f"{url}/api",
                "smsfactor_api_token": "sandbox-smsfactor-token-eyJhbGciOi.J9a8b7c6",
                "smsfactor_base_url": url,
                "start_date": str(datetime.now(timezone.utc).date() - timedelta(days=30)),
            }
        finally:
            process.terminate()


if __name__ == "__main__":
    dlt.config["runtime.dlthub_telemetry"] = False
    state, database = REPOSITORY / ".cache/dlt", dlt.destinations.duckdb(str(REPOSITORY / "sms_providers_dlt.duckdb"))
    pipeline = dlt.pipeline("sms_providers", str(state), destination=database, dataset_name="sms_providers")
    with settings() as config:
        print(pipeline.run(sms_providers(config)))
