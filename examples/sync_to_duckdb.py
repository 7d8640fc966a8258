"""Syncs all streams into sms_providers.duckdb through PyAirbyte and shows what is there: `make sync`.

Reads the accounts of secrets/config.json. Without that file, it starts the sandbox and reads its invented accounts. To
use this program elsewhere, copy it and change the paths.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

# PyAirbyte sends telemetry unless this is set before the import.
os.environ["DO_NOT_TRACK"] = "1"

import airbyte as ab
import duckdb
from airbyte import exceptions
from airbyte.caches import DuckDBCache

REPOSITORY = Path(__file__).resolve().parent.parent
CONNECTOR = REPOSITORY / ".venv/bin/source-sms-providers"
CONFIG = REPOSITORY / "secrets/config.json"
DATABASE = REPOSITORY / "sms_providers.duckdb"
SANDBOX = [str(REPOSITORY / ".venv/bin/python"), "-m", "integration_tests.sandbox", "--port=0"]
# PyAirbyte 1.0 renames it.
FAILURE = getattr(exceptions, "PyAirbyteError", None) or exceptions.AirbyteLibError


def main() -> None:
    if not CONNECTOR.exists():
        sys.exit("The connector is not installed. Run make sync.")
    with not_open_elsewhere():
        if CONFIG.exists():
            sync(settings(), schema="main")
            return
        print("No secrets/config.json: reading the invented accounts of the sandbox.", flush=True)
        with sandbox() as url:
            # In its own schema: PyAirbyte keeps one state per schema, and the real accounts need their own.
            sync(settings_of_the_sandbox(url), schema="sandbox")
            with urllib.request.urlopen(f"{url}/__sandbox/stats") as response:
                print(f"\nThe sandbox answered {json.load(response)['count']} requests.")


def sync(config: dict[str, Any], schema: str) -> None:
    start = time.monotonic()
    source = ab.get_source("source-sms-providers", local_executable=CONNECTOR, config=config)
    print("Testing the connection ...", flush=True)
    source.check()
    source.select_all_streams()
    streams = source.get_selected_streams()
    print(f"Reading {len(streams)} streams since {config.get('start_date')} ...", flush=True)
    cache = DuckDBCache(db_path=DATABASE, schema_name=schema, cache_dir=REPOSITORY / ".cache")
    read = source.read(cache)
    cache.close()
    print(f"Read {read.processed_records} records of {len(streams)} streams in {time.monotonic() - start:.0f} s.")
    with duckdb.connect(str(DATABASE), read_only=True) as database:
        database.execute(f"USE {schema}")
        report(database, streams)


def settings() -> dict[str, Any]:
    """The settings in secrets/config.json, which may start with the byte order mark of Windows editors."""
    text = CONFIG.read_text(encoding="utf-8-sig")
    if not text.strip():
        sys.exit("secrets/config.json is empty. Add your settings.")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        sys.exit(f"secrets/config.json is not valid JSON: line {error.lineno}, column {error.colno}. Correct it.")
    if not isinstance(found, dict):
        sys.exit("secrets/config.json is not a JSON object. Correct it.")
    return found


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    """The address of a sandbox that runs meanwhile."""
    with subprocess.Popen(SANDBOX, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1] if process.stdout else ""
        finally:
            process.terminate()


def settings_of_the_sandbox(url: str) -> dict[str, Any]:
    return {
        "seven_api_key": "sandbox-seven-key-6f1d2c3b4a59",
        "seven_base_url": f"{url}/api",
        "smsfactor_api_token": "sandbox-smsfactor-token-eyJhbGciOi.J9a8b7c6",
        "smsfactor_base_url": url,
        "start_date": str(datetime.now(timezone.utc).date() - timedelta(days=30)),
    }


@contextlib.contextmanager
def not_open_elsewhere() -> Iterator[None]:
    """Ends with a sentence if another program holds the database."""
    try:
        if DATABASE.exists():
            duckdb.connect(str(DATABASE)).close()
        yield
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        sys.exit(f"{DATABASE.name} is open in another program. Close that program, then try again.")


def report(database: duckdb.DuckDBPyConnection, streams: list[str]) -> None:
    dates = "count(*) AS rows, min(date) AS first_date, max(date) AS last_date"
    show(database, " UNION ALL ".join(f"SELECT '{stream}' AS stream, {dates} FROM {stream}" for stream in streams))
    if "balance" in streams:
        show(database, "SELECT date, amount::DECIMAL(18, 2) AS balance, currency FROM balance ORDER BY 1 DESC LIMIT 1")
    if "credits" in streams:
        show(database, "SELECT date, credits::DECIMAL(18, 2) AS credits FROM credits ORDER BY 1 DESC LIMIT 1")
    if "analytics" in streams:
        show(
            database, "SELECT date, usage_eur::DECIMAL(18, 2) AS usage_eur, sms FROM analytics ORDER BY 1 DESC LIMIT 7"
        )


def show(database: duckdb.DuckDBPyConnection, query: str) -> None:
    answer = database.sql(query)
    lines = [answer.columns, *([str(value) for value in row] for row in answer.fetchall())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print()
    for line in lines:
        first, *others = map(str.rjust, line, widths)
        print("  ".join([line[0].ljust(len(first)), *others]))


if __name__ == "__main__":
    try:
        main()
    except FAILURE as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
