"""BigQuery's own analyzer finds nothing wrong in any compiled model or test. Nothing is run."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from zetasql.api import Analyzer, CatalogBuilder, TableBuilder
from zetasql.types import AnalyzerOptions, LanguageOptions, TypeKind, ZetaSQLBuiltinFunctionOptions

from dbt_sms_spend.engine_tests import engines

# As Airbyte's destination types them.
TYPES = {
    "text": TypeKind.TYPE_STRING,
    "date": TypeKind.TYPE_DATE,
    "time": TypeKind.TYPE_TIMESTAMP,
    "integer": TypeKind.TYPE_INT64,
    "number": TypeKind.TYPE_NUMERIC,
    "boolean": TypeKind.TYPE_BOOL,
    "list": TypeKind.TYPE_JSON,
}
SEED = {
    "valid_from": TypeKind.TYPE_DATE,
    "month": TypeKind.TYPE_DATE,
    "price": TypeKind.TYPE_NUMERIC,
    "amount": TypeKind.TYPE_NUMERIC,
}


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bigquery")
    project = engines.package(folder)
    done = engines.dbt(folder, project, "bigquery", "compile", "--no-introspect", "--no-populate-cache")
    assert done.returncode == 0, done.stdout
    manifest: dict[str, Any] = json.loads((folder / "target/manifest.json").read_text(encoding="utf-8"))
    return manifest


def test_every_model_and_test_is_sql_of_bigquery(compiled: dict[str, Any]) -> None:
    tables = {}
    for source in compiled["sources"].values():
        tables[source["name"]] = columns_of_stream(source["name"])
    for seed in (node for node in compiled["nodes"].values() if node["resource_type"] == "seed"):
        tables[seed["name"]] = {name: SEED.get(name, TypeKind.TYPE_STRING) for name in seed["columns"]}
    wrong = {}
    for node in in_order(compiled["nodes"]):
        try:
            statement = analyzer(tables).analyze_statement(plain(node["compiled_code"]))
        except Exception as error:
            wrong[node["name"]] = str(error)
            continue
        if node["resource_type"] == "model":
            tables[node["name"]] = {
                column.name: column.column.type.type_kind for column in statement.output_column_list
            }
    assert wrong == {}


def columns_of_stream(stream: str) -> dict[str, Any]:
    properties = json.loads((engines.SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))["properties"]
    columns = {name: TYPES[engines.kind_of(spec)] for name, spec in properties.items()}
    return {**columns, "_airbyte_extracted_at": TypeKind.TYPE_TIMESTAMP}


def analyzer(tables: dict[str, dict[str, Any]]) -> Analyzer:
    language = LanguageOptions.maximum_features()
    catalog = CatalogBuilder("warehouse")
    for name, columns in tables.items():
        table = TableBuilder(name)
        for column, kind in columns.items():
            table = table.add_column(column, kind)
        catalog = catalog.add_table(table.build())
    built = catalog.with_builtin_functions(ZetaSQLBuiltinFunctionOptions(language_options=language)).build()
    return Analyzer(AnalyzerOptions(language_options=language), built)


def plain(sql: str) -> str:
    """Without the project and the data set of the tables."""
    return re.sub(r"`project`\.`\w+`\.`(\w+)`", r"`\1`", sql)


def in_order(nodes: dict[str, Any]) -> list[Any]:
    """Models after those that they need, then the tests."""
    found: dict[str, Any] = {}

    def add(name: str) -> None:
        if name in nodes and name not in found:
            for needed in nodes[name]["depends_on"].get("nodes", []):
                add(needed)
            found[name] = nodes[name]

    for name in sorted(nodes, key=lambda name: not name.startswith("model.")):
        if name.startswith(("model.", "test.")):
            add(name)
    # The tests of single columns come with dbt.
    columns = ("not_null_", "accepted_values_", "unique_sms")
    kinds = ("model", "test")
    return [node for node in found.values() if node["resource_type"] in kinds and not node["name"].startswith(columns)]
