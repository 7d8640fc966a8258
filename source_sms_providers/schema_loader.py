import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Any

from airbyte_cdk.sources.declarative.schema import SchemaLoader

PACKAGE = Path(__file__).parent


@dataclass
class TopLevelSchemaLoader(SchemaLoader):
    """Loads `schemas/<stream>.json`, which stands beside the package in a checkout and an editable
    install and inside it in a wheel and in the image. The CDK's own loader reaches only what is
    inside an importable package.
    """

    stream: str
    parameters: InitVar[Mapping[str, Any]]

    def get_json_schema(self) -> Mapping[str, Any]:
        folder = next(folder for folder in (PACKAGE / "schemas", PACKAGE.parent / "schemas") if folder.is_dir())
        schema: Mapping[str, Any] = json.loads((folder / f"{self.stream}.json").read_text(encoding="utf-8"))
        return schema
