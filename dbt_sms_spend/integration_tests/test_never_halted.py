"""Inputs that stopped the models, or made them wrong: the marts are built, and say what they know."""

from __future__ import annotations

import datetime
import shutil
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dbt_sms_spend.integration_tests.finance import FINANCE_MARTS, of_the_rows
from dbt_sms_spend.integration_tests.spend import (
    CONSUMER,
    MARTS,
    MODELS_ALONE,
    PACKAGE,
    TODAY,
    Records,
    Spend,
    lay_tables,
    with_groups_that_went_away,
)
from integration_tests.expected_finance import Finance, expected_finance, forecast
from integration_tests.expected_spend import NONE, Variables, difference, expected_marts

# The marts of this file: those of MARTS that expected_spend knows.
YESTERDAY = "2026-03-11"
MODELS_AND_SUMS = ("--exclude", "tag:alert", "test_name:not_null", "test_name:no_nulls", "test_name:accepted_values")


def expected_without(records: Records, **changes: Any) -> dict[str, list[dict[str, Any]]]:
    return expected_marts({**records, **changes})


def assert_as_expected(spend: Spend, expected: dict[str, list[dict[str, Any]]], *marts: str) -> None:
    for mart in marts or MARTS:
        assert difference(spend.rows(f"FROM spend.{mart}"), expected[mart]) == NONE, mart


def test_given_a_day_that_was_not_read_then_all_marts_are_built_and_report_it(spend: Spend, records: Records) -> None:
    spend.change("DELETE FROM sms.analytics WHERE date = DATE '2026-03-03'")
    done = spend.dbt("build")
    assert spend.skipped() == set(), done.stdout
    assert "no_day_is_missing" in spend.warned()
    without = [row for row in records["analytics"] if row["date"] != "2026-03-03"]
    assert_as_expected(spend, expected_without(records, analytics=without))
    [day] = spend.rows("FROM spend.sms__days WHERE date = DATE '2026-03-03' AND provider = 'seven.io'")
    assert day["status"] == "missing"
    [seven] = spend.rows("FROM spend.sms__completeness WHERE provider = 'seven.io'")
    assert (str(seven["complete_to"]), str(seven["last_complete_day"])) == ("2026-03-02", YESTERDAY)


def test_given_a_first_build_with_a_missing_day_then_all_marts_are_built(
    records: Records, tmp_path: Path, parsed: Path
) -> None:
    spend = Spend(tmp_path, parsed)
    without = [row for row in records["consumption"] if row["date"] != "2026-02-03"]
    lay_tables(spend.database, {**records, "consumption": without}, "sms")
    done = spend.dbt("build", *MODELS_ALONE)
    assert done.returncode == 0, done.stdout
    assert_as_expected(spend, expected_without(records, consumption=without), "sms__days", "sms__daily_spend")


@pytest.mark.parametrize(
    ("stream", "column", "status"),
    [
        ("analytics", "sms", "invalid"),
        ("analytics", "usage_eur", "invalid"),
        ("analytics", "is_partial", "partial"),
        ("consumption", "consumption", "invalid"),
        ("balance", "currency", "complete"),
    ],
)
def test_given_a_null_that_counts_then_it_warns_and_all_marts_are_built(
    spend: Spend, records: Records, stream: str, column: str, status: str
) -> None:
    spend.change(
        f"UPDATE sms.{stream} SET {column} = NULL WHERE date = DATE '{YESTERDAY if stream != 'balance' else TODAY}'"
    )
    done = spend.dbt("build", "--exclude", "tag:alert", "test_name:accepted_values", "path:models/finance")
    assert spend.skipped() == set(), done.stdout
    assert f"not_null_stg_sms__{stream}_{column}" in spend.warned()
    provider = "SMSFactor" if stream == "consumption" else "seven.io"
    [day] = spend.rows(f"FROM spend.sms__days WHERE date = DATE '{YESTERDAY}' AND provider = '{provider}'")
    assert day["status"] == status
    changed = [
        {**row, column: None} if row["date"] == (str(TODAY) if stream == "balance" else YESTERDAY) else row
        for row in records[stream]
    ]
    if column != "is_partial":
        assert_as_expected(spend, expected_without(records, **{stream: changed}), "sms__days", "sms__balance_runout")
    if stream == "balance":
        [balance] = spend.rows("FROM spend.sms__balance_runout WHERE provider = 'seven.io' AND account_id IS NULL")
        assert (balance["measured_in"], balance["forecast_status"]) == ("unknown", "other_currency")


