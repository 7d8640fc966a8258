"""Whatever a label holds arrives through PyAirbyte in DuckDB and in PostgreSQL."""

from __future__ import annotations

import json

import pytest

from integration_tests.odd_labels import EXPECTED
from integration_tests.sandbox.client import Sandbox
from integration_tests.test_labels import DAY, SILENT
from integration_tests.warehouse.conftest import empty_warehouses
from integration_tests.warehouse.warehouse import connector_at


def test_given_odd_labels_when_synced_then_each_warehouse_holds_storable_texts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("odd_labels")
    rows = [{"label": label, "sms": sms, **SILENT, "usage_eur": 0} for sms, label in enumerate(EXPECTED, start=1)]
    total = {"date": DAY, "sms": sum(row["sms"] for row in rows), **SILENT, "usage_eur": 0}
    with empty_warehouses(request, folder, "odd_labels") as warehouses, Sandbox(today="2026-03-10") as sandbox:
        sandbox.fault("body", body=json.dumps([total]), query={"group_by": "date"}, times=None)
        sandbox.fault("body", body=json.dumps(rows), query={"group_by": "label"}, times=None)
        connector = connector_at(folder, "2026-03-10T12:00")
        for warehouse in warehouses.values():
            warehouse.start_sync(connector, sandbox.config(start_date=DAY, smsfactor_api_token=""))
        for kind, warehouse in warehouses.items():
            assert "error" not in warehouse.finish_sync(), f"{kind}: {warehouse.printed()[-2000:]}"

            found = warehouse.tables()["analytics_by_label"]

            assert {row["label"]: row["sms"] for row in found} == {EXPECTED[row["label"]]: row["sms"] for row in rows}
