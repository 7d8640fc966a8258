"""The compiled models are in the style of .sqlfluff, and parse in the dialects of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlfluff.core import FluffConfig, Linter

from dbt_sms_spend.engine_tests import engines

STYLE = engines.PACKAGE / ".sqlfluff"


def compiled(folder: Path, target: str) -> dict[str, str]:
    """Model -> its SQL, without a look at a database."""
    done = engines.dbt(folder, engines.package(folder), target, "compile", "--no-introspect", "--no-populate-cache")
    assert done.returncode == 0, done.stdout
    nodes = json.loads((folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"].values()
    return {node["name"]: node["compiled_code"] for node in nodes if node["resource_type"] == "model"}


@pytest.mark.parametrize("dialect", ["redshift", "snowflake", "trino"])
def test_every_model_parses(tmp_path: Path, dialect: str) -> None:
    models = compiled(tmp_path, dialect)
    linter = Linter(config=FluffConfig(overrides={"dialect": dialect, "templater": "raw"}))
    wrong = {name: linter.parse_string(sql + "\n").violations for name, sql in models.items()}
    assert len(models) > 30
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_model_is_in_style(tmp_path: Path) -> None:
    linter = Linter(config=FluffConfig.from_path(str(STYLE.parent)))
    wrong = {}
    for name, sql in compiled(tmp_path, "duckdb").items():
        found = linter.lint_string(sql + "\n").violations
        if found:
            wrong[name] = [f"line {one.line_no}: {one.rule_code()} {one.desc()}" for one in found]
    assert wrong == {}
