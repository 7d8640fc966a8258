"""The models of dbt_sms_spend on the tables that three days of syncs left, against the sandbox's world."""

from __future__ import annotations

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration_tests.expected_finance import expected_finance
from integration_tests.expected_spend import NONE, Variables, difference, expected_marts
from integration_tests.warehouse.three_days import DAYS, ThreeDays
from integration_tests.warehouse.warehouse import REPOSITORY

DBT = Path(os.environ.get("TEST_DBT", "")).absolute()
PROJECT = REPOSITORY / "dbt_sms_spend"
# So few weeks were synced that one must do to tell an unusual day.
VARIABLES = {
    "sms_today": str(DAYS[-1]),
    "anomaly_weeks_needed": 1,
    "include_partial_days": True,
    "streams_added": ["analytics_by_subaccount_and_country", "subaccount_balances", "subaccount_credits"],
}
MARTS = (
    "sms__days",
    "sms__completeness",
    "sms__daily_spend",
    "sms__spend_by_label",
    "sms__balance_runout",
    "sms__price_history",
    "sms__price_changes",
    "sms__monthly_statement",
)
FINANCE_MARTS = (
    "sms__balance_daily",
    "sms__effective_prices",
    "sms__month_forecast",
    "sms__spend_by_label_month",
    "sms__chargeback",
    "sms__invoice_variance",
    "sms__unusual_days",
    "sms__focus_1_4",
    "sms__focus_1_2",
    "sms__focus_unpriced",
)
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
    """Without it the tests above would prove little."""
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
