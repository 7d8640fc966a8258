"""Dagster assets: a table a stream, and the spend models on them, daily.

make .venv-pyairbyte/orchestrators .venv-models/locked
AIRBYTE_OFFLINE_MODE=1 DO_NOT_TRACK=1 .venv-pyairbyte/bin/dagster dev -m examples.dagster_assets
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import airbyte as ab
import dagster as dg
from airbyte.caches import DuckDBCache

from examples.sync_to_duckdb import CONFIG, CONNECTOR, DATABASE, REPOSITORY

STREAMS = [dg.AssetSpec(path.stem, skippable=True) for path in sorted((REPOSITORY / "schemas").glob("*.json"))]


@dg.multi_asset(specs=STREAMS)
def tables() -> Iterator[dg.MaterializeResult]:
    config = json.loads(CONFIG.read_text(encoding="utf-8"))
    source = ab.get_source("source-sms-providers", local_executable=CONNECTOR, config=config, streams="*")
    cache = DuckDBCache(db_path=DATABASE, schema_name="main", cache_dir=REPOSITORY / ".cache")
    for stream, rows in source.read(cache).items():
        yield dg.MaterializeResult(asset_key=stream, metadata={"rows": len(rows)})


@dg.asset(deps=STREAMS)
def spend_models() -> None:
    subprocess.run([REPOSITORY / ".venv-models/bin/python", "-m", "examples.build_models"], cwd=REPOSITORY, check=True)


EVERY_MORNING = dg.ScheduleDefinition(name="every_morning", target="*", cron_schedule="17 6 * * *")
definitions = dg.Definitions(assets=[tables, spend_models], schedules=[EVERY_MORNING])
