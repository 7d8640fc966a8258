from __future__ import annotations

import json
from pathlib import Path

import pytest

from source_sms_providers.schema_loader import TopLevelSchemaLoader
from source_sms_providers.source import MANIFEST


def schema_of_balance(folder: Path):
    return TopLevelSchemaLoader(stream="balance", config={"_folder": folder}, parameters={}).get_json_schema()


def test_given_a_checkout_when_loaded_then_the_schema_comes_from_beside_the_package(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert schema_of_balance(MANIFEST.parent)["title"] == "balance"


@pytest.mark.parametrize("folder", ["package/schemas", "schemas"])
def test_given_a_schemas_folder_in_or_beside_the_package_then_it_is_found(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "balance.json").write_text(json.dumps({"title": "Übersicht"}), encoding="utf-8")

    assert schema_of_balance(tmp_path / "package") == {"title": "Übersicht"}
