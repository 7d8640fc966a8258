"""Three days of syncs through PyAirbyte leave in DuckDB and in PostgreSQL what the providers hold, and only that."""

from __future__ import annotations

import json
from datetime import date

import pytest

from integration_tests.sync import DAILY, PRIMARY_KEYS
from integration_tests.warehouse.three_days import DAYS, SNAPSHOTS, ThreeDays, in_order, key_of
from integration_tests.warehouse.warehouse import REPOSITORY

STREAMS = pytest.mark.parametrize("stream", PRIMARY_KEYS)
EACH_DAY = pytest.mark.parametrize("day", DAYS, ids=str)

# JSON schema's type and format -> the column that PyAirbyte makes of it.
COLUMNS = {
    "duckdb": {
        "date": "DATE",
        "date-time": "TIMESTAMP",
        "string": "VARCHAR",
        "integer": "BIGINT",
        "number": "DECIMAL(38,9)",
        "boolean": "BOOLEAN",
        "array": "JSON",
    },
    "postgres": {
        "date": "date",
        "date-time": "timestamp without time zone",
        "string": "character varying",
        "integer": "bigint",
        "number": "numeric(38,9)",
        "boolean": "boolean",
        "array": "json",
    },
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
def test_no_key_is_there_twice(three_days: ThreeDays, kind: str, stream: str, day: date) -> None:
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
    assert {row["retrieved_at"][:13] for row in rows if "retrieved_at" in row} <= {f"{day} 12" for day in DAYS}


@STREAMS
def test_columns_have_the_types_of_the_schema(three_days: ThreeDays, kind: str, stream: str) -> None:
    schema = json.loads((REPOSITORY / f"schemas/{stream}.json").read_text(encoding="utf-8"))
    expected = {}
    for name, said in schema["properties"].items():
        types = [said["type"]] if isinstance(said["type"], str) else said["type"]
        expected[name] = COLUMNS[kind][said.get("format") or types[0]]
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
    assert "ERROR: seven.io refused the key (HTTP 401 or 403)" in three_days.warehouses[kind].printed()
    assert in_order(three_days.after_failure[kind][stream], stream) == in_order(
        three_days.left[DAYS[0]][kind][stream], stream
    )