def test_given_append_modes_then_the_newest_reading_of_each_key_counts(
    built: Spend, records: Records, tmp_path: Path, parsed: Path
) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, with_groups_that_went_away(records), "sms")
    for stream, column in (
        *(("balance", "amount"), ("credits", "credits"), ("pricing", "price"), ("consumption", "consumption")),
        *((stream, "usage_eur") for stream in records if stream.startswith("analytics")),
        *(("subaccount_balances", "balance"), ("subaccount_credits", "credits")),
    ):
        spend.change(
            f"CREATE TABLE sms.older AS FROM sms.{stream}",
            f"UPDATE sms.older SET {column} = {column} + 1",
            "UPDATE sms.older SET _airbyte_extracted_at = _airbyte_extracted_at - INTERVAL 1 DAY",
            f"INSERT INTO sms.{stream} FROM sms.older",
            "DROP TABLE sms.older",
        )
    done = spend.dbt("build", *MODELS_ALONE)
    assert done.returncode == 0, done.stdout
    assert_as_expected(spend, expected_marts(records))


def test_given_binary_fractions_then_the_days_add_up(records: Records, tmp_path: Path, parsed: Path) -> None:
    spend = Spend(tmp_path, parsed)
    tenths = [{**row, "consumption": row["consumption"] + 0.1} for row in records["consumption"] if row["consumption"]]
    lay_tables(spend.database, {**records, "consumption": tenths}, "sms")
    for stream, columns in {
        "consumption": ("consumption",),
        **{stream: ("usage_eur",) for stream in records if stream.startswith("analytics")},
    }.items():
        spend.change(*(f"ALTER TABLE sms.{stream} ALTER {column} TYPE DOUBLE" for column in columns))
    done = spend.dbt("build", *MODELS_AND_SUMS)
    assert done.returncode == 0, done.stdout
    assert_as_expected(spend, expected_without(records, consumption=tenths))


def test_given_no_columns_that_only_describe_then_they_are_null(records: Records, tmp_path: Path, parsed: Path) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, records, "sms")
    gone = {
        "pricing": ("comment", "features", "mncs"),
        "balance": ("retrieved_at",),
        "credits": ("postpaid_limit", "retrieved_at"),
        "analytics": ("inbound", "rcs"),
        "consumption": ("company",),
    }
    for stream, columns in gone.items():
        spend.change(*(f"ALTER TABLE sms.{stream} DROP {column}" for column in columns))
    done = spend.dbt("build", *MODELS_ALONE)
    assert "Error" not in done.stdout, done.stdout
    assert spend.skipped() == set()
    assert spend.rows("SELECT count(comment) AS n FROM spend.stg_sms__pricing") == [{"n": 0}]
    assert (
        spend.rows("SELECT count(*) AS n, count(inbound) AS i FROM spend.stg_sms__analytics WHERE sms > 0")[0]["i"] == 0
    )


def test_given_tables_of_another_loader_then_they_are_taken_as_they_are(
    records: Records, tmp_path: Path, parsed: Path
) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, records, "sms")
    spend.change(*(f"ALTER TABLE sms.{stream} DROP _airbyte_extracted_at" for stream in records))
    done = spend.dbt("build", *MODELS_ALONE)
    assert done.returncode == 0, done.stdout
    assert_as_expected(spend, expected_marts(records))


@pytest.mark.parametrize("column", ["sms", "usage_eur", "is_partial"])
def test_given_a_missing_required_column_then_the_error_reports_it(spend: Spend, column: str) -> None:
    spend.change(f"ALTER TABLE sms.analytics DROP {column}")
    done = spend.dbt("run", "--select", "stg_sms__analytics")
    assert done.returncode != 0
    assert (
        f'The table "warehouse"."sms"."analytics" has no column {column}, which the models count with. Select it in '
        "the connection and sync the stream 'analytics' again."
    ) in " ".join(done.stdout.split())


