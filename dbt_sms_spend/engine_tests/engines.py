"""Engines with the connector's tables in them, as append modes leave them, and dbt on each."""

from __future__ import annotations

import contextlib
import csv
import datetime
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from dbt_sms_spend.integration_tests.spend import ADDED, PACKAGE, SCHEMAS, TODAY, Records

HERE = Path(__file__).resolve().parent
READ_AT = datetime.datetime(2026, 3, 12, 12, 0)
READ_BEFORE = datetime.datetime(2026, 3, 11, 12, 0)
PRICES = (("2026-02-01", "0.0451", "EUR"), ("2026-03-05", "0.04725", "CHF"))
VARIABLES = {"sms_schema": "sms", "sms_today": str(TODAY), "streams_added": ADDED, "include_partial_days": True}
# Without the tests of single columns, which find on each engine what they find on DuckDB, and take minutes on Spark.
MODELS_AND_SUMS = (
    "--exclude",
    "tag:alert",
    "test_name:not_null",
    "test_name:accepted_values",
    *os.environ.get("EXCLUDED", "").split(),
)
COUNTED = ("sms", "usage_eur", "consumption", "amount", "credits", "balance", "price")

Table = tuple[dict[str, str], list[list[Any]]]


def tables(records: Records) -> dict[str, Table]:
    """Stream -> the kinds of its columns, and its rows; each row was read twice, with wrong values at first."""
    found: dict[str, Table] = {}
    for stream, rows in records.items():
        properties = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))["properties"]
        kinds = {**{name: kind_of(spec) for name, spec in properties.items()}, "_airbyte_extracted_at": "time"}
        values = []
        for row in rows:
            wrong = {name: row[name] + 3 for name in COUNTED if row.get(name) is not None}
            for reading, moment in ((row, READ_AT), ({**row, **wrong}, READ_BEFORE)):
                values.append([value_of(reading.get(name), kinds[name]) for name in properties] + [moment])
        found[stream] = kinds, values
    return found


def kind_of(spec: Mapping[str, Any]) -> str:
    """text, date, time, integer, number, boolean or list."""
    if "format" in spec:
        return {"date": "date", "date-time": "time"}[spec["format"]]
    listed = [spec["type"]] if isinstance(spec["type"], str) else spec["type"]
    kind = next(one for one in listed if one != "null")
    return {"string": "text", "array": "list"}.get(kind, kind)


def value_of(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind == "time":
        return datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).replace(tzinfo=None)
    return Decimal(str(value)) if kind == "number" else value


def literal(value: Any) -> str:
    """As SQL of all engines but Spark, whose tables are made otherwise."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | Decimal):
        return str(value)
    if isinstance(value, list):
        value = json.dumps(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def create(stream: str, kinds: Mapping[str, str], types: Mapping[str, str], suffix: str = "") -> str:
    columns = ", ".join(f"{name} {types[kind]}" for name, kind in kinds.items())
    return f"CREATE TABLE sms.{stream} ({columns}){suffix}"


def inserts(stream: str, rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    for first in range(0, len(rows), 2000):
        listed = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows[first : first + 2000])
        yield f"INSERT INTO sms.{stream} VALUES {listed}"


def package(folder: Path) -> Path:
    """A copy of the package whose seed holds PRICES."""
    project = folder / "package"
    shutil.copytree(PACKAGE, project, ignore=shutil.ignore_patterns("*_tests", "target", "logs", "__pycache__"))
    with (project / "seeds/smsfactor_price_per_unit.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(PRICES)
    return project


def arguments(project: Path, target: str, **variables: Any) -> list[str]:
    return [
        f"--project-dir={project}",
        f"--profiles-dir={HERE}",
        f"--target={target}",
        f"--vars={json.dumps({**VARIABLES, **variables})}",
    ]


def dbt(folder: Path, project: Path, target: str, *command: str, **places: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--no-use-colors", *command, *arguments(project, target)],
        cwd=folder,
        env=environment(folder, **places),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def environment(folder: Path, **places: str) -> dict[str, str]:
    return {
        **os.environ,
        "ENGINE_FOLDER": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "TZ": "UTC",
        **{f"ENGINE_{name.upper()}": str(value) for name, value in places.items()},
    }


def models(folder: Path) -> list[str]:
    """The marts that were built."""
    nodes = json.loads((folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((folder / "target/run_results.json").read_text(encoding="utf-8"))["results"]
    built = [nodes[result["unique_id"]] for result in results if result["unique_id"].startswith("model.")]
    return sorted(node["name"] for node in built if node["name"].startswith("sms__"))


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Times without a zone, as the other engines give them."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value
        for name, value in row.items()
    }


@contextlib.contextmanager
def clickhouse(folder: Path) -> Iterator[int]:
    """The port of a server with its data in `folder`."""
    process = subprocess.Popen(
        [sys.executable, HERE / "clickhouse.py", folder / "clickhouse"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
