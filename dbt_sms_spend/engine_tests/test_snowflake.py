"""The marts on fakesnow, which is DuckDB behind Snowflake's protocol: it translates much, and passes the rest through.

Weak evidence: that a model is built here does not prove that Snowflake builds it.
"""

from __future__ import annotations

from typing import Any

import fakesnow
import pytest
import snowflake.connector

from dbt_sms_spend.engine_tests import engines
from dbt_sms_spend.integration_tests.spend import MARTS, Records, world
from integration_tests.expected_spend import NONE, Variables, difference, expected_marts

# As Airbyte's destination makes them: its numbers are binary fractions unless it is told otherwise.
TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIMESTAMP_NTZ",
    "integer": "NUMBER(38, 0)",
    "number": "FLOAT",
    "boolean": "BOOLEAN",
    "list": "VARCHAR",
}


# It parses a row in a hundredth of a second: some weeks must do.
FIRST_DAY = "2026-02-16"


@pytest.fixture(scope="module")
def records() -> Records:
    return {stream: [row for row in rows if row["date"] >= FIRST_DAY] for stream, rows in world().items()}


@pytest.fixture(scope="module")
def on_fakesnow(records: Records, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("snowflake")
    project = engines.package(folder)
    tables = engines.tables(records)
    with fakesnow.server() as server, snowflake.connector.connect(**server) as connection:
        cursor = connection.cursor(snowflake.connector.DictCursor)
        for statement in (
            "CREATE DATABASE WAREHOUSE",
            "USE DATABASE WAREHOUSE",
            "CREATE SCHEMA SMS",
            "CREATE SCHEMA SMS_SPEND",
        ):
            cursor.execute(statement)
        for stream, (kinds, rows) in tables.items():
            upper = {name.upper(): kind for name, kind in kinds.items()}
            cursor.execute(engines.create(stream, upper, TYPES))
            for statement in engines.inserts(stream, rows):
                cursor.execute(statement)
        places = {"host": str(server["host"]), "port": str(server["port"])}
        done = engines.dbt(folder, project, "snowflake", "build", *engines.MODELS_AND_SUMS, **places)
        assert done.returncode == 0, done.stdout
        marts = {}
        for mart in engines.models(folder):
            cursor.execute(f"SELECT * FROM WAREHOUSE.SMS_SPEND.{mart}")
            marts[mart] = [plain(row) for row in cursor.fetchall()]
        return marts


def plain(row: Any) -> dict[str, Any]:
    """Names that are not quoted are in upper case."""
    return {name.lower() if name.isupper() else name: value for name, value in engines.plain_row(row).items()}


def test_the_figures_are_those_of_the_world(on_fakesnow: dict[str, list[dict[str, Any]]], records: Records) -> None:
    expected = expected_marts(records, Variables(include_partial_days=True, prices=engines.PRICES))
    wrong = {mart: difference(on_fakesnow[mart], expected[mart]) for mart in MARTS if mart in expected}
    assert {mart: found for mart, found in wrong.items() if found != NONE} == {}