def test_given_upper_case_columns_then_they_are_found(records: Records, tmp_path: Path, parsed: Path) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, records, "sms")
    for stream in records:
        for column in spend.rows(f"DESCRIBE sms.{stream}"):
            name = column["column_name"]
            spend.change(
                f"ALTER TABLE sms.{stream} RENAME {name} TO x_{name}",
                f"ALTER TABLE sms.{stream} RENAME x_{name} TO {name.upper()}",
            )
    done = spend.dbt("build", "--select", "+sms__daily_spend", *MODELS_ALONE)
    assert done.returncode == 0, done.stdout
    assert_as_expected(spend, expected_marts(records), "sms__daily_spend")


def test_given_an_account_renamed_within_a_month_then_the_statement_has_its_new_name(
    spend: Spend, records: Records
) -> None:
    def renamed(row: dict[str, Any]) -> dict[str, Any]:
        if row["account_id"] != "2001":
            return row
        return {**row, "company": "Zeta AG" if row["date"] < "2026-03-05" else "Alpha AG"}

    consumption = [renamed(row) for row in records["consumption"]]
    spend.change(
        "UPDATE sms.consumption SET company = 'Zeta AG' WHERE account_id = '2001' AND date < DATE '2026-03-05'",
        "UPDATE sms.consumption SET company = 'Alpha AG' WHERE account_id = '2001' AND date >= DATE '2026-03-05'",
    )
    assert spend.dbt("run").returncode == 0
    [march] = spend.rows("FROM spend.sms__monthly_statement WHERE account_id = '2001' AND month = DATE '2026-03-01'")
    assert march["account_name"] == "Alpha AG"
    assert_as_expected(spend, expected_without(records, consumption=consumption))


def test_given_a_first_month_then_the_list_price_is_of_the_first_list_and_marked(built: Spend) -> None:
    bases = built.rows(
        "SELECT DISTINCT list_price_basis AS basis FROM spend.sms__daily_spend WHERE provider = 'seven.io' "
        "AND country IS NOT NULL AND lowest_list_price IS NOT NULL"
    )
    assert {row["basis"] for row in bases} == {"before_first_list", "listed", "carried_forward"}
    first = built.rows("SELECT min(date) AS date FROM spend.stg_sms__pricing")[0]["date"]
    [early] = built.rows(
        f"SELECT count(*) AS n, count(lowest_list_price) AS priced FROM spend.sms__daily_spend "
        f"WHERE provider = 'seven.io' AND country = 'FR' AND date < DATE '{first}'"
    )
    assert early["n"] == early["priced"] > 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("UPDATE sms.balance SET amount = -3928", "owed"),
        ("UPDATE sms.balance SET currency = 'USD'", "other_currency"),
    ],
)
def test_given_a_negative_or_foreign_currency_balance_then_it_is_reported(
    spend: Spend, change: str, status: str
) -> None:
    spend.change(change)
    assert spend.dbt("run", "--select", "sms__balance_runout sms__completeness").returncode == 0
    [balance] = spend.rows("FROM spend.sms__balance_runout WHERE provider = 'seven.io' AND account_id IS NULL")
    assert balance["forecast_status"] == status
    spend.dbt("test", "--select", "tag:alert")
    alert = {"owed": "alert_balance_runs_out", "other_currency": "alert_balance_without_forecast"}[status]
    assert alert in spend.red()


@pytest.mark.parametrize("refund", [-50, -10_000_000])
def test_given_a_refund_larger_than_the_usage_then_the_day_is_negative(
    spend: Spend, records: Records, refund: int
) -> None:
    row = next(row for row in records["consumption"] if row["date"] == YESTERDAY and row["consumption"])
    consumption = [{**row, "consumption": refund}, *(each for each in records["consumption"] if each is not row)]
    spend.change(
        f"UPDATE sms.consumption SET consumption = {refund} WHERE date = DATE '{row['date']}' "
        f"AND account_id = '{row['account_id']}' AND country = '{row['country']}'"
    )
    done = spend.dbt("build", *MODELS_AND_SUMS)
    assert done.returncode == 0, done.stdout
    assert_as_expected(spend, expected_without(records, consumption=consumption))
    [balance] = spend.rows("FROM spend.sms__balance_runout WHERE provider = 'SMSFactor' AND account_id IS NULL")
    assert balance["forecast_status"] == "forecast"
    [month] = spend.rows("FROM spend.sms__month_forecast WHERE provider = 'SMSFactor'")
    [march] = spend.rows(
        "SELECT -sum(units) FILTER (units < 0) AS refunded FROM spend.sms__days "
        "WHERE date >= DATE '2026-03-01' AND provider = 'SMSFactor'"
    )
    assert month["refunded_to_date"] == (march["refunded"] or 0)


