"""The CDK without a line of Python of one's own: `stock.yaml` run as Airbyte runs a manifest."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource

from benchmarks.others.arguments import KEY, arguments

MANIFEST = Path(__file__).with_name("stock.yaml")


def main() -> None:
    asked = arguments()
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
        source = YamlDeclarativeSource(
            path_to_yaml=str(MANIFEST.resolve()),
            config=YamlDeclarativeSource.read_config(named["config"]),
            catalog=YamlDeclarativeSource.read_catalog(named["catalog"]),
            state=[],
        )
        launch(source, ["read", "--config", named["config"], "--catalog", named["catalog"]])


if __name__ == "__main__":
    main()
