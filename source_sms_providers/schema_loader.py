import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Any

from airbyte_cdk.sources.declarative.schema import SchemaLoader


@dataclass
class TopLevelSchemaLoader(SchemaLoader):
    """Loads `schemas/<stream>.json`, which is beside the manifest in a wheel and in the image, and one folder up in a
    checkout and an editable install. The CDK's own loader reaches only what is inside an importable package.
    """

    stream: str
    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]

    def get_json_schema(self) -> Mapping[str, Any]:
        beside: Path = self.config["_folder"]
        folder = next(folder for folder in (beside / "schemas", beside.parent / "schemas") if folder.is_dir())
        schema: Mapping[str, Any] = json.loads((folder / f"{self.stream}.json").read_text(encoding="utf-8"))
        return schema