SCOPES = {
    "global": "vars:\n  alert_severity: warn\n",
    "scoped": "vars:\n  sms_spend:\n    alert_severity: warn\n",
    "--vars": "",
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_consuming_project_decides_how_severe_an_alert_is(
    records: Records, tmp_path: Path, parsed: Path, scope: str
) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, records, "sms")
    spend.change("UPDATE sms.balance SET amount = 1")
    project = shutil.copytree(CONSUMER, spend.folder / "consumer")
    (project / "packages.yml").write_text(f"packages:\n  - local: {PACKAGE}\n", encoding="utf-8")
    file = project / "dbt_project.yml"
    text = file.read_text(encoding="utf-8")
    own = "  streams_added: [analytics_by_subaccount_and_country, subaccount_balances, subaccount_credits]\n"
    if scope == "global":
        text = text.replace(own, own + "  alert_severity: warn\n")
    if scope == "scoped":
        text = text.replace(own, own + "  sms_spend:\n    alert_severity: warn\n")
    file.write_text(text, encoding="utf-8")
    variables = {"alert_severity": "warn"} if scope == "--vars" else {}
    assert spend.dbt("deps", project=project).returncode == 0
    done = spend.dbt("seed", project=project)
    assert done.returncode == 0, done.stdout
    done = spend.dbt("run", project=project, **variables)
    assert done.returncode == 0, done.stdout
    done = spend.dbt("test", "--select", "tag:alert", project=project, **variables)
    assert done.returncode == 0, done.stdout
    assert "alert_balance_runs_out" in spend.warned()


def test_given_several_connections_then_each_has_rows_of_its_own(
    records: Records, tmp_path: Path, parsed: Path
) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, records, "sms")
    # The second one has one provider, the same days, accounts and countries, and other figures.
    only = {name: rows for name, rows in records.items() if name.startswith(("analytics", "balance", "pricing"))}
    # It was last synced two days before the first one.
    second = {
        name: [
            {**row, "usage_eur": float(2 * Decimal(str(row["usage_eur"])))} if "usage_eur" in row else row
            for row in rows
            if "usage_eur" not in row or row["date"] <= "2026-03-09"
        ]
        for name, rows in only.items()
    }
    lay_tables(spend.database, second, "other")
    done = spend.dbt("build", *MODELS_AND_SUMS, sms_schemas=["sms", "other"])
    assert done.returncode == 0, done.stdout
    ours = expected_marts(records)
    others = expected_marts({**{stream: [] for stream in records}, **second}, Variables(source_relation="other"))
    assert_as_expected(spend, {mart: [*ours[mart], *others[mart]] for mart in ours})

    connections = {
        "sms": expected_finance(records),
        "other": expected_finance({**{stream: [] for stream in records}, **second}),
    }
    for mart in FINANCE_MARTS:
        if mart in ("sms__month_forecast", "sms__invoice_variance"):
            continue
        name = "x_source_relation" if mart.startswith("sms__focus") else "source_relation"
        expected = [{name: whose, **row} for whose, marts in connections.items() for row in marts[mart]]
        assert difference(spend.rows(f"FROM spend.{mart}"), expected) == NONE, mart

    # Both together, as far as both were read.
    days = {
        datetime.date.fromisoformat(row["date"]): ("EUR", 3 * row["amount"])
        for row in ours["sms__days"]
        if row["provider"] == "seven.io" and row["date"] <= "2026-03-09"
    }
    rows = of_the_rows(spend.rows("FROM spend.sms__month_forecast WHERE provider = 'seven.io'"))
    assert difference(rows, [forecast("seven.io", days, Finance())]) == NONE
    # No unit of SMSFactor has a price.
    amounts: dict[str, Decimal] = {}
    for row in (*connections["sms"]["sms__invoice_variance"], *connections["other"]["sms__invoice_variance"]):
        amounts[row["month"]] = amounts.get(row["month"], Decimal()) + row["statement_amount"]
    found = spend.rows("FROM spend.sms__invoice_variance")
    assert {str(row["month"]): row["statement_amount"] for row in found} == amounts


