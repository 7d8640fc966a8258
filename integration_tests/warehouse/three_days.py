"""Three days of syncs in a row: each has a new day, corrects the last two, and moves prices.

On the first day the price list lacks LATE_NETWORK, on the last EARLY_NETWORK. On the second day a first sync fails;
on the last one a second sync reads everything again, and another balance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import Settings
from integration_tests.streams import PRIMARY_KEYS
from integration_tests.warehouse.warehouse import Warehouse, connector_at

KINDS = ("duckdb", "postgres")
START = date(2026, 2, 24)
DAYS = (date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12))
NETWORKS = 2098
# All that have traffic, and two whose prices move: the whole price list would take longer and prove no more.
COUNTRIES = ["AT", "BE", "CH", "DE", "ES", "FI", "FR", "GB", "IT", "LU", "NL", "SE", "US"]
BALANCES = (9000.5, 8701.25, 8433.129)
LAST_BALANCE = 8250.75
SNAPSHOTS = ("balance", "credits", "pricing", "subaccount_balances", "subaccount_credits")
# Where the sandbox's price list holds them, and which they are.
LATE_NETWORK = ("countries.50.networks.3", ("DE", 3))
EARLY_NETWORK = ("countries.11.networks.2", ("AT", 2))

Rows = list[dict[str, Any]]


class ThreeDays:
    """`left[day][kind][stream]` is what a warehouse held after the day's sync, `types[kind][stream]` its columns."""

    def __init__(self, sandbox: Sandbox, warehouses: Mapping[str, Warehouse], folder: Path) -> None:
        self.warehouses = warehouses
        self.left: dict[date, dict[str, dict[str, Rows]]] = {}
        self.types: dict[str, dict[str, dict[str, str]]] = {}
        self.after_failure: dict[str, dict[str, Rows]] = {}
        self.failures: dict[str, str] = {}
        self.config = sandbox.config(start_date=str(START), countries=COUNTRIES, include_today=True)
        self.settings: dict[date, Settings] = {}
        self._sandbox = sandbox
        self._folder = folder

    def run(self) -> None:
        for day, balance in zip(DAYS, BALANCES, strict=True):
            self._begin(day, balance)
            connector = connector_at(self._folder, f"{day}T12:00")
            if day == DAYS[1]:
                self._fail(connector)
            self._leave_out_a_network(day)
            self._succeed(connector)
            if day == DAYS[2]:
                self._begin(day, LAST_BALANCE)
                self._leave_out_a_network(day)
                self._succeed(connector_at(self._folder, f"{day}T18:00"))
            self.left[day] = self._tables()
        self.types = {kind: warehouse.columns() for kind, warehouse in self.warehouses.items()}

    def held(self, day: date) -> dict[str, Rows]:
        """What the sandbox holds for a warehouse that was synced each day until then, this one included."""
        tables = self._records(day)
        for stream in SNAPSHOTS:
            tables[stream] = [row for each in DAYS if each <= day for row in self._records(each)[stream]]
        return tables

    def _records(self, today: date) -> dict[str, Rows]:
        records = expected_records(self.settings[today], self.config, today, START, today)
        for (_, (country, place)), absent_on in ((LATE_NETWORK, DAYS[0]), (EARLY_NETWORK, DAYS[2])):
            if today == absent_on:
                records["pricing"].remove([row for row in records["pricing"] if row["country_code"] == country][place])
        return records

    def _begin(self, day: date, balance: float) -> None:
        self._sandbox.clear_faults()
        self._sandbox.set(today=str(day), balance_amount=balance)
        self.settings[day] = self._sandbox.settings()

    def _leave_out_a_network(self, day: date) -> None:
        for (place, _), absent_on in ((LATE_NETWORK, DAYS[0]), (EARLY_NETWORK, DAYS[2])):
            if day == absent_on:
                fewer = {"countNetworks": NETWORKS - 1}
                self._sandbox.fault("edit", path="/api/pricing", delete=[place], set=fewer, times=None)

    def _succeed(self, connector: Path) -> None:
        for kind, answer in self._sync(connector).items():
            assert "error" not in answer, f"{kind}: {self.warehouses[kind].printed()[-2000:]}"

    def _fail(self, connector: Path) -> None:
        yesterday = str(DAYS[1] - timedelta(days=1))
        self._sandbox.fault(
            "status", path="/api/analytics", query={"group_by": "label", "start": yesterday}, code=403, times=None
        )
        self.failures = {kind: answer["error"] for kind, answer in self._sync(connector).items()}
        self.after_failure = self._tables()
        self._sandbox.clear_faults()

    def sync_again(self) -> dict[str, dict[str, Any]]:
        """Another sync of the last day, which changes nothing; what each warehouse answers."""
        return self._sync(connector_at(self._folder, f"{DAYS[-1]}T19:00"))

    def _sync(self, connector: Path) -> dict[str, dict[str, Any]]:
        """All warehouses at once: the most of it is waiting for the other."""
        for warehouse in self.warehouses.values():
            warehouse.start_sync(connector, self.config)
        return {kind: warehouse.finish_sync() for kind, warehouse in self.warehouses.items()}

    def _tables(self) -> dict[str, dict[str, Rows]]:
        return {kind: warehouse.tables() for kind, warehouse in self.warehouses.items()}


def in_order(rows: Iterable[Mapping[str, Any]], stream: str) -> Rows:
    """Rows as the sandbox would say them: exact numbers, lists, sorted by key, and without `retrieved_at`."""
    plain = [{name: _value(name, value) for name, value in row.items() if name != "retrieved_at"} for row in rows]
    return sorted(plain, key=lambda row: key_of(row, stream))


def key_of(row: Mapping[str, Any], stream: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in PRIMARY_KEYS[stream])


_NUMBERS = (
    *("amount", "price", "usage_eur", "credits", "consumption", "postpaid_limit"),
    *("balance", "total_usage", "auto_topup_threshold", "auto_topup_amount"),
    *("current_month_consumption", "previous_month_consumption"),
)
_LISTS = ("mncs", "features")


def _value(name: str, value: Any) -> Any:
    if name in _NUMBERS and value is not None:
        return Decimal(str(value))
    if name in _LISTS and isinstance(value, str):
        return json.loads(value)
    return value
