"""Three weeks of weekly syncs, each of which finds corrected what the one before it read last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from integration_tests.history import THREE_WEEKS, expected_tables
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import SCHEMAS
from integration_tests.warehouse.three_days import Rows
from integration_tests.warehouse.warehouse import Warehouse, connector_at


class ThreeWeeks:
    """`left[number][kind][stream]` is what a warehouse held after the sync of that number, from 0."""

    def __init__(self, sandbox: Sandbox, warehouses: Mapping[str, Warehouse], folder: Path) -> None:
        self.left: list[dict[str, dict[str, Rows]]] = []
        config = sandbox.config(**THREE_WEEKS.config_at(0))
        for number, step in enumerate(THREE_WEEKS.steps):
            sandbox.set(**THREE_WEEKS.knobs_at(number))
            connector = connector_at(folder, f"{step.day}T12:00")
            for warehouse in warehouses.values():
                warehouse.start_sync(connector, config)
            for kind, warehouse in warehouses.items():
                assert "error" not in warehouse.finish_sync(), f"{kind}: {warehouse.printed()[-2000:]}"
            self.left.append({kind: warehouse.tables() for kind, warehouse in warehouses.items()})
        self._expected = expected_tables(THREE_WEEKS, sandbox.settings())

    def held(self, number: int, stream: str) -> Rows:
        """What the contract wants in a daily stream's table after the sync of that number."""
        tables = self._expected[number].items()
        columns = dict.fromkeys(json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))["properties"])
        return [{**columns, **row} for (of_stream, _), rows in tables if of_stream == stream for row in rows.values()]
