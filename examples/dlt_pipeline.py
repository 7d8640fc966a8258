"""Loads with dlt what is new or corrected, here into DuckDB. After `make .venv-pyairbyte/orchestrators`:

    AIRBYTE_OFFLINE_MODE=1 DO_NOT_TRACK=1 .venv-pyairbyte/bin/python -m examples.dlt_pipeline

PyAirbyte's cache keeps the connector's state, dlt's incremental says which of its rows are new.
"""

from __future__ import annotations

import json
from typing import Any

import airbyte as ab
import dlt
from airbyte.caches import DuckDBCache

from examples.sync_to_duckdb import CONFIG, CONNECTOR, REPOSITORY

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


if __name__ == "__main__":
    state, database = REPOSITORY / ".cache/dlt", dlt.destinations.duckdb(str(REPOSITORY / "sms_providers_dlt.duckdb"))
    pipeline = dlt.pipeline("sms_providers", str(state), destination=database, dataset_name="sms_providers")
    print(pipeline.run(sms_providers(json.loads(CONFIG.read_text(encoding="utf-8")))))
