"""The finance marts hold what an independent computation says, and the ledger finds each top-up and no other."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from dbt_sms_spend.integration_tests.finance import (
    EVERY_DAY,
    FINANCE_MARTS,
    at_any_time,
    of_the_rows,
    with_balances,
    without,
)
from dbt_sms_spend.integration_tests.spend import BY_ACCOUNT, MODELS_ALONE, TODAY, Records, Spend, lay_tables, once
from integration_tests.expected_finance import Finance, expected_finance, forecast
from integration_tests.expected_spend import NONE, Variables, difference, expected_marts

TOP_UPS = {
    "balance": {"2026-01-09": "1000", "2026-02-17": "1500"},
    "credits": {"2026-01-31": "250000"},
}
PRICES = (("2026-01-10", "0.05", "EUR"),)
BUDGET = (
    ("2026-03-01", "seven.io", "EUR", "1200"),
    ("2026-03-15", "seven.io", "EUR", "300"),
    ("2026-02-01", "seven.io", "EUR", "9"),
)


BROKEN = """
ALTER VIEW spend.{view} RENAME TO the_right_one;
CREATE VIEW spend.{view} AS SELECT * REPLACE ("{column}" + 1 AS "{column}") FROM spend.the_right_one;
"""


@pytest.mark.parametrize("mart", FINANCE_MARTS)
def test_a_finance_mart_holds_what_the_world_holds(built: Spend, records: Records, mart: str) -> None:
    expected = expected_finance(records)[mart]
    assert expected
    assert difference(of_the_rows(built.rows(f"FROM spend.{mart}")), expected) == NONE


@pytest.fixture(scope="session")
def planned(built: Spend, records: Records, shared: Path) -> tuple[Spend, Finance]:
    """The same with a budget, invoices and a price of SMSFactor units."""
    february = sum(
        row["amount"]
        for row in expected_marts(records)["sms__monthly_statement"]
        if row["month"] == "2026-02-01" and row["amount"]
    )
    invoices = (
        ("2026-02-28", "seven.io", "A-1", "EUR", f"{february:f}"),
        ("2026-01-31", "seven.io", "A-2", "EUR", "10"),
        ("2026-01-31", "seven.io", "A-3", "EUR", "20.5"),
        ("2026-01-01", "SMSFactor", "F-0", "EUR", "99999"),
        ("2026-02-01", "SMSFactor", "F-1", "EUR", "99999"),
        ("2025-11-01", "SMSFactor", "F-2", "EUR", "5"),
    )

    def make(folder: Path) -> None:
        spend = built.copy(folder)
        spend.change(
            *(f"INSERT INTO spend.sms_budget VALUES {row}" for row in BUDGET),
            *(f"INSERT INTO spend.sms_invoices VALUES {row}" for row in invoices),
            *(f"INSERT INTO spend.smsfactor_price_per_unit VALUES {row}" for row in PRICES),
        )
        done = spend.dbt("run")
        assert done.returncode == 0, done.stdout

    return Spend(once(shared, "planned", make)), Finance(budget=BUDGET, invoices=invoices)


@pytest.mark.parametrize("mart", FINANCE_MARTS)
def test_a_budget_invoices_and_prices_are_taken_in(planned: tuple[Spend, Finance], records: Records, mart: str) -> None:
    spend, finance = planned
    expected = expected_finance(records, Variables(prices=PRICES), finance)
    assert difference(of_the_rows(spend.rows(f"FROM spend.{mart}")), expected[mart]) == NONE
    if mart == "sms__month_forecast":
        assert {row["budget"] for row in expected[mart]} == {Decimal(1500), None}
    if mart == "sms__invoice_variance":
        assert {row["status"] for row in expected[mart]} >= {
            "agrees", "invoice is lower", "invoice is higher", "no usage", "no invoice", "units without a price",
        }  # fmt: skip
    if mart == "sms__focus_1_4":
        assert {row["InvoiceId"] for row in expected[mart]} == {None, "A-1", "F-0", "F-1"}


@pytest.mark.parametrize(
    ("top_ups", "days", "share_before", "booked"),
    [
        pytest.param(TOP_UPS, EVERY_DAY, lambda day: 0, TOP_UPS, id="each day begins with a snapshot"),
        pytest.param(TOP_UPS, EVERY_DAY, lambda day: 1, TOP_UPS, id="each day ends with a snapshot"),
        pytest.param(TOP_UPS, EVERY_DAY, at_any_time(1), TOP_UPS, id="a snapshot at any time of the day"),
        pytest.param(TOP_UPS, EVERY_DAY, at_any_time(2), TOP_UPS, id="a snapshot at any other time of the day"),
        pytest.param(
            TOP_UPS,
            EVERY_DAY[::3],
            lambda day: 0,
            {"balance": {"2026-01-09": "1000", "2026-02-17": "1500"}, "credits": {"2026-02-02": "250000"}},
            id="a snapshot every third day, the top-up booked on the last day before one",
        ),
        pytest.param(
            {
                "balance": {"2026-01-09": "20", "2026-01-10": "12.34", "2026-03-01": "5"},
                "credits": {"2026-01-31": "10"},
            },
            EVERY_DAY,
            lambda day: 0,
            {
                "balance": {"2026-01-09": "20", "2026-01-10": "12.34", "2026-03-01": "5"},
                "credits": {"2026-01-31": "10"},
            },
            id="small and odd top-ups",
        ),
        pytest.param({}, EVERY_DAY, at_any_time(3), {}, id="no top-up at all, at any time of the day"),
    ],
)
def test_the_ledger_finds_each_top_up_and_no_other(
    records: Records,
    modelled: Callable[..., Spend],
    top_ups: dict[str, dict[str, str]],
    days: list[datetime.date],
    share_before: Callable[[datetime.date], float],
    booked: dict[str, dict[str, str]],
) -> None:
    changed = with_balances(records, top_ups, days, share_before)
    spend = modelled(changed)
    rows = spend.rows("FROM spend.sms__balance_daily WHERE account_id IS NULL")
    for provider, stream in (("seven.io", "balance"), ("SMSFactor", "credits")):
        own = [row for row in rows if row["provider"] == provider]
        found = {str(row["date"]): row["top_up"] for row in own if row["top_up"]}
        assert found == {day: Decimal(amount) for day, amount in booked.get(stream, {}).items()}
        # The usage of today is not complete yet.
        assert {row["status"] for row in own if row["date"] < TODAY} <= {"explained", "topped up"}
    expected = expected_finance(changed)["sms__balance_daily"]
    assert difference(of_the_rows(spend.rows("FROM spend.sms__balance_daily")), expected) == NONE
    assert spend.dbt("test", "--select", "ledger_adds_up").returncode == 0


def test_what_is_not_known_is_no_top_up(records: Records, modelled: Callable[..., Spend]) -> None:
    """A day without usage, a balance in another currency, and money that left the balance."""
    changed = with_balances(records, {"balance": {"2026-01-09": "1000"}})
    changed = without(changed, "analytics", "2026-01-09")
    for row in changed["balance"]:
        row["amount"] -= Decimal(300) if row["date"] >= "2026-02-10" else 0
    spend = modelled(changed)
    status = "SELECT date, status, top_up, unexplained FROM spend.sms__balance_daily WHERE account_id IS NULL"
    rows = {str(row["date"]): row for row in spend.rows(f"{status} AND provider = 'seven.io'")}
    assert {day: row["status"] for day, row in rows.items() if row["status"] != "explained"} == {
        "2026-01-09": "usage not known",
        "2026-02-09": "unexplained",
    }
    assert rows["2026-02-09"]["unexplained"] == -300
    assert sum(row["top_up"] for row in rows.values()) == 0

    dollars = modelled(with_balances(records, TOP_UPS, currency="USD"), "+sms__balance_daily", "dollars")
    rows_of_seven = dollars.rows("FROM spend.sms__balance_daily WHERE account_id IS NULL AND provider = 'seven.io'")
    assert {(row["status"], row["measured_in"], row["used"], row["top_up"]) for row in rows_of_seven} == {
        ("other currency", "USD", None, 0)
    }


def test_a_negative_day_breaks_nothing(records: Records, modelled: Callable[..., Spend]) -> None:
    """SMSFactor refunds a campaign that it refused: more units come back than the day used."""
    refunded = {**records, "consumption": [dict(row) for row in records["consumption"]]}
    row = next(row for row in refunded["consumption"] if row["date"] == "2026-03-10" and row["consumption"])
    row["consumption"] = -250_000
    changed = with_balances(refunded, TOP_UPS)
    spend = modelled(changed)
    expected = expected_finance(changed)
    for mart in FINANCE_MARTS:
        assert difference(of_the_rows(spend.rows(f"FROM spend.{mart}")), expected[mart]) == NONE, mart
    done = spend.dbt("test", "--exclude", "tag:alert")
    assert done.returncode == 0, done.stdout
    found = spend.rows(
        "SELECT date FROM spend.sms__balance_daily WHERE top_up > 0 AND provider = 'SMSFactor' AND account_id IS NULL"
    )
    assert [str(row["date"]) for row in found] == ["2026-01-31"]


def test_price_changes_of_used_and_unused_countries_are_in_the_world(records: Records) -> None:
    """Without both the comparison of sms__price_changes would prove little."""
    rows = expected_marts(records)["sms__price_changes"]
    assert {row["sms_28_days"] > 0 for row in rows} == {True, False}
    assert any(row["amount_moved_28_days"] for row in rows)


def test_a_renamed_account_has_its_newest_name_in_all_months(records: Records, modelled: Callable[..., Spend]) -> None:
    renamed = {
        **records,
        BY_ACCOUNT: [
            {**row, "company": "Alpha AG" if row["date"] >= "2026-02-10" else "Zeta AG"}
            if row["account_id"] == "5310421"
            else row
            for row in records[BY_ACCOUNT]
        ],
    }
    spend = modelled(renamed, "+sms__chargeback")
    rows = of_the_rows(spend.rows("FROM spend.sms__chargeback"))
    assert {row["account_name"] for row in rows if row["account_id"] == "5310421"} == {"Alpha AG"}
    assert difference(rows, expected_finance(renamed)["sms__chargeback"]) == NONE


def test_a_missing_day_is_estimated_and_reported(records: Records, modelled: Callable[..., Spend]) -> None:
    changed = without(records, "analytics", "2026-03-03")
    spend = modelled(changed, "+sms__month_forecast")
    [row] = spend.rows("FROM spend.sms__month_forecast WHERE provider = 'seven.io'")
    assert (str(row["complete_to"]), row["days_missing_to_date"], row["days_estimated"]) == ("2026-03-11", 1, 21)
    assert difference(
        of_the_rows(spend.rows("FROM spend.sms__month_forecast")), expected_finance(changed)["sms__month_forecast"]
    ) == NONE  # fmt: skip


def test_the_range_of_large_figures_is_exact(records: Records, modelled: Callable[..., Spend]) -> None:
    """Binary fractions of 32 bits would lose the differences between the days."""
    large = [
        {**row, "consumption": row["consumption"] and row["consumption"] + 10**7} for row in records["consumption"]
    ]
    changed = {**records, "consumption": large}
    spend = modelled(changed, "+sms__month_forecast")
    rows = of_the_rows(spend.rows("FROM spend.sms__month_forecast"))
    assert difference(rows, expected_finance(changed)["sms__month_forecast"]) == NONE


@pytest.mark.parametrize("days", [3, 9, 40])
def test_a_short_history_has_no_range(records: Records, modelled: Callable[..., Spend], days: int) -> None:
    first = str(TODAY - datetime.timedelta(days=days))
    changed = {name: [row for row in rows if row["date"] >= first] for name, rows in records.items()}
    spend = modelled(changed, "+sms__month_forecast")
    rows = of_the_rows(spend.rows("FROM spend.sms__month_forecast"))
    assert difference(rows, expected_finance(changed)["sms__month_forecast"]) == NONE
    by = {3: ("mean of all days", True), 9: ("weekdays", True), 40: ("weekdays", False)}[days]
    assert {(row["forecast_by"], row["forecast_high"] is None) for row in rows} == {by}


@pytest.mark.parametrize("kind", ["independent days", "weeks of their own level", "campaigns"])
def test_the_range_holds_about_four_of_five_months(kind: str) -> None:
    """60 histories of two months each, cut off at five days of the month: 300 forecasts."""
    inside = []
    for seed in range(60):
        days = made_up_days(kind, seed)
        month = [day for day in days if (day.year, day.month) == (2025, 9 + seed % 2)]
        total = sum(days[day][1] for day in month)
        for last in (month[cut] for cut in (2, 7, 12, 17, 22)):
            row = forecast("seven.io", {day: used for day, used in days.items() if day <= last}, Finance())
            inside.append(row["forecast_low"] <= total <= row["forecast_high"])
    assert 0.70 <= sum(inside) / len(inside) <= 0.92


def made_up_days(kind: str, seed: int) -> dict[datetime.date, tuple[str, Decimal]]:
    chance = random.Random(seed)
    days, level = {}, 1.0
    for number in range(320):
        day = datetime.date(2025, 1, 1) + datetime.timedelta(days=number)
        if kind.startswith("weeks") and number % 7 == 0:
            level = max(0.3, chance.gauss(1, 0.2))
        used = 100 * (1, 1.1, 1.2, 1.1, 1, 0.4, 0.3)[day.weekday()] * level * max(0.05, chance.gauss(1, 0.25))
        if kind == "campaigns" and chance.random() < 0.06:
            used += chance.uniform(100, 600)
        days[day] = ("EUR", Decimal(f"{used:.4f}"))
    return days


@pytest.mark.parametrize(
    ("wrong", "red"),
    [
        ("UPDATE spend.sms__balance_daily SET top_up = top_up + 1 WHERE date = '2026-03-05'", {"ledger_adds_up"}),
        (
            "UPDATE spend.sms__balance_daily SET opening_balance = opening_balance + 1, "
            "closing_balance = closing_balance + 1 "
            "WHERE date = '2026-03-05'",
            {"ledger_adds_up"},
        ),
        (
            "UPDATE spend.sms__chargeback SET amount = amount + 0.0001 "
            "WHERE month = '2026-02-01' AND provider = 'seven.io'",
            {"adds_up_to_the_days_sms__chargeback_messages__units__amount__month"},
        ),
        (BROKEN.format(view="sms__focus_unpriced", column="PricingQuantity"), {"finance_adds_up"}),
        (BROKEN.format(view="sms__focus_1_4", column="BilledCost"), {"focus_adds_up_to_the_days"}),
        ("DELETE FROM spend.sms__effective_prices WHERE country = 'DE'", {"finance_adds_up"}),
    ],
)
def test_a_finance_mart_that_does_not_add_up_is_red(spend: Spend, wrong: str, red: set[str]) -> None:
    spend.change(wrong)
    spend.dbt("test", "--select", "models/finance", "tests/finance", "--exclude", "tag:alert")
    # sms__focus_1_2 is a view of sms__focus_1_4, and fails with it.
    of_1_2 = {test for test in spend.red() if "sms__focus_1_2" in test}
    assert spend.red() - of_1_2 == red


@pytest.fixture
def modelled(parsed: Path, tmp_path: Path) -> Callable[..., Spend]:
    """The models of other records, all or those that are selected, without their tests."""

    def build(records: Records, select: str = "", folder: str = "modelled") -> Spend:
        spend = Spend(tmp_path / folder, parsed)
        spend.folder.mkdir()
        lay_tables(spend.database, records, "sms")
        done = spend.dbt("build", *(["--select", select] if select else []), *MODELS_ALONE)
        assert done.returncode == 0, done.stdout
        return spend

    return build
