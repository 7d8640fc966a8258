"""Providers and streams that are not synced, and tables that are not there."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from dbt_sms_spend.integration_tests.spend import ADDED, BY_ACCOUNT, MARTS, SYNCED, Records, Spend, lay_tables
from examples import build_models
from integration_tests.expected_spend import NONE, difference, expected_marts

GROUPINGS = ("analytics_by_country", "analytics_by_label", "analytics_by_subaccount", BY_ACCOUNT)
SEVEN = ("balance", "pricing", "analytics", *GROUPINGS, "subaccount_balances")
SMSFACTOR = ("credits", "consumption", "subaccount_credits")
OPTIONAL = ("balance", "pricing", "analytics_by_label", "credits")


@pytest.mark.parametrize(
    ("absent", "variables", "last_list"),
    [
        pytest.param(
            SMSFACTOR,
            {"smsfactor_enabled": False},
            ("subaccount_balances", SYNCED[-3]),
            id="seven.io alone, and no sub-accounts any more",
        ),
        pytest.param(
            SEVEN,
            {"seven_enabled": False},
            ("subaccount_credits", SYNCED[-2]),
            id="SMSFactor alone, and the last sync read no list of sub-accounts",
        ),
        pytest.param(
            (*OPTIONAL, *ADDED),
            {"streams_left_out": OPTIONAL, "streams_added": []},
            None,
            id="no stream that may be left out, and none that is added",
        ),
        pytest.param(
            (BY_ACCOUNT, "balance"),
            {"streams_added": ["subaccount_balances", "subaccount_credits"], "streams_left_out": ["balance"]},
            None,
            id="balances of sub-accounts, and what seven.io's used is not known",
        ),
    ],
)
def test_what_is_not_synced_has_no_rows_and_the_rest_is_right(
    records: Records,
    tmp_path: Path,
    parsed: Path,
    absent: tuple[str, ...],
    variables: dict[str, object],
    last_list: tuple[str, date] | None,
) -> None:
    if last_list:
        stream, day = last_list
        records = {**records, stream: [row for row in records[stream] if row["date"] <= str(day)]}
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, {name: rows for name, rows in records.items() if name not in absent}, "sms")
    done = spend.dbt("build", "--exclude", "tag:alert", **variables)
    assert done.returncode == 0, done.stdout
    expected = expected_marts({name: [] if name in absent else rows for name, rows in records.items()})
    if last_list:
        assert len(expected["sms__balance_runout"]) == {"subaccount_balances": 1, "subaccount_credits": 4}[last_list[0]]
    for mart in MARTS:
        assert difference(spend.rows(f"FROM spend.{mart}"), expected[mart]) == NONE, mart
    done = spend.dbt("source", "freshness", **variables)
    assert f"Finished running {11 - len(absent)} sources" in done.stdout, done.stdout


def test_make_models_adds_the_streams_that_hold_anything(
    records: Records, tmp_path: Path, parsed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account without sub-accounts has a list without rows, which `dbt source freshness` would call stale."""
    spend = Spend(tmp_path, parsed)
    monkeypatch.setattr(build_models, "DATABASE", spend.database)
    tables = ("analytics", BY_ACCOUNT, "balance", "pricing", "analytics_by_label")
    lay_tables(spend.database, {**{name: records[name] for name in tables}, "subaccount_balances": []}, "main")
    assert build_models.what_is_synced() == {
        "sms_schema": "main",
        "seven_enabled": True,
        "smsfactor_enabled": False,
        "streams_left_out": ["credits"],
        "streams_added": [BY_ACCOUNT],
    }


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"sms_schema": "elsewhere"},
            'There is no table "warehouse"."elsewhere"."balance". Sync the stream \'balance\', correct sms_schema, or '
            "say that it is not synced: seven_enabled, smsfactor_enabled, streams_left_out, streams_added.",
        ),
        (
            {"streams_left_out": ["analytics"]},
            "streams_left_out names 'analytics'. Only these may be left out: balance, pricing, analytics_by_label, "
            "credits.",
        ),
        (
            {"streams_added": ["subaccounts"]},
            "streams_added names 'subaccounts'. Only these may be added: analytics_by_subaccount_and_country, "
            "subaccount_balances, subaccount_credits.",
        ),
    ],
)
def test_a_variable_that_does_not_fit_ends_with_a_sentence(
    spend: Spend, variables: dict[str, object], sentence: str
) -> None:
    done = spend.dbt("run", "--select", "stg_sms__balance", **variables)
    assert done.returncode != 0
    assert sentence in " ".join(done.stdout.split())


def test_every_model_and_column_is_described_and_no_other(built: Spend) -> None:
    nodes = json.loads((built.folder / "target/manifest.json").read_text(encoding="utf-8"))["nodes"].values()
    models = {node["name"]: node for node in nodes if node["resource_type"] in ("model", "seed")}
    assert models.keys() >= set(MARTS)
    for name, model in models.items():
        assert model["description"], name
        assert all(column["description"] for column in model["columns"].values()), name
        assert list(model["columns"]) == [row["column_name"] for row in built.rows(f"DESCRIBE spend.{name}")], name


def test_make_models_reports_a_table_without_rows(records: Records, tmp_path: Path, parsed: Path) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, {**records, "pricing": []}, "main")
    program = (
        "from pathlib import Path; from examples import build_models as b; "
        f"b.DATABASE = Path({str(spend.database)!r}); b.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=build_models.REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "The table pricing has no rows." in done.stdout
    assert "hours ago" not in done.stdout
    assert done.returncode == 0, done.stdout
