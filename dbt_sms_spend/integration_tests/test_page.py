"""The page of examples/dashboard.py, without a browser: what it says, and that its sums are the world's."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dbt_sms_spend.integration_tests.finance import with_balances, without
from dbt_sms_spend.integration_tests.picture import PICTURE, picture
from dbt_sms_spend.integration_tests.spend import MODELS_ALONE, PACKAGE, TODAY, Records, Spend, lay_tables
from examples.dashboard_parts import charts, data, sections
from integration_tests.expected_finance import expected_finance
from integration_tests.expected_spend import SEVEN, SMSFACTOR, expected_marts

PAGE = PACKAGE.parent / "examples/dashboard.py"
FIRST, LAST = "2026-02-12", "2026-03-11"
PERIOD = "12 Feb 2026 to 11 Mar 2026"


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    return Look(monkeypatch)


class Look:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, database: Path, schema: str | None = "spend", **address: str) -> AppTest:
        self._monkeypatch.syspath_prepend(PAGE.parent)
        self._monkeypatch.setenv("SMS_SPEND_DUCKDB", str(database))
        self._monkeypatch.setenv("SMS_SPEND_TODAY", str(TODAY))
        if schema:
            self._monkeypatch.setenv("SMS_SPEND_SCHEMA", schema)
        page = AppTest.from_file(str(PAGE), default_timeout=120)
        for name, value in address.items():
            page.query_params[name] = value
        return said(page.run())


def said(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    return page


def headings(page: AppTest) -> list[str]:
    return [heading.value for heading in page.subheader]


def figures(page: AppTest, number: int) -> dict[str, tuple[str, str]]:
    """The figures of one row, by label: value and note."""
    starts = [n for n, metric in enumerate(page.metric) if metric.label.endswith("to date")] + [len(page.metric)]
    return {metric.label: (metric.value, metric.delta) for metric in page.metric[starts[number] : starts[number + 1]]}


def tables(page: AppTest, column: str) -> list[Any]:
    return [table.value for table in page.dataframe if column in table.value]


@contextmanager
def models(spend: Spend) -> Iterator[data.Spend]:
    with duckdb.connect(str(spend.database), read_only=True) as database:
        yield data.Spend(database, ["spend"])


def chosen(provider: str, first: str, last: str, *countries: str) -> data.Chosen:
    return data.Chosen((provider,), countries, datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))


def test_a_row_of_figures_for_each_provider_and_what_needs_action_above_it(
    look: Look, built: Spend, records: Records
) -> None:
    page = look(built.database)
    months = {row["provider"]: row for row in expected_finance(records)["sms__month_forecast"]}
    for number, provider in enumerate((SEVEN, SMSFACTOR)):
        row, unit = months[provider], ("EUR" if provider == SEVEN else "units")
        change = f"{100 * (row['month_to_date'] / row['last_month_to_same_day'] - 1):+.1f} %"
        spread = f"{row['forecast_low']:,.0f} to {row['forecast_high']:,.0f}"
        shown = figures(page, number)
        assert shown["March to date"] == (data.quantity(row["month_to_date"], unit), change)
        assert shown["March forecast"] == (data.quantity(row["forecast"], unit), spread)
        assert shown["Forecast vs. Feb"][0] == f"{100 * (row['forecast'] / row['last_month'] - 1):+.1f} %"
        assert shown["Complete to"] == ("11 Mar 2026", "no day missing")
    assert figures(page, 0)["Balance"] == (f"EUR {records['balance'][-1]['amount']:,.2f}", "lasts less than a day")
    assert figures(page, 1)["Balance"][0] == f"{records['credits'][-1]['credits']:,.0f} credits"
    assert figures(page, 0)["Cost per SMS"][0] == f"EUR {per_sms(records, FIRST, LAST):.4f}"
    [actions] = page.error
    assert actions.value.startswith(
        "**Needs action**\n\n- seven.io: the balance of EUR 143.55 lasts **less than a day**"
    )
    assert "Filiale Lyon: the balance of 700 credits lasts **less than a day**. Top up." in actions.value
    assert "on this weekday." in actions.value
    assert "seven.io: far less than usual in the last 3 days: " in page.warning[0].value
    kinds = [element.type for element in page.main]
    assert kinds.index("error") < kinds.index("metric")
    assert "does not tell their price" in " ".join(text.value for text in page.caption)
    for heading in ("spend by day, EUR", "countries, EUR", "unusual days, EUR"):
        assert f"seven.io: {heading}, {PERIOD}" in headings(page)
    for heading in ("usage by day, units", "countries, units", "unusual days, units"):
        assert f"SMSFactor: {heading}, {PERIOD}" in headings(page)
    [seven, smsfactor] = tables(page, "Share")
    assert ("Spend" in seven, "Spend" in smsfactor, "Units" in smsfactor) == (True, False, True)


def test_only_a_figure_that_needs_action_is_red(look: Look, spend: Spend) -> None:
    spend.change("UPDATE spend.sms__balance_runout SET days_left = 100 WHERE provider = 'SMSFactor'")
    page = look(spend.database)
    balances = [metric.proto for metric in page.metric if metric.label == "Balance"]
    assert balances[0].color == balances[0].MetricColor.RED
    assert balances[1].color == balances[1].MetricColor.GRAY
    assert balances[0].delta == "lasts less than a day"


def test_nothing_needs_action_where_nothing_is_wrong(look: Look, spend: Spend) -> None:
    spend.change(
        "UPDATE spend.sms__balance_runout SET days_left = 15, balance = 1000",
        "DELETE FROM spend.sms__unusual_days",
        "UPDATE spend.sms__balance_daily SET status = 'explained'",
    )
    page = look(spend.database)
    assert (len(page.error), len(page.warning), page.success[0].value) == (0, 0, "Nothing needs action.")


def test_a_budget_and_an_invoice_are_worth_a_look(look: Look, spend: Spend) -> None:
    spend.change(
        """UPDATE spend.sms__month_forecast SET budget = 7000, forecast_above_budget = forecast - 7000
           WHERE provider = 'seven.io'""",
        """UPDATE spend.sms__invoice_variance
           SET status = 'invoice is lower', invoices = 1, invoice_amount = 1, variance = -3.5
           WHERE month = '2026-02-01' AND provider = 'seven.io'""",
    )
    page = look(spend.database)
    assert "the forecast for March is EUR 924.12 above the budget of EUR 7,000.00." in page.warning[0].value
    assert "the invoice for February 2026 is lower than the statement by EUR 3.50." in page.warning[0].value
    assert figures(page, 0)["March budget"] == ("EUR 7,000.00", "+13.2 %")
    assert [*tables(page, "Invoiced")[0]["Variance"]] == [-3.5]


def test_the_choice_is_in_the_address(look: Look, built: Spend, records: Records) -> None:
    page = look(built.database, provider=SEVEN, country="Germany", period="Last month")
    assert [heading for heading in headings(page) if "spend by" in heading] == [
        "seven.io: spend by day, EUR, 1 Feb 2026 to 28 Feb 2026"
    ]
    says = "The figures above, balances, accounts, labels and the statement include all countries."
    assert says in [text.value for text in page.caption]
    assert says not in [text.value for text in look(built.database).caption]
    [countries] = tables(page, "12 weeks")
    assert [*countries["Country"]] == ["Germany"]
    assert [*countries["Spend"]] == [float(used(records, SEVEN, "2026-02-01", "2026-02-28", country="DE"))]

    page.selectbox(key="period").set_value("All days")
    said(page.run())
    assert "seven.io: spend by week, EUR, 20 Dec 2025 to 11 Mar 2026" in headings(page)

    page.selectbox(key="period").set_value("Other dates")
    said(page.run())
    page.date_input(key="dates").set_value((datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)))
    said(page.run())
    assert "seven.io: spend by day, EUR, 1 Jan 2026 to 2 Jan 2026" in headings(page)


def test_the_countries_are_numbers_that_sort(look: Look, built: Spend, records: Records) -> None:
    [countries] = tables(look(built.database, provider=SEVEN), "Per SMS")
    for name in ("Spend", "Change", "Share", "Per SMS", "List from", "List to", "Over list"):
        assert countries[name].dtype.kind == "f", name
    assert [*countries["Spend"]] == sorted(countries["Spend"], reverse=True)
    total = used(records, SEVEN, FIRST, LAST)
    assert sum(countries["Spend"]) == pytest.approx(float(total))
    [germany] = countries[countries["Country"] == "Germany"].to_dict("records")
    now, before = used(records, SEVEN, FIRST, LAST, "DE"), used(records, SEVEN, "2026-01-15", "2026-02-11", "DE")
    assert germany["Change"] == pytest.approx(float(100 * (now / before - 1)))
    assert germany["Share"] == pytest.approx(float(100 * now / total))
    # The first of the 12 weeks begins before the first day that was read.
    weeks = [(datetime.date(2026, 3, 11) - datetime.timedelta(days=7 * n)) for n in range(10, -1, -1)]
    line = [used(records, SEVEN, str(end - datetime.timedelta(days=6)), str(end), "DE") for end in weeks]
    assert germany["12 weeks"] == pytest.approx([float(week) for week in line])


def test_a_change_is_shown_only_between_whole_periods(look: Look, built: Spend) -> None:
    page = look(built.database, provider=SEVEN, period="All days")
    [countries] = tables(page, "Per SMS")
    assert "Change" not in countries
    assert any("No change is shown" in text.value for text in page.caption)


def test_a_line_has_no_weeks_that_were_not_read(look: Look, spend: Spend) -> None:
    spend.change("DELETE FROM spend.sms__days WHERE date < '2026-02-12'")
    [countries] = tables(look(spend.database, provider=SEVEN), "12 weeks")
    assert {len(line) for line in countries["12 weeks"]} == {4}


def test_a_refund_has_no_share_and_no_change(look: Look, spend: Spend) -> None:
    spend.change(
        "UPDATE spend.sms__daily_spend SET units = -250000 "
        "WHERE provider = 'SMSFactor' AND date = '2026-03-05' AND country = 'FR'"
    )
    [countries] = tables(look(spend.database, provider=SMSFACTOR), "12 weeks")
    france = countries[countries["Country"] == "France"]
    assert france["Share"].isna().all()
    assert france["Change"].isna().all()
    assert sum(countries["Share"].dropna()) == pytest.approx(100)


def test_a_price_is_compared_only_with_a_whole_period(look: Look, spend: Spend) -> None:
    assert figures(look(spend.database), 0)["Cost per SMS"][1].endswith(" %")
    spend.change("UPDATE spend.sms__days SET status = 'missing' WHERE date = '2026-02-01'")
    assert figures(look(spend.database), 0)["Cost per SMS"][1] == "in the period"


def test_a_figure_that_stays_the_same_has_no_sign() -> None:
    assert data.percent(Decimal("100.01"), Decimal(100)) == data.percent(Decimal("99.99"), Decimal(100)) == "0.0 %"
    assert data.percent(Decimal(90), Decimal(100)) == "-10.0 %"


@pytest.mark.parametrize(
    ("first", "last", "step", "says"),
    [
        (
            "2023-03-12",
            "2026-03-11",
            "month",
            "Not a whole month: the first bar starts on 12 Mar 2023 and the last bar ends on 11 Mar 2026.",
        ),
        ("2024-02-01", "2026-03-11", "month", "Not a whole month: the last bar ends on 11 Mar 2026."),
        ("2024-02-01", "2026-02-28", "month", ""),
        ("2025-12-15", "2026-03-08", "week", ""),
        ("2025-12-20", "2026-03-08", "week", "Not a whole week: the first bar starts on 20 Dec 2025."),
        (FIRST, LAST, "day", ""),
    ],
)
def test_a_bar_of_less_than_a_whole_period_is_reported(first: str, last: str, step: str, says: str) -> None:
    assert charts.parts_of_steps(chosen(SEVEN, first, last), step) == says


def test_the_page_reports_which_bars_are_cut_by_the_period(look: Look, built: Spend) -> None:
    page = look(built.database, provider=SEVEN, period="All days")
    captions = [text.value for text in page.caption]
    assert "Not a whole week: the first bar starts on 20 Dec 2025 and the last bar ends on 11 Mar 2026." in captions


def test_bars_add_up_and_days_without_usage_are_zero(built: Spend, records: Records) -> None:
    with models(built) as spend:
        for first, last, step in ((FIRST, LAST, "day"), ("2025-12-20", LAST, "week"), ("2025-01-01", LAST, "month")):
            rows, by, _ = charts.days_of(spend, chosen(SEVEN, first, last), "EUR")
            assert by == step
            assert sum(row["used"] for row in rows) == pytest.approx(float(used(records, SEVEN, first, last)))
        rows, _, _ = charts.days_of(spend, chosen(SEVEN, FIRST, LAST), "EUR")
        parts = {row["part"] for row in rows}
        assert len(rows) == 28 * len(parts)
        assert {row["used"] for row in rows if row["day"].startswith("2026-02-13")} == {0}


def test_a_country_has_one_colour_whatever_is_chosen(built: Spend) -> None:
    with models(built) as spend:
        colours = charts.colours_of(spend)
        pictures = []
        for countries in ((), ("Germany", "Italy")):
            choice = chosen(SEVEN, FIRST, LAST, *countries)
            rows, step, form = charts.days_of(spend, choice, "EUR")
            chart, _ = charts.days_chart(rows, [], choice, step, form, colours)
            scale = chart.to_dict()["layer"][0]["encoding"]["color"]["scale"]
            pictures.append(dict(zip(scale["domain"], scale["range"], strict=True)))
    assert pictures[1].items() <= pictures[0].items()
    assert len(set(pictures[0].values())) == len(pictures[0])


def test_a_refund_flattens_no_other_bar(look: Look, spend: Spend) -> None:
    spend.change(
        "UPDATE spend.sms__daily_spend SET units = -250000 "
        "WHERE provider = 'SMSFactor' AND date = '2026-03-05' AND country = 'FR'"
    )
    with models(spend) as own:
        choice = chosen(SMSFACTOR, FIRST, LAST)
        rows, step, form = charts.days_of(own, choice, "units")
        chart, is_cut = charts.days_chart(rows, [], choice, step, form, charts.colours_of(own))
    lowest, highest = chart.to_dict()["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert is_cut
    assert -highest / 3 < lowest < 0
    page = look(spend.database, provider=SMSFACTOR)
    assert any("The bar of 5 Mar 2026 is cut off: France" in text.value for text in page.caption)


def test_a_chart_says_how_many_countries_it_does_not_name(look: Look, spend: Spend) -> None:
    spend.change(
        "INSERT INTO spend.sms__daily_spend SELECT * EXCLUDE n REPLACE ('C' || n AS country, 100 AS units) FROM ("
        "FROM spend.sms__daily_spend WHERE provider = 'SMSFactor' AND date = '2026-03-05' LIMIT 1), range(300) AS _(n)"
    )
    page = look(spend.database, provider=SMSFACTOR)
    [countries] = tables(page, "Share")
    named = countries.nlargest(charts.PARTS_NAMED, "Units")["Share"].sum()
    says = f"All others: {len(countries) - charts.PARTS_NAMED} countries, {100 - named:.1f} % of the usage."
    assert any(says in text.value for text in page.caption), [text.value for text in page.caption]


@pytest.mark.parametrize("days", [28, 90, 400, 1095, 3650])
def test_no_period_has_hundreds_of_bars(days: int) -> None:
    step = next(step for longest, step, _ in charts.STEPS if days <= longest)
    assert days / {"day": 1, "week": 7, "month": 30}[step] <= 122


def test_missing_days_are_reported_on_the_first_build_too(
    look: Look, records: Records, tmp_path: Path, parsed: Path
) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, without(records, "analytics", "2026-03-03"), "sms")
    assert spend.dbt("build", *MODELS_ALONE).returncode == 0
    page = look(spend.database)
    assert (
        "seven.io: 3 Mar 2026 was not read, and no sum includes it. The data is complete to 2 Mar 2026. "
        "Run `make sync`." in page.error[0].value
    )
    assert figures(page, 0)["Complete to"] == ("2 Mar 2026", "1 day missing")
    assert figures(page, 0)["March to date"][1] == "1 day not in it"
    assert any("Red bands" in text.value for text in page.caption)


def test_old_and_invalid_days_are_reported(look: Look, spend: Spend, monkeypatch: pytest.MonkeyPatch) -> None:
    spend.change(
        "UPDATE spend.sms__days SET status = 'invalid' "
        "WHERE provider = 'seven.io' AND date IN ('2026-03-02', '2026-03-04')",
        "UPDATE spend.sms__days SET status = 'partial' WHERE provider = 'SMSFactor' AND date = '2026-03-01'",
        "UPDATE spend.sms__completeness SET complete_to = '2026-03-01', last_complete_day = '2026-03-08' "
        "WHERE provider = 'seven.io'",
    )
    says = look(spend.database).error[0].value
    assert (
        "seven.io: 2 Mar 2026, 4 Mar 2026 have no valid figures, and no sum includes them. The data is complete to 1"
        in says
    )
    assert "SMSFactor: 1 Mar 2026 was still running when it was read, and no sum includes it." in says
    assert "seven.io: no day after 8 Mar 2026 is complete. Run `make sync`." in says


def test_tables_of_two_builds_are_not_added_up(look: Look, spend: Spend) -> None:
    spend.change("UPDATE spend.sms__daily_spend SET built_at = built_at - INTERVAL 1 DAY")
    page = look(spend.database)
    assert "These are older: sms__daily_spend (" in page.error[0].value
    assert "this page shows none. Run `make models`." in page.error[0].value
    assert not page.metric
    spend.change("DROP TABLE spend.sms__chargeback")
    assert look(spend.database).error[0].value == "The last build has no sms__chargeback. Run `make models`."


def test_a_build_that_stopped_half_way_is_not_added_up(look: Look, spend: Spend) -> None:
    assert spend.dbt("run", "--select", "sms__days").returncode == 0
    page = look(spend.database)
    assert "Figures of different builds do not add up" in page.error[0].value
    assert not page.metric


def test_a_price_makes_money_of_units_and_a_sum_of_both(look: Look, spend: Spend, records: Records) -> None:
    spend.change("INSERT INTO spend.smsfactor_price_per_unit VALUES ('2025-01-01', 0.05, 'EUR')")
    assert spend.dbt("run").returncode == 0
    page = look(spend.database)
    assert headings(page)[:3] == ["All providers, EUR", "seven.io, EUR", "SMSFactor, EUR"]
    units = used(records, SMSFACTOR, "2026-03-01", LAST) * Decimal("0.05")
    assert figures(page, 2)["March to date"][0] == f"EUR {units:,.2f}"
    assert figures(page, 0)["March to date"][0] == f"EUR {used(records, SEVEN, '2026-03-01', LAST) + units:,.2f}"
    assert figures(page, 2)["Cost per unit"][0] == "EUR 0.0500"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("postpaid = true", "The account is billed afterwards: its balance has no end."),
        ("unlimited = true", "The account has no limit of its own."),
        ("credits = 1", "1 credits on 12 Mar 2026 last **less than a day**, until 12 Mar 2026, at "),
        ("credits = 5000", "last **1 day**, until 13 Mar 2026, at "),
        ("credits = 100000000", ", for more than ten years, at "),
        ("credits = -20", "20 credits owed on 12 Mar 2026."),
    ],
)
def test_a_balance_reports_when_it_runs_out(look: Look, spend: Spend, change: str, says: str) -> None:
    spend.change(f"UPDATE sms.credits SET {change}")
    assert spend.dbt("run").returncode == 0
    page = look(spend.database)
    assert any(says in text.value for text in page.markdown), [text.value for text in page.markdown]
    assert ("SMSFactor: 20 credits are owed. Top up." in page.error[0].value) == (change == "credits = -20")


def test_refunds_of_the_month_are_said(look: Look, spend: Spend) -> None:
    spend.change(
        "UPDATE spend.sms__month_forecast SET forecast = -150000, month_to_date = -200000, refunded_to_date = 250000 "
        "WHERE provider = 'SMSFactor'"
    )
    page = look(spend.database)
    [said_of_refunds] = [text.value for text in page.caption if "refunds" in text.value]
    assert said_of_refunds == (
        "SMSFactor: refunds of 250,000 units are subtracted from March to date and from its forecast."
    )


def test_tables_show_whole_units_and_a_minus() -> None:
    assert (sections.form_of("units"), sections.form_of("credits"), sections.form_of("EUR")) == (
        "%,.0f",
        "%,.0f",
        "%,.2f",
    )


def test_a_balance_in_another_currency_is_reported(look: Look, spend: Spend) -> None:
    spend.change("UPDATE sms.balance SET currency = 'USD'")
    assert spend.dbt("run").returncode == 0
    page = look(spend.database)
    assert "seven.io: the balance is in USD, not in EUR. Nothing says when it runs out." in page.error[0].value
    assert figures(page, 0)["Balance"] == ("USD 143.55", "not in EUR")


def test_the_history_of_a_balance_has_its_top_ups_and_a_forecast(
    look: Look, records: Records, tmp_path: Path, parsed: Path
) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, with_balances(records, {"balance": {"2026-02-06": "19000"}}), "sms")
    assert spend.dbt("build", *MODELS_ALONE).returncode == 0
    page = look(spend.database)
    captions = [text.value for text in page.caption]
    assert "Top-ups, detected from balance and usage: EUR 19,000.00 on 6 Feb 2026." in captions
    [row] = spend.rows("FROM spend.sms__balance_runout WHERE provider = 'seven.io' AND account_id IS NULL")
    with models(spend) as own:
        history = sections.history_of(own, chosen(SEVEN, FIRST, LAST), row)
    lines, marks = charts.balance_chart(history, row).to_dict()["layer"]
    kinds = [point["kind"] for point in lines["data"]["values"]]
    assert kinds == ["Balance"] * (len(history) + 1) + ["Forecast"] * 2
    assert [(point["day"][:10], point["amount"]) for point in marks["data"]["values"]] == [("2026-02-07", 19000.0)]


def test_only_balances_that_were_read_are_drawn(look: Look, built: Spend) -> None:
    with models(built) as own:
        [row] = own.ask("FROM sms__balance_runout WHERE provider = 'seven.io' AND account_id IS NULL")
        history = sections.history_of(own, chosen(SEVEN, FIRST, LAST), row)
        read = own.ask("SELECT date, amount FROM sms.balance ORDER BY date")
    points = charts.balance_chart(history, row).to_dict()["layer"][0]["data"]["values"]
    drawn = [(point["day"][:10], point["left"]) for point in points if point["kind"] == "Balance"]
    assert drawn == [(str(row["date"]), float(row["amount"])) for row in read]
    assert "The line is straight where no sync read the balance." in [
        text.value for text in look(built.database).caption
    ]


def test_a_balance_that_was_read_once_is_a_point_with_a_tick_for_each_day(built: Spend) -> None:
    [row] = built.rows("FROM spend.sms__balance_runout WHERE provider = 'SMSFactor' AND account_id IS NULL")
    drawn = charts.balance_chart([], row).to_dict()["layer"]
    assert drawn[1]["mark"]["type"] == "point"
    assert drawn[0]["encoding"]["x"]["axis"]["tickCount"] == {"interval": "day", "step": 1}


def test_sub_accounts_are_sorted_by_days_left(look: Look, built: Spend) -> None:
    page = look(built.database)
    assert "seven.io: sub-accounts by days left, EUR" in headings(page)
    assert "SMSFactor: sub-accounts by days left, credits" in headings(page)
    seven, smsfactor = tables(page, "Days left")
    assert [*seven["Account"]][:2] == ["Tochter Köln", "Filiale Süd/West"]
    assert [*seven["Days left"]][:2] == [9, 10]
    assert [*seven["Balance"]][:2] == [923.40, 799.71]
    assert [*seven["Note"]][1] == "topped up by the main account"
    assert (smsfactor["Account"][0], smsfactor["Days left"][0], smsfactor["Balance"][0]) == ("Filiale Lyon", 0, 700)


def test_a_column_without_figures_is_left_out(look: Look, built: Spend) -> None:
    [statement] = tables(look(built.database, provider=SMSFACTOR), "Id")
    assert [*statement] == ["Account", "Month", "Units", "Days", "Provider", "Id"]


def test_the_main_account_is_named(look: Look, built: Spend) -> None:
    for table in tables(look(built.database, provider=SEVEN), "Account")[1:]:
        assert "Main account" in [*table["Account"]]
        assert "main" not in [*table["Account"]]


def test_accounts_and_labels_by_month(look: Look, built: Spend, records: Records) -> None:
    page = look(built.database, provider=SEVEN)
    [accounts], [labels] = tables(page, "Account")[1:2], tables(page, "Label")
    for name, mart, table in (
        ("account_name", "sms__chargeback", accounts),
        ("label", "sms__spend_by_label_month", labels),
    ):
        rows = [
            row for row in expected_finance(records)[mart] if (row["provider"], row["month"]) == (SEVEN, "2026-02-01")
        ]
        assert sum(table["Feb 2026"]) == pytest.approx(float(sum(row["amount"] for row in rows))), name
        assert table["Feb 2026"].dtype.kind == "f"


def test_price_changes_of_used_countries_come_first(look: Look, built: Spend) -> None:
    [changes] = tables(look(built.database), "Moved in 28 days")
    moved = [abs(value) for value in changes["Moved in 28 days"] if value == value]
    assert moved == sorted(moved, reverse=True)
    assert changes["SMS"].iloc[0] > 0
    assert {*changes["What"]} == {"rose", "fell", "new", "removed"}


def test_the_statement_can_be_downloaded(built: Spend, records: Records, look: Look) -> None:
    expected = expected_marts(records)["sms__monthly_statement"]
    with models(built) as spend:
        rows = spend.ask("FROM sms__monthly_statement")
    text = sections.csv_of(rows).decode("utf-8-sig")
    read = [*csv.DictReader(io.StringIO(text))]
    assert sum(Decimal(row["amount"]) for row in read if row["amount"]) == sum(row["amount"] or 0 for row in expected)
    assert {row["account_name"] for row in read} >= {"Tochter Köln"}
    page = look(built.database)
    [button] = page.get("download_button")
    assert "sms-statement-2026-02-to-2026-03.csv" in json.dumps(str(button.proto)) or button
    [statement] = tables(page, "Messages")
    assert len(statement) == len([row for row in expected if row["month"] in ("2026-02-01", "2026-03-01")])


def test_a_provider_without_a_key_is_not_offered(look: Look, records: Records, tmp_path: Path, parsed: Path) -> None:
    spend = Spend(tmp_path, parsed)
    lay_tables(spend.database, {name: records[name] for name in ("credits", "consumption")}, "sms")
    assert spend.dbt("build", *MODELS_ALONE, seven_enabled=False, streams_added=[]).returncode == 0
    page = look(spend.database)
    assert page.selectbox[0].options == [SMSFACTOR]
    assert not tables(page, "Days left")
    assert not [heading for heading in headings(page) if "EUR" in heading]


def test_an_empty_and_a_missing_database_report_what_to_run(look: Look, spend: Spend, tmp_path: Path) -> None:
    missing = look(tmp_path / "none.duckdb", schema=None)
    assert missing.error[0].value == "There is no none.duckdb yet. Run `make sync`, then `make models`."

    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    empty = look(tmp_path / "empty.duckdb", schema=None)
    assert empty.error[0].value == "There are no models in empty.duckdb yet. Run `make sync`, then `make models`."

    spend.change("DELETE FROM spend.sms__completeness")
    assert look(spend.database).error[0].value.startswith("No day of usage is complete yet.")


def test_a_database_that_is_being_written_shows_a_request_to_wait(look: Look, spend: Spend) -> None:
    writer = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", writer, str(spend.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        page = look(spend.database)
        process.communicate()
    assert page.error[0].value == "A sync or `make models` is running. Load this page again when it has finished."


def test_the_picture_in_the_readme_shows_the_current_page(built: Spend) -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(built), "run dbt_sms_spend.integration_tests.picture"
    assert "docs/spend.svg" in (PACKAGE.parent / "README.md").read_text(encoding="utf-8")


def test_the_exposure_names_every_model_of_the_page(built: Spend) -> None:
    manifest = json.loads((built.folder / "target/manifest.json").read_text(encoding="utf-8"))
    [page] = manifest["exposures"].values()
    files = [PAGE, *PAGE.with_name("dashboard_parts").glob("*.py")]
    read = {name for file in files for name in re.findall(r"\bsms__\w+", file.read_text(encoding="utf-8"))}
    assert {node.rsplit(".", 1)[1] for node in page["depends_on"]["nodes"]} == read & built.models().keys()


def per_sms(records: Records, first: str, last: str) -> Decimal:
    rows = [
        row
        for row in expected_marts(records)["sms__daily_spend"]
        if row["amount_per_sms"] is not None and first <= row["date"] <= last
    ]
    return sum((row["amount"] for row in rows), Decimal()) / sum(row["messages"] for row in rows)


def used(records: Records, provider: str, first: str, last: str, country: str | None = None) -> Decimal:
    figure = "amount" if provider == SEVEN else "units"
    return sum(
        (
            row[figure]
            for row in expected_marts(records)["sms__daily_spend"]
            if row["provider"] == provider and first <= row["date"] <= last and country in (None, row["country"])
        ),
        Decimal(),
    )
