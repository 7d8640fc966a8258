"""dlt's `rest_api` source, extract step: a parent resource of windows, and a dependent one that asks for each.

`parallelized` and the number of workers as dlt's page on performance advises; its files without compression.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
}

import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source

from benchmarks.others.arguments import HEADERS, arguments


def main() -> None:
    asked = arguments()
    os.environ["EXTRACT__WORKERS"] = str(asked.workers)
    today = str(date.today())

    @dlt.resource(selected=False)
    def windows() -> Iterator[list[dict[str, str]]]:
        for first, last in asked.windows():
            yield [{"first": str(first), "last": str(last)}]

    def dated(row: dict[str, Any]) -> dict[str, Any]:
        first = row.pop("_windows_first")
        row.setdefault("date", first)
        row["is_partial"] = row["date"] >= today
        return row

    config: RESTAPIConfig = {
        "client": {"base_url": asked.url, "headers": HEADERS, "paginator": "single_page"},
        "resources": [
            windows(),
            {
                "name": asked.stream,
                "parallelized": True,
                "include_from_parent": ["first"],
                "processing_steps": [{"map": dated}],
                "endpoint": {
                    "path": "analytics",
                    "params": asked.query("{resources.windows.first}", "{resources.windows.last}"),
                    "data_selector": "$",
                },
            },
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination="duckdb", dataset_name="bench")
        pipeline.extract(rest_api_source(config))
        files = sorted(Path(folder).rglob(f"{asked.stream}.*jsonl"))
        for file in files:
            shutil.copyfileobj(file.open("rb"), sys.stdout.buffer)


if __name__ == "__main__":
    main()
