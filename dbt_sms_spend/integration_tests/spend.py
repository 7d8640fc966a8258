"""What the tests use: the connector's tables with what the sandbox's world holds, and dbt."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import duckdb

from integration_tests.expected import expected_records
from integration_tests.expected_spend import MARTS as MARTS
from integration_tests.sandbox.settings import Settings
from integration_tests.sandbox.world import COUNTERS

PACKAGE = Path(__file__).resolve().parents[1]
CONSUMER = Path(__file__).resolve().parent / "consumer"
SCHEMAS = PACKAGE.parent / "schemas"

FIRST_DAY, TODAY = datetime.date(2025, 12, 20), datetime.date(2026, 3, 12)
# Days on which a sync ran, which is when there are snapshots.
SYNCED = [TODAY - datetime.timedelta(days=age) for age in (60, 20, 7, 1, 0)]
# The first day that was read by account and country: as if that stream was selected later.
FIRST_DAY_BY_ACCOUNT = "2026-01-15"
# A day of whose accounts one was deleted before it was read, and days that were not read by account at all.
DAY_WITHOUT_AN_ACCOUNT = "2026-02-05"
DAYS_WITHOUT_ACCOUNTS = ("2026-02-20", "2026-02-21", "2026-03-07")
ACCOUNTS: dict[str, dict[str, Any]] = {
    "5310421": {"auto_topup_threshold": None, "auto_topup_amount": None},
    "2001": {"unlimited": False, "credits": 700},
    "2002": {"credits": None},
}
COUNTRIES = ["AT", "BE", "CH", "DE", "FR", "IT", "NL", "US"]

BY_ACCOUNT = "analytics_by_subaccount_and_country"
ADDED = (BY_ACCOUNT, "subaccount_balances", "subaccount_credits")
MODELS_ALONE = ("--exclude-resource-type", "test", "unit_test")
Records = dict[str, list[dict[str, Any]]]

SECONDS = 600
"""Ten times what the slowest command takes; a command that hangs fails its test."""
PARSED = "partial_parse.msgpack"
"""What dbt has parsed, in its target folder."""

# A command starts as a fork of a process that has imported dbt: two seconds less.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", __name__])


def world(**knobs: Any) -> Records:
    """Stream -> the rows of its table, today's partial ones and snapshots of SYNCED days among them.

    A network of DE is not in the first price list, one of AT not in the last two. Of seven.io's sub-accounts one is not
    topped up, one tells no balance, one had only a refund and one has left the list; of SMSFactor's one has a limit and
    one has left. What seven.io's accounts used was read later, and not on each day.
    """
    settings = Settings().with_knobs({"today": str(TODAY), **knobs})
    config = {"countries": COUNTRIES}
    records = expected_records(settings, {}, TODAY, FIRST_DAY, TODAY)
    for stream in ("balance", "credits", "pricing", "subaccount_balances", "subaccount_credits"):
        records[stream] = [row for day in SYNCED for row in expected_records(settings, config, day, day, day)[stream]]
    for country, days in (("DE", SYNCED[:1]), ("AT", SYNCED[-2:])):
        network = [row["network_name"] for row in records["pricing"] if row["country_code"] == country][1]
        records["pricing"] = [
            row
            for row in records["pricing"]
            if (row["country_code"], row["network_name"]) != (country, network) or row["date"] not in map(str, days)
        ]
    records[BY_ACCOUNT] = [
        row
        for row in records[BY_ACCOUNT]
        if row["date"] >= FIRST_DAY_BY_ACCOUNT
        and row["date"] not in DAYS_WITHOUT_ACCOUNTS
        and (row["date"], row["account_id"]) != (DAY_WITHOUT_AN_ACCOUNT, "5310422")
    ]
    for stream, gone in (("subaccount_balances", "5310423"), ("subaccount_credits", "2003")):
        records[stream] = [
            {**row, **ACCOUNTS.get(row["account_id"], {})}
            for row in records[stream]
            if (row["account_id"], row["date"]) != (gone, str(TODAY))
        ]
    for stream, more in (
        ("subaccount_balances", {"account_id": "5", "balance": None}),
        ("subaccount_balances", {"account_id": "7", "company": "Refunded", "balance": 10}),
        ("subaccount_credits", {"account_id": "6", "unlimited": None, "credits": 50}),
    ):
        records[stream].append({**records[stream][-1], **more})
    return with_a_refund(records, "7")


def with_a_refund(records: Records, account: str) -> Records:
    """An account that used nothing gets back what the main account paid."""
    paid = next(row for row in records[BY_ACCOUNT] if row["date"] == "2026-03-10" and row["account_id"] == "main")
    refund = {**paid, **dict.fromkeys(COUNTERS, 0), "account_id": account, "company": None, "is_main_account": False}
    records[BY_ACCOUNT].append({**refund, "usage_eur": -2})
    paid["usage_eur"] += 2
    return records


def with_groups_that_went_away(records: Records) -> Records:
    """As the connector writes them: a row of zeros for a group that a correction took from a day."""
    groups = dict.fromkeys(("analytics_by_country", BY_ACCOUNT, "consumption"), "country")
    groups |= {"analytics_by_label": "label", "analytics_by_subaccount": "account"}
    with_zeros = dict(records)
    for stream, group in groups.items():
        figures = dict.fromkeys((*COUNTERS, "usage_eur", "consumption"), 0)
        row = {name: figures.get(name, value) for name, value in records[stream][0].items()}
        with_zeros[stream] = [*records[stream], {**row, group: "gone"}]
    return with_zeros


def build(folder: Path, records: Records, parsed: Path | None = None) -> Spend:
    """The models of these records, with the streams of sub-accounts and the other variables as they are."""
    spend = Spend(folder, parsed)
    lay_tables(spend.database, records, "sms")
    done = spend.dbt("build", "--exclude", "tag:alert")
    assert done.returncode == 0, done.stdout
    return spend


def lay_tables(database: Path, records: Mapping[str, Iterable[Mapping[str, Any]]], schema: str) -> None:
    """Makes the tables of `records` as PyAirbyte does, and fills them."""
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for stream, rows in records.items():
            properties = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))["properties"]
            columns = {**{name: _type(spec) for name, spec in properties.items()}, "_airbyte_extracted_at": "TIMESTAMP"}
            listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            connection.execute(f"CREATE TABLE {schema}.{stream} ({listed})")
            now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
            values = [[_value(row.get(name)) for name in properties] + [now] for row in rows]
            marks = f"({', '.join('?' for _ in columns)})"
            # One statement for many rows: `executemany` takes ten times as long.
            for first in range(0, len(values), 100):
                chunk = values[first : first + 100]
                connection.execute(
                    f"INSERT INTO {schema}.{stream} VALUES {', '.join([marks] * len(chunk))}", [*chain(*chunk)]
                )


def _type(spec: Mapping[str, Any]) -> str:
    if "format" in spec:
        return {"date": "DATE", "date-time": "TIMESTAMP"}[spec["format"]]
    kind = next(one for one in [*_listed(spec["type"])] if one != "null")
    return {"string": "VARCHAR", "integer": "BIGINT", "number": "DECIMAL(38,9)", "boolean": "BOOLEAN", "array": "JSON"}[
        kind
    ]


def _listed(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    return Decimal(str(value)) if isinstance(value, float) else value


@dataclass(frozen=True)
class Spend:
    """A database with the connector's tables in `sms`, and the models in `spend`.

    `parsed` is a folder in which several of them share what dbt has parsed.
    """

    folder: Path
    parsed: Path | None = None

    @property
    def database(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def copy(self, folder: Path) -> Spend:
        """Another one with the same tables and models."""
        folder.mkdir(exist_ok=True)
        shutil.copy(self.database, folder)
        return Spend(folder, self.parsed)

    def change(self, *statements: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            answer = connection.sql(query)
            return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]

    def dbt(self, *command: str, project: Path = PACKAGE, **variables: Any) -> subprocess.CompletedProcess[str]:
        # Another project says for itself which streams are added.
        added = {"streams_added": ADDED} if project == PACKAGE else {}
        given = {"sms_schema": "sms", "sms_today": str(TODAY), **added, **variables}
        arguments = ["--no-use-colors", *command, f"--project-dir={project}", f"--profiles-dir={PACKAGE}"]
        if command != ("deps",):
            arguments.append(f"--vars={json.dumps(given)}")
        environment = {
            # Relative, so that a copy need not be parsed anew.
            "SMS_SPEND_DUCKDB": self.database.name,
            "SMS_SPEND_SCHEMA": "spend",
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }
        if self.parsed is None or project != PACKAGE:
            return forked(self.folder, arguments, environment)
        own = self.folder / "target" / PARSED
        shared = self.parsed / hashlib.sha256(json.dumps(given).encode()).hexdigest()
        if shared.exists():
            own.parent.mkdir(exist_ok=True)
            shutil.copy(shared, own)
        done = forked(self.folder, arguments, environment)
        if own.exists() and not shared.exists():
            whole = shared.with_suffix(f".{os.getpid()}")
            shutil.copy(own, whole)
            whole.replace(shared)
        return done

    def red(self) -> set[str]:
        """The names of the tests that failed in the last run."""
        return self._with_status("fail", "error")

    def warned(self) -> set[str]:
        return self._with_status("warn")

    def skipped(self) -> set[str]:
        """The names of the tests and models that were skipped in the last run."""
        return self._with_status("skipped")

    def _with_status(self, *statuses: str) -> set[str]:
        results = json.loads((self.folder / "target/run_results.json").read_text(encoding="utf-8"))["results"]
        return {name_of(one["unique_id"]) for one in results if one["status"] in statuses}

    def models(self) -> dict[str, str]:
        """The package's models, and whether each is a VIEW or a TABLE."""
        nodes = json.loads((self.folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"].values()
        return {
            node["name"]: node["config"]["materialized"].upper() for node in nodes if node["resource_type"] == "model"
        }

    def seeds(self) -> list[str]:
        nodes = json.loads((self.folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"].values()
        return [node["name"] for node in nodes if node["resource_type"] == "seed"]

    def tests(self, kind: str) -> list[dict[str, Any]]:
        """The tests of a generic one, as the manifest has them."""
        nodes = json.loads((self.folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"].values()
        return [node for node in nodes if (node.get("test_metadata") or {}).get("name") == kind]

    def all_tests(self) -> set[str]:
        nodes = json.loads((self.folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"]
        return {name_of(name) for name in nodes if name.startswith("test.")}


def forked(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """dbt with these arguments, started in `folder`."""
    output = folder / "output"
    process = _FORKS.Process(target=_dbt, args=(folder, arguments, {**os.environ, **environment}, output))
    # A fork would import the main module again, which is pytest, or the page that a test looks at.
    with mock.patch.dict(sys.modules, {"__main__": ModuleType("__main__")}):
        process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"dbt did not end within {SECONDS} seconds: {arguments}")
    return subprocess.CompletedProcess(arguments, process.exitcode, output.read_text(encoding="utf-8"))


def _dbt(folder: Path, arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with output.open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        cli(arguments, prog_name="dbt")
    finally:
        # A process that multiprocessing ends runs no exit handlers: the rest would stay in the file's log.
        DuckDBConnectionManager.close_all_connections()


def once(shared: Path, name: str, make: Callable[[Path], Any]) -> Path:
    """The folder `name` with what `make` puts there, made once for all processes of the tests."""
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / f"{name}.made"
        if not made.exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            made.touch()
    return folder


def name_of(unique_id: str) -> str:
    """test.sms_spend.not_null_stg_sms__balance_date.1a2b3c -> not_null_stg_sms__balance_date"""
    return unique_id.split(".", 2)[2].rsplit(".", 1)[0] if unique_id.count(".") > 2 else unique_id.split(".", 2)[2]
