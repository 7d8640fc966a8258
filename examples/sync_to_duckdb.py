"""Syncs all streams into sms_providers.duckdb through PyAirbyte and shows what is there: `make sync`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import airbyte as ab
import duckdb
from airbyte.caches import DuckDBCache
from airbyte.exceptions import PyAirbyteError

from integration_tests.sandbox.client import Sandbox

REPOSITORY = Path(__file__).resolve().parent.parent
CONNECTOR = REPOSITORY / ".venv/bin/source-sms-providers"
CONFIG = REPOSITORY / "secrets/config.json"
DATABASE = REPOSITORY / "sms_providers.duckdb"


def main() -> None:
    if CONFIG.exists():
        sync(json.loads(CONFIG.read_text(encoding="utf-8")), schema="main")
        return
    print("No secrets/config.json: reading the invented accounts of the sandbox.", flush=True)
    with Sandbox() as sandbox:
        # A schema of its own: what was read from here must not count as done for the real accounts.
        sync(sandbox.config(start_date=str(sandbox.today() - timedelta(days=30))), schema="sandbox")
        print(f"\nThe sandbox answered {sandbox.stats()['count']} requests.")


def sync(config: dict[str, Any], schema: str) -> None:
    source = ab.get_source("source-sms-providers", local_executable=CONNECTOR, config=config)
    source.check()
    source.select_all_streams()
    cache = DuckDBCache(db_path=DATABASE, schema_name=schema, cache_dir=REPOSITORY / ".cache")
    source.read(cache)
    cache.close()
    with duckdb.connect(str(DATABASE), read_only=True) as database:
        database.execute(f"USE {schema}")
        report(database, source.get_selected_streams())


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
    except PyAirbyteError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
