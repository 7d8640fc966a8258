"""Each mart holds what the sandbox's world says, and nothing else."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from dbt_sms_spend.integration_tests.finance import FINANCE_MARTS, of_the_rows
from dbt_sms_spend.integration_tests.spend import (
    CONSUMER,
    DAY_WITHOUT_AN_ACCOUNT,
    DAYS_WITHOUT_ACCOUNTS,
    FIRST_DAY,
    FIRST_DAY_BY_ACCOUNT,
    MARTS,
    PACKAGE,
    TODAY,
    Records,
    Spend,
    lay_tables,
    once,
)
from integration_tests.expected_finance import expected_finance
from integration_tests.expected_spend import NONE, SEVEN, Variables, difference, expected_marts

OUR_PRICES = (("2026-02-01", "0.0451", "EUR"), ("2026-03-05", "0.04725", "CHF"))


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_holds_what_the_world_holds(built: Spend, records: Records, mart: str) -> None:
    expected = expected_marts(records)[mart]
    assert expected
    assert difference(built.rows(f"FROM spend.{mart}"), expected) == NONE


@pytest.fixture(scope="session")
def consumed(records: Records, shared: Path) -> Spend:
    """The package in the project of consumer/, which has prices and accounts of its own and wants partial days."""

    def make(folder: Path) -> None:
        spend = Spend(folder)
        lay_tables(spend.database, records, "sms")
        project = shutil.copytree(CONSUMER, spend.folder / "consumer")
        (project / "packages.yml").write_text(f"packages:\n  - local: {PACKAGE}\n", encoding="utf-8")
        for command in (("deps",), ("build", "--exclude", "tag:alert")):
            done = spend.dbt(*command, project=project)
            assert done.returncode == 0, done.stdout

    return Spend(once(shared, "consumed", make))


@pytest.mark.parametrize("mart", [*MARTS, *FINANCE_MARTS])
def test_a_consuming_project_has_its_own_prices_accounts_and_partial_days(
    consumed: Spend, records: Records, mart: str
) -> None:
    variables = Variables(
        include_partial_days=True,
        prices=OUR_PRICES,
        seven_balance_accounts=("Main GmbH",),
        smsfactor_balance_accounts=("1001",),
    )
    expected = expected_marts(records, variables) | expected_finance(records, variables)
    rows = consumed.rows(f"FROM spend.{mart}")
    if mart in FINANCE_MARTS:
        rows = of_the_rows(rows)
    assert difference(rows, expected[mart]) == NONE


def test_a_consuming_project_can_replace_a_macro(consumed: Spend) -> None:
    assert consumed.rows("SELECT DISTINCT mncs, features FROM spend.stg_sms__pricing WHERE mncs IS NOT NULL") == [
        {"mncs": "ours", "features": "ours"}
    ]


def test_the_world_of_these_tests_has_what_could_go_wrong(records: Records) -> None:
    """Without it the tests above would prove little."""
    marts = expected_marts(records, Variables(include_partial_days=True, prices=OUR_PRICES))
    assert {row["change"] for row in marts["sms__price_changes"]} == {"came", "went", "rose", "fell"}
    assert {row["is_partial"] for row in marts["sms__daily_spend"]} == {True, False}
    assert {row["currency"] for row in marts["sms__monthly_statement"] if row["units"]} == {None, "EUR", "CHF"}
    assert {row["is_whole_month"] for row in marts["sms__monthly_statement"]} == {True, False}
    nameless = {DAY_WITHOUT_AN_ACCOUNT, *DAYS_WITHOUT_ACCOUNTS}
    for day in {str(FIRST_DAY), FIRST_DAY_BY_ACCOUNT, str(TODAY - timedelta(days=1)), str(TODAY), *nameless}:
        rows = [row for row in marts["sms__daily_spend"] if (row["provider"], row["date"]) == (SEVEN, day)]
        is_nameless = day in nameless or day < FIRST_DAY_BY_ACCOUNT
        assert {row["account_id"] is None for row in rows} == {is_nameless}, day
    balances = {row["account_id"]: row for row in marts["sms__balance_runout"]}
    assert balances.keys() == {None, "5310421", "5310422", "7", "2001", "2002", "6"}
    assert any(
        row["usage_eur"] < 0 for row in records["analytics_by_subaccount_and_country"] if row["account_id"] == "7"
    )
    assert any(row["amount_per_sms"] for row in marts["sms__daily_spend"])
    assert any(row["country"] is None for row in marts["sms__daily_spend"])