def test_given_a_misspelt_connection_then_the_error_reports_it(spend: Spend) -> None:
    done = spend.dbt("run", "--select", "stg_sms__analytics", sms_schemas=["sms", "smss"])
    assert done.returncode != 0
    assert (
        "The schema smss of sms_schemas has neither a table analytics nor a table consumption. Correct its name, or "
        "sync the connection first."
    ) in " ".join(done.stdout.split())


def large_case(spend: Spend, days: int, countries: int, accounts: int) -> float:
    """Seconds to build sms__daily_spend and what it needs, of usage of each account in each country on each day."""
    spend.change(
        "CREATE SCHEMA sms",
        f"""CREATE TABLE sms.analytics_by_subaccount_and_country AS
            SELECT DATE '2026-03-12' - CAST(d AS INTEGER) AS date, 'a' || a AS account_id, 'Account ' || a AS company,
                a = 0 AS is_main_account, 'C' || c AS country, 1 AS sms, 0 AS rcs, 0 AS voice, 0 AS hlr, 0 AS mnp,
                0 AS inbound, CAST(0.07 AS DECIMAL(38, 9)) AS usage_eur, false AS is_partial,
                TIMESTAMP '2026-03-12 12:00:00' AS _airbyte_extracted_at
            FROM range(1, {days + 1}) AS days(d), range({accounts}) AS accounts(a),
                range({countries}) AS countries(c)""",
        *(
            f"""CREATE TABLE sms.{stream} AS
                SELECT date, {columns} sum(sms) AS sms, 0 AS rcs, 0 AS voice, 0 AS hlr, 0 AS mnp, 0 AS inbound,
                    sum(usage_eur) AS usage_eur, false AS is_partial,
                    max(_airbyte_extracted_at) AS _airbyte_extracted_at
                FROM sms.analytics_by_subaccount_and_country GROUP BY ALL"""
            for stream, columns in {
                "analytics": "",
                "analytics_by_country": "country,",
                "analytics_by_subaccount": "company AS account,",
                "analytics_by_label": "'' AS label,",
            }.items()
        ),
        f"""CREATE TABLE sms.pricing AS
            SELECT DATE '2026-03-12' - CAST(d AS INTEGER) AS date, 'C' || c AS country_code, 'Country' AS country_name,
                '001' AS mcc, '' AS network_name, CAST(0.07 AS DECIMAL(38, 9)) AS price,
                TIMESTAMP '2026-03-12 12:00:00' AS _airbyte_extracted_at
            FROM range(1, {days + 1}) AS days(d), range({countries}) AS countries(c)""",
        """CREATE TABLE sms.balance AS SELECT DATE '2026-03-12' AS date, CAST(10 AS DECIMAL(38, 9)) AS amount,
            'EUR' AS currency, TIMESTAMP '2026-03-12 12:00:00' AS _airbyte_extracted_at""",
    )
    variables = {"smsfactor_enabled": False, "streams_added": ["analytics_by_subaccount_and_country"]}
    begun = time.monotonic()
    done = spend.dbt("build", "--exclude-resource-type", "test", "unit_test", **variables)
    assert done.returncode == 0, done.stdout
    return time.monotonic() - begun


def test_many_accounts_and_countries_build_in_seconds(tmp_path: Path) -> None:
    """`large.py` measures 400 days, 300 countries and 50 accounts."""
    spend = Spend(tmp_path)
    # With a join that has no equality, this takes minutes.
    assert large_case(spend, days=60, countries=200, accounts=20) < 60
    [rows] = spend.rows("SELECT count(*) AS n, sum(amount) AS amount FROM spend.sms__daily_spend")
    assert rows == {"n": 60 * 200 * 20, "amount": Decimal("16800")}
