"""One warehouse behind PyAirbyte, as a process of PyAirbyte's own environment: its import takes ten seconds.

Each line of standard input is a JSON request, each line of standard output its answer: {"sync": {"connector": …,
"config": …}} reads all streams into the warehouse as a program of its own would, {"queries": ["SELECT …"]} answers
{"results": [{"columns": […], "rows": […]}]}. What PyAirbyte prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import airbyte as ab
from airbyte.caches import CacheBase, DuckDBCache, PostgresCache


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    where = json.loads(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = sync(where, **request["sync"]) if "sync" in request else query(where, request["queries"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), file=answers, flush=True)


def open_cache(where: dict[str, Any]) -> CacheBase:
    """A new one for each request: all that the next sync knows of the last one is in the warehouse."""
    folder = Path(where["cache_dir"])
    if "db_path" in where:
        return DuckDBCache(db_path=where["db_path"], schema_name=where["schema"], cache_dir=folder)
    # PyAirbyte writes the password into a URL as it is.
    server = {**where["postgres"], "password": quote(where["postgres"]["password"], safe="")}
    return PostgresCache(**server, schema_name=where["schema"], cache_dir=folder)


def sync(where: dict[str, Any], connector: str, config: dict[str, Any]) -> dict[str, Any]:
    cache = open_cache(where)
    try:
        source = ab.get_source("source-sms-providers", local_executable=connector, config=config, streams="*")
        return {"records": source.read(cache).processed_records}
    finally:
        cache.close()


def query(where: dict[str, Any], queries: list[str]) -> dict[str, Any]:
    cache = open_cache(where)
    try:
        with cache.get_sql_engine().connect() as connection:
            results = []
            for sql in queries:
                result = connection.exec_driver_sql(sql)
                results.append({"columns": list(result.keys()), "rows": [list(row) for row in result]})
            return {"results": results}
    finally:
        cache.close()


if __name__ == "__main__":
    main()
