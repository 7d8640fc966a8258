"""Three days of syncs through PyAirbyte leave in DuckDB and in PostgreSQL what the providers hold, and only that."""

from __future__ import annotations

import json
from datetime import date

import pytest

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
