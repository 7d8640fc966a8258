"""Three days of syncs through PyAirbyte leave in DuckDB and in PostgreSQL what the providers hold, and only that.

The models of dbt_sms_spend, built on these tables, hold it too.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration_tests.expected_finance import FINANCE_MARTS, expected_finance
from integration_tests.expected_spend import MARTS, NONE, Variables, difference, expected_marts
from integration_tests.sandbox.world import COUNTERS
from integration_tests.streams import DAILY, PRIMARY_KEYS
from integration_tests.warehouse.three_days import DAYS, SNAPSHOTS, ThreeDays, in_order, key_of
from integration_tests.warehouse.warehouse import REPOSITORY

STREAMS = pytest.mark.parametrize("stream", PRIMARY_KEYS)
EACH_DAY = pytest.mark.parametrize("day", DAYS, ids=str)

# What PyAirbyte makes of the schemas' types, in DuckDB and in PostgreSQL. Times are UTC, without saying so.
TEXT, DATE = {"duckdb": "VARCHAR", "postgres": "character varying"}, {"duckdb": "DATE", "postgres": "date"}
TIME = {"duckdb": "TIMESTAMP", "postgres": "timestamp without time zone"}
COUNT, NUMBER = {"duckdb": "BIGINT", "postgres": "bigint"}, {"duckdb": "DECIMAL(38,9)", "postgres": "numeric(38,9)"}
FLAG, LIST = {"duckdb": "BOOLEAN", "postgres": "boolean"}, {"duckdb": "JSON", "postgres": "json"}
NO_TEXT = {
    "date": DATE,
    "retrieved_at": TIME,
    **dict.fromkeys(COUNTERS, COUNT),
    **dict.fromkeys(("amount", "price", "usage_eur", "credits", "postpaid_limit", "consumption"), NUMBER),
    **dict.fromkeys(("balance", "total_usage", "auto_topup_threshold", "auto_topup_amount"), NUMBER),
    **dict.fromkeys(("current_month_consumption", "previous_month_consumption"), NUMBER),
    **dict.fromkeys(("is_partial", "is_main_account", "postpaid", "unlimited"), FLAG),
    **dict.fromkeys(("mncs", "features"), LIST),
}


@EACH_DAY
@STREAMS
def test_each_day_leaves_in_every_table_what_the_providers_hold(
    three_days: ThreeDays, kind: str, stream: str, day: date
) -> None:
    left = in_order(three_days.left[day][kind][stream], stream)
    assert left == in_order(three_days.held(day)[stream], stream)


@EACH_DAY
@STREAMS
def test_no_primary_key_occurs_twice(three_days: ThreeDays, kind: str, stream: str, day: date) -> None:
    keys = [key_of(row, stream) for row in three_days.left[day][kind][stream]]
    assert keys
    assert len(keys) == len(set(keys))
    assert all(part is not None for key in keys for part in key)


@pytest.mark.parametrize("stream", DAILY)
def test_each_sync_had_late_corrections_to_take(three_days: ThreeDays, kind: str, stream: str) -> None:
    """Without them the tests above would prove little."""
    for earlier, later in ((DAYS[0], DAYS[1]), (DAYS[1], DAYS[2])):
        before = {key_of(row, stream): row for row in three_days.left[earlier][kind][stream]}
        after = {key_of(row, stream): row for row in three_days.left[later][kind][stream]}
        corrected = {key[0] for key in before if before[key] != after[key]}
        assert len(corrected) == 3, "the day that was running, and the two that were provisional"


@pytest.mark.parametrize("stream", SNAPSHOTS)
def test_a_snapshot_of_each_day_stays(three_days: ThreeDays, kind: str, stream: str) -> None:
    rows = three_days.left[DAYS[-1]][kind][stream]
    assert {row["date"] for row in rows} == {str(day) for day in DAYS}
    read_at = {row["date"]: row["retrieved_at"][:13] for row in rows if "retrieved_at" in row}
    if read_at:
        assert read_at == {str(day): f"{day} {hour}" for day, hour in zip(DAYS, (12, 12, 18), strict=True)}


@STREAMS
def test_columns_are_those_of_the_schema_and_typed(three_days: ThreeDays, kind: str, stream: str) -> None:
    schema = json.loads((REPOSITORY / f"schemas/{stream}.json").read_text(encoding="utf-8"))
    expected = {name: NO_TEXT.get(name, TEXT)[kind] for name in schema["properties"]}
    assert three_days.types[kind][stream] == expected


def test_a_missing_list_is_null_in_duckdb_and_a_json_null_in_postgresql(three_days: ThreeDays, kind: str) -> None:
    """PyAirbyte's doing: `mncs IS NULL` finds the rows without networks in DuckDB only."""
    sql = "SELECT count(*) AS rows FROM pricing WHERE mncs IS NULL"
    without = [row for row in three_days.held(DAYS[-1])["pricing"] if row["mncs"] is None]
    [[found]] = three_days.warehouses[kind].rows(sql)
    assert found["rows"] == (len(without) if kind == "duckdb" else 0)
    assert len([row for row in three_days.left[DAYS[-1]][kind]["pricing"] if row["mncs"] in (None, "null")]) == len(
        without
    )


def test_empty_texts_stay_apart_from_nulls(three_days: ThreeDays, kind: str) -> None:
    comments = {row["comment"] for row in three_days.left[DAYS[-1]][kind]["pricing"]}
    assert {"", None} < comments


