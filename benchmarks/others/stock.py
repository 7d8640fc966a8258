"""The CDK without a line of Python of one's own: `stock.yaml` run as Airbyte runs a manifest."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from benchmarks.others.arguments import KEY, Arguments, arguments


def manifest() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name("stock.yaml").read_text(encoding="utf-8"))


def read(asked: Arguments, declared: dict[str, Any]) -> None:
    """Reads the stream from a source that is declared so."""
    config = {
        "seven_api_key": KEY,
        "base_url": asked.url,
        "start_date": str(asked.first),
        "last_day": str(asked.last),
        "today": str(date.today()),
        "num_workers": asked.workers,
    }
    stream = {"name": asked.stream, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    selected = {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
    with tempfile.TemporaryDirectory() as folder:
        files = {"config": config, "catalog": {"streams": [selected]}}
        for name, content in files.items():
            Path(folder, name).write_text(json.dumps(content), encoding="utf-8")
        named = {name: str(Path(folder, name)) for name in files}
        source = ConcurrentDeclarativeSource(
            source_config=declared,
            config=ConcurrentDeclarativeSource.read_config(named["config"]),
            catalog=ConcurrentDeclarativeSource.read_catalog(named["catalog"]),
            state=[],
        )
        launch(source, ["read", "--config", named["config"], "--catalog", named["catalog"]])


if __name__ == "__main__":
    read(arguments(), manifest())
