from __future__ import annotations

import json

import pytest

from source_sms_providers import schema_loader
from source_sms_providers.schema_loader import TopLevelSchemaLoader


def test_given_a_checkout_when_loaded_then_the_schema_comes_from_beside_the_package(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert TopLevelSchemaLoader(stream="balance", parameters={}).get_json_schema()["title"] == "balance"


@pytest.mark.parametrize("folder", ["package/schemas", "schemas"])
def test_given_a_schemas_folder_in_or_beside_the_package_then_it_is_found(monkeypatch, tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "balance.json").write_text(json.dumps({"title": "Übersicht"}), encoding="utf-8")
    monkeypatch.setattr(schema_loader, "PACKAGE", tmp_path / "package")

    assert TopLevelSchemaLoader(stream="balance", parameters={}).get_json_schema() == {"title": "Übersicht"}