@STREAMS
def test_a_sync_that_fails_in_one_stream_writes_none_and_the_next_one_all(
    three_days: ThreeDays, kind: str, stream: str
) -> None:
    """PyAirbyte's doing; that the next sync reads everything is the connector's, and tested above."""
    assert "Connector failed" in three_days.failures[kind]
    assert "ERROR: seven.io rejected the key" in three_days.warehouses[kind].printed()
    assert in_order(three_days.after_failure[kind][stream], stream) == in_order(
        three_days.left[DAYS[0]][kind][stream], stream
    )


# The models

DBT = Path(os.environ.get("TEST_DBT", "")).absolute()
PROJECT = REPOSITORY / "dbt_sms_spend"
# So few weeks were synced that one must do to tell an unusual day.
VARIABLES = {
    "sms_today": str(DAYS[-1]),
    "anomaly_weeks_needed": 1,
    "include_partial_days": True,
    "streams_added": ["analytics_by_subaccount_and_country", "subaccount_balances", "subaccount_credits"],
}
# All connections together.
OF_NO_CONNECTION = ("sms__month_forecast", "sms__invoice_variance")


@pytest.fixture(scope="module")
def built(three_days: ThreeDays, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders that dbt worked in."""
    folders = {kind: tmp_path_factory.mktemp(f"dbt_{kind}") for kind in three_days.warehouses}
    for kind, folder in folders.items():
        done = dbt(three_days, kind, folder, "build", "--exclude", "tag:alert")
        assert done.returncode == 0, done.stdout
    return folders


@pytest.mark.parametrize("mart", [*MARTS, *FINANCE_MARTS])
def test_a_mart_holds_what_the_providers_hold(
    three_days: ThreeDays, built: dict[str, Path], kind: str, mart: str
) -> None:
    schema = three_days.warehouses[kind].where["schema"]
    variables = Variables(source_relation=schema, include_partial_days=True, anomaly_weeks_needed=1)
    held = three_days.held(DAYS[-1])
    expected = (expected_marts(held, variables) | expected_finance(held, variables))[mart]
    assert expected
    if mart in FINANCE_MARTS and mart not in OF_NO_CONNECTION:
        connection = "x_source_relation" if mart.startswith("sms__focus") else "source_relation"
        expected = [{connection: schema, **row} for row in expected]
    assert difference(rows(three_days, kind, mart, expected), expected) == NONE


def test_the_prices_of_these_days_are_added_removed_raised_and_lowered(three_days: ThreeDays) -> None:
    """Without it the tests of the marts would prove little."""
    changes = expected_marts(three_days.held(DAYS[-1]))["sms__price_changes"]
    assert {row["change"] for row in changes} == {"came", "went", "rose", "fell"}


def test_the_models_do_not_block_a_sync_and_are_built_again_after_it(
    three_days: ThreeDays, built: dict[str, Path]
) -> None:
    for kind, answer in three_days.sync_again().items():
        assert "error" not in answer, three_days.warehouses[kind].printed()[-2000:]
        done = dbt(three_days, kind, built[kind], "build", "--exclude", "tag:alert")
        assert done.returncode == 0, done.stdout


def test_the_age_of_the_tables_is_counted_from_when_the_connector_read_them(
    three_days: ThreeDays, built: dict[str, Path], kind: str
) -> None:
    done = dbt(three_days, kind, built[kind], "source", "freshness")
    assert done.stdout.count("ERROR STALE freshness") == 11, done.stdout
    results = json.loads((built[kind] / "sources.json").read_text(encoding="utf-8"))["results"]
    assert {result["max_loaded_at"][:10] for result in results} == {str(DAYS[-1])}


def test_the_models_are_empty_where_no_stream_is_synced(three_days: ThreeDays, kind: str, tmp_path: Path) -> None:
    off = {"seven_enabled": False, "smsfactor_enabled": False}
    done = dbt(three_days, kind, tmp_path, "build", "--exclude-resource-type", "test", schema="spend_of_nobody", **off)
    assert done.returncode == 0, done.stdout
    counts = three_days.warehouses[kind].rows(*(f"SELECT count(*) AS n FROM spend_of_nobody.{mart}" for mart in MARTS))
    assert [answer[0]["n"] for answer in counts] == [0] * len(MARTS)


def dbt(
    three_days: ThreeDays, kind: str, folder: Path, *command: str, schema: str = "spend", **variables: Any
) -> subprocess.CompletedProcess[str]:
    where = three_days.warehouses[kind].where
    server = where.get("postgres", {})
    places = {
        "PGHOST": "host",
        "PGPORT": "port",
        "PGDATABASE": "database",
        "PGUSER": "username",
        "PGPASSWORD": "password",
    }
    return subprocess.run(
        [
            DBT,
            "--no-use-colors",
            *command,
            f"--target={kind}",
            f"--project-dir={PROJECT}",
            f"--profiles-dir={PROJECT}",
            f"--vars={json.dumps({'sms_schema': where['schema'], **VARIABLES, **variables})}",
        ],
        env={
            **os.environ,
            **{variable: str(server[name]) for variable, name in places.items() if server},
            "SMS_SPEND_DUCKDB": where.get("db_path", ""),
            "SMS_SPEND_SCHEMA": schema,
            "DBT_TARGET_PATH": str(folder),
            "DBT_LOG_PATH": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def rows(three_days: ThreeDays, kind: str, mart: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbers come as texts from the warehouse's process: they are made exact again."""
    numbers = {name for row in expected for name, value in row.items() if isinstance(value, Decimal)}
    [found] = three_days.warehouses[kind].rows(f"SELECT * FROM spend.{mart}")
    return [
        {name: Decimal(value) if name in numbers and value is not None else value for name, value in row.items()}
        for row in found
    ]
