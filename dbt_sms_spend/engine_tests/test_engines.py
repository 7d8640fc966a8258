"""The marts hold the same figures on each engine that can be run: those that the sandbox's world says."""

from __future__ import annotations

import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import clickhouse_connect
import duckdb
import psycopg2
import psycopg2.extras
import pytest

from dbt_sms_spend.engine_tests import engines
from dbt_sms_spend.integration_tests.spend import MARTS, Records, with_groups_that_went_away, world
from integration_tests.expected_spend import BUILT_AT, NONE, Variables, difference, expected_marts
from integration_tests.streams import PRIMARY_KEYS
from integration_tests.warehouse.warehouse import postgres_binaries, postgres_server

Marts = dict[str, list[dict[str, Any]]]
DUCKDB = {
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMP",
    "integer": "BIGINT",
    "number": "DECIMAL(38, 9)",
    "boolean": "BOOLEAN",
    "list": "JSON",
}
POSTGRES = {**DUCKDB, "text": "TEXT", "number": "DOUBLE PRECISION", "list": "JSONB"}
CLICKHOUSE = {
    "text": "Nullable(String)",
    "date": "Nullable(Date32)",
    "time": "DateTime64(3)",
    "integer": "Nullable(Int64)",
    "number": "Nullable(Float64)",
    "boolean": "Nullable(Bool)",
    "list": "Nullable(String)",
}
# As the destination writes them; all names are in upper case.
SNOWFLAKE = {
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMP_TZ",
    "integer": "NUMBER(38, 0)",
    "number": "FLOAT",
    "boolean": "BOOLEAN",
    "list": "VARIANT",
}
CONNECTION = ("source_relation", "x_source_relation")


@pytest.fixture(scope="session")
def records() -> Records:
    return world()


@pytest.fixture(scope="session")
def tables(records: Records) -> dict[str, engines.Table]:
    return engines.tables(with_groups_that_went_away(records))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engines.package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def on_duckdb(tables: dict[str, engines.Table], project: Path, tmp_path_factory: pytest.TempPathFactory) -> Marts:
    folder = tmp_path_factory.mktemp("duckdb")
    path = str(folder / "warehouse.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SCHEMA sms")
        for stream, (kinds, rows) in tables.items():
            connection.execute(engines.create(stream, kinds, DUCKDB))
            for statement in engines.inserts(stream, rows):
                connection.execute(statement)
    done = engines.dbt(folder, project, "duckdb", "build", *engines.MODELS_AND_SUMS)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(path) as connection:
        marts = {}
        for mart in engines.models(folder):
            found = connection.sql(f"FROM sms_spend.{mart}")
            marts[mart] = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        return marts


@pytest.fixture(scope="session")
def on_postgres(tables: dict[str, engines.Table], project: Path, tmp_path_factory: pytest.TempPathFactory) -> Marts:
    folder = tmp_path_factory.mktemp("postgres")
    binaries = postgres_binaries()
    assert binaries, "PostgreSQL is not installed."
    with postgres_server(binaries) as server:
        names = {"user": "username", "host": "host", "port": "port", "password": "password", "database": "database"}
        places = {name: str(server[key]) for name, key in names.items()}
        with psycopg2.connect(
            dbname=places["database"], **{k: places[k] for k in ("user", "host", "port", "password")}
        ) as db:
            with db.cursor() as cursor:
                cursor.execute("CREATE SCHEMA sms")
                for stream, (kinds, rows) in tables.items():
                    cursor.execute(engines.create(stream, kinds, POSTGRES))
                    for statement in engines.inserts(stream, rows):
                        cursor.execute(statement)
            db.commit()
            done = engines.dbt(folder, project, "postgres", "build", *engines.MODELS_AND_SUMS, **places)
            assert done.returncode == 0, done.stdout
            marts = {}
            with db.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                for mart in engines.models(folder):
                    cursor.execute(f"SELECT * FROM sms_spend.{mart}")
                    marts[mart] = [dict(row) for row in cursor.fetchall()]
            db.rollback()
    return marts


@pytest.fixture(scope="session")
def on_clickhouse(tables: dict[str, engines.Table], project: Path, tmp_path_factory: pytest.TempPathFactory) -> Marts:
    folder = tmp_path_factory.mktemp("clickhouse")
    with engines.clickhouse(folder) as port:
        client = clickhouse_connect.get_client(host="127.0.0.1", port=port)
        client.command("CREATE DATABASE sms")
        client.command("CREATE DATABASE sms_spend")
        for stream, (kinds, rows) in tables.items():
            # As Airbyte makes them, before the server has merged the readings of a key.
            key = ", ".join(PRIMARY_KEYS[stream])
            engine = (
                f" ENGINE = ReplacingMergeTree(_airbyte_extracted_at) ORDER BY ({key}) SETTINGS allow_nullable_key = 1"
            )
            client.command(engines.create(stream, kinds, CLICKHOUSE, engine))
            client.command(f"SYSTEM STOP MERGES sms.{stream}")
            for moment in (engines.READ_BEFORE, engines.READ_AT):
                for statement in engines.inserts(stream, [row for row in rows if row[-1] == moment]):
                    client.command(statement)
            assert client.command(f"SELECT count() FROM sms.{stream}") == len(rows)
        done = engines.dbt(folder, project, "clickhouse", "build", *engines.MODELS_AND_SUMS, port=str(port))
        assert done.returncode == 0, done.stdout
        marts = {}
        for mart in engines.models(folder):
            found = client.query(f"SELECT * FROM sms_spend.{mart}")
            marts[mart] = [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]
        return marts


@pytest.fixture(scope="session")
def on_spark(
    tables: dict[str, engines.Table], project: Path, on_duckdb: Marts, tmp_path_factory: pytest.TempPathFactory
) -> Marts:
    folder = tmp_path_factory.mktemp("spark")
    command = ["--no-use-colors", "build", *engines.MODELS_AND_SUMS, *engines.arguments(project, "spark")]
    job = {"tables": tables, "command": command, "marts": [*on_duckdb]}
    (folder / "job.pickle").write_bytes(pickle.dumps(job))
    done = subprocess.run(
        [sys.executable, engines.HERE / "spark.py", folder],
        cwd=folder,
        env=engines.environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    marts: Marts = pickle.loads((folder / "marts.pickle").read_bytes())
    return marts


@pytest.fixture(scope="session")
def on_snowflake(
    tables: dict[str, engines.Table], project: Path, on_duckdb: Marts, tmp_path_factory: pytest.TempPathFactory
) -> Marts:
    folder = tmp_path_factory.mktemp("snowflake")
    statements = []
    for stream, (kinds, rows) in tables.items():
        values = [
            f"PARSE_JSON(column{n})" if kind == "list" else f"column{n}" for n, kind in enumerate(kinds.values(), 1)
        ]
        statements.append(engines.create(stream, kinds, SNOWFLAKE))
        statements += [
            statement.replace("VALUES", f"SELECT {', '.join(values)} FROM VALUES", 1)
            for statement in engines.inserts(stream, rows)
        ]
    arguments = engines.arguments(project, "snowflake", sms_schema="SMS")
    command = ["--no-use-colors", "build", *engines.MODELS_AND_SUMS, *arguments]
    job = {"statements": statements, "command": command, "marts": [*on_duckdb]}
    (folder / "job.pickle").write_bytes(pickle.dumps(job))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", engines.HERE / "fake_snowflake.py", folder],
        cwd=folder,
        env=engines.environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    marts: Marts = pickle.loads((folder / "marts.pickle").read_bytes())
    return marts


@pytest.fixture(params=["duckdb", "postgres", "clickhouse", "spark"])
def marts(request: pytest.FixtureRequest) -> Marts:
    found: Marts = request.getfixturevalue(f"on_{request.param}")
    return {mart: [engines.plain_row(row) for row in rows] for mart, rows in found.items()}


def test_every_mart_matches_the_world(marts: Marts, records: Records) -> None:
    expected = expected_marts(records, Variables(include_partial_days=True, prices=engines.PRICES))
    wrong = {mart: difference(marts[mart], expected[mart]) for mart in MARTS if mart in expected and mart in marts}
    assert {mart: found for mart, found in wrong.items() if found != NONE} == {}


def test_every_mart_is_that_of_duckdb(marts: Marts, on_duckdb: Marts) -> None:
    # Each engine was built at a time of its own.
    expected = {
        mart: [{name: value for name, value in engines.plain_row(row).items() if name not in BUILT_AT} for row in rows]
        for mart, rows in on_duckdb.items()
    }
    assert marts.keys() == expected.keys()
    wrong = {mart: difference(rows, expected[mart]) for mart, rows in marts.items()}
    assert {mart: found for mart, found in wrong.items() if found != NONE} == {}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="fakesnow needs Python 3.11.")
def test_on_fakesnow_every_mart_is_that_of_duckdb(on_snowflake: Marts, on_duckdb: Marts) -> None:
    """fakesnow divides binary fractions: the last of six places may differ."""
    assert on_snowflake.keys() == on_duckdb.keys()
    for mart, rows in on_snowflake.items():
        for row, due in zip(in_order(rows), in_order(on_duckdb[mart]), strict=True):
            assert row.keys() == due.keys()
            wrong = {name: (row[name], value) for name, value in due.items() if not is_close(row[name], value)}
            assert wrong == {}, (mart, due)


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the time of their build, by their texts and days: these tell them apart in every mart."""
    plain = [
        {name: value for name, value in engines.plain_row(row).items() if name not in (*BUILT_AT, *CONNECTION)}
        for row in rows
    ]
    return sorted(plain, key=lambda row: [(name, str(row[name])) for name in sorted(row) if not is_number(row[name])])


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def is_close(found: Any, due: Any) -> bool:
    if is_number(found) and is_number(due):
        return abs(Decimal(str(found)) - Decimal(str(due))) <= Decimal("0.000001")
    return bool(found == due)
