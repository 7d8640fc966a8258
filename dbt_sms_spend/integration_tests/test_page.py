"""The page of examples/dashboard.py, without a browser: what it says, and that its sums are the world's."""

from __future__ import annotations

import datetime
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from dbt_sms_spend.integration_tests.picture import PICTURE, picture
from dbt_sms_spend.integration_tests.spend import PACKAGE, TODAY, Records, Spend, lay_tables
from integration_tests.expected_spend import SEVEN, SMSFACTOR, expected_marts

PAGE = PACKAGE.parent / "examples/dashboard.py"
FIRST, LAST = "2026-02-12", "2026-03-11"
HEADINGS = ["EUR by day", "Units by day", "Balance", "Countries that moved", "Days far above what is usual"]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    return Look(monkeypatch)


class Look:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, database: Path, schema: str | None = "spend") -> AppTest:
        self._monkeypatch.setenv("SMS_SPEND_DUCKDB", str(database))
        if schema:
            self._monkeypatch.setenv("SMS_SPEND_SCHEMA", schema)
        return said(AppTest.from_file(str(PAGE), default_timeout=120).run())


def said(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    return page


def test_both_providers_have_sums_charts_and_balances_of_their_own(look: Look, built: Spend, records: Records) -> None:
    page = look(built.database)
    assert [heading.value for heading in page.subheader] == [*HEADINGS, "Price changes"]
    assert {metric.label: metric.value for metric in page.metric} == {
        f"seven.io, {FIRST} to {LAST}": f"EUR {used(records, SEVEN, FIRST, LAST):,.2f}",
        f"SMSFactor, {FIRST} to {LAST}": f"{used(records, SMSFACTOR, FIRST, LAST):,.0f} units",
        f"seven.io, {TODAY}": f"EUR {records['balance'][-1]['amount']:,.2f}",
        f"SMSFactor, {TODAY}": f"{records['credits'][-1]['credits']:,.0f} credits",
    }
    [accounts] = [table.value for table in page.dataframe if "Sub-account" in table.value]
    assert [*accounts["Used up"]] == [
        "2026-03-12",
        "2026-03-21",
        "2026-03-22, unless topped up before",
        "not known",
        "no limit of its own",
        "not known",
    ]
    assert [*accounts["Sub-account"]][:2] == ["Filiale Lyon", "Tochter Köln"]
    assert [*accounts["Balance"]] == ["700 credits", "EUR 923.40", "EUR 799.71", "EUR 10.00", "not known", "50 credits"]
    assert not page.warning
    assert "does not tell their price" in page.caption[0].value


def test_a_sum_is_compared_with_as_many_days_before(look: Look, built: Spend, records: Records) -> None:
    now, before = used(records, SEVEN, FIRST, LAST), used(records, SEVEN, "2026-01-15", "2026-02-11")
    page = look(built.database)
    assert page.metric[0].delta == f"{100 * (now / before - 1):+.1f} % to the period before"

    page.date_input[0].set_value((datetime.date(2025, 12, 21), TODAY - datetime.timedelta(days=1)))
    said(page.run())
    assert [metric.delta for metric in page.metric] == ["", "", "", ""]
    assert "nothing to compare with" in " ".join(text.value for text in page.markdown)


def test_one_provider_can_be_chosen_and_one_country(look: Look, built: Spend, records: Records) -> None:
    page = look(built.database)
    page.selectbox[0].set_value(SEVEN)
    page.multiselect[0].set_value(["Germany"])
    page.selectbox[1].set_value("provider")
    said(page.run())
    assert [heading.value for heading in page.subheader] == [
        *(h for h in HEADINGS if "Units" not in h),
        "Price changes",
    ]
    germany = used(records, SEVEN, FIRST, LAST, country="DE")
    assert page.metric[0].value == f"EUR {germany:,.2f}"
    tables = [table.value for table in page.dataframe]
    assert all(set(table["Country"]) == {"Germany"} for table in tables if "Country" in table)
    assert [{*table["Provider"]} for table in tables if "Sub-account" in table] == [{SEVEN}]

    page.selectbox[0].set_value(SMSFACTOR)
    said(page.run())
    assert [heading.value for heading in page.subheader] == [h for h in HEADINGS if "EUR" not in h]


def test_days_that_are_missing_partial_or_not_read_yet_are_said_plainly(look: Look, spend: Spend) -> None:
    spend.change(
        "UPDATE spend.sms__days SET status = 'missing' WHERE provider = 'seven.io' AND date = '2026-03-02'",
        "DELETE FROM spend.sms__days WHERE provider = 'SMSFactor' AND date >= '2026-03-11'",
    )
    page = look(spend.database)
    page.date_input[0].set_value((datetime.date(2026, 3, 1), TODAY))
    said(page.run())
    assert page.warning[0].value.split("\n\n") == [
        "seven.io: 2026-03-02 was never read and is in no sum. Run `make sync`.",
        "seven.io: 2026-03-12 was still running when it was read, and is not in the sums.",
        "SMSFactor: nothing was read after 2026-03-10.",
    ]
    spend.change("UPDATE spend.sms__daily_spend SET is_partial = true WHERE date = '2026-03-11'")
    said(page.run())
    assert "2026-03-12 was still running when it was read, and is in the sums, but not final." in page.warning[0].value


def test_a_price_makes_money_of_units(look: Look, spend: Spend, records: Records) -> None:
    spend.change("INSERT INTO spend.smsfactor_price_per_unit VALUES ('2025-01-01', 0.05, 'EUR')")
    assert spend.dbt("run").returncode == 0
    page = look(spend.database)
    assert page.subheader[0].value == "EUR by day"
    assert page.subheader[1].value == "Balance"
    units = used(records, SMSFACTOR, FIRST, LAST)
    assert page.metric[1].value == f"EUR {units * Decimal('0.05'):,.2f}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("postpaid = true", "The account is billed afterwards: its balance has no end."),
        ("unlimited = true", "The account has no limit of its own."),
        ("credits = 1", "Lasts **less than a day**, used up on 2026-03-12, at "),
        ("credits = 5000", "Lasts **1 day**, used up on 2026-03-13, at "),
        ("credits = 100000000", ", used up in more than ten years, at "),
    ],
)
def test_a_balance_says_when_it_ends(look: Look, spend: Spend, change: str, says: str) -> None:
    spend.change(f"UPDATE sms.credits SET {change}")
    assert spend.dbt("run", "--select", "stg_sms__credits+").returncode == 0
    page = look(spend.database)
    assert any(says in text.value for text in page.markdown)


def test_a_provider_without_a_key_is_not_offered(look: Look, records: Records, tmp_path: Path) -> None:
    spend = Spend(tmp_path)
    lay_tables(spend.database, {name: records[name] for name in ("credits", "consumption")}, "sms")
    assert spend.dbt("build", "--exclude", "tag:alert", seven_enabled=False, streams_added=[]).returncode == 0
    page = look(spend.database)
    assert page.selectbox[0].options == [SMSFACTOR]
    assert not any("Sub-account" in table.value for table in page.dataframe)
    assert [heading.value for heading in page.subheader] == [h for h in HEADINGS if "EUR" not in h]


def test_an_empty_and_a_missing_database_say_what_to_run(look: Look, spend: Spend, tmp_path: Path) -> None:
    missing = look(tmp_path / "none.duckdb", schema=None)
    assert missing.info[0].value == "There is no none.duckdb yet. Run `make sync`, then `make models`."

    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    empty = look(tmp_path / "empty.duckdb", schema=None)
    assert empty.info[0].value == "There are no models in empty.duckdb yet. Run `make sync`, then `make models`."

    spend.change("DELETE FROM spend.sms__days")
    no_days = look(spend.database)
    assert no_days.info[0].value == "There are no days of usage yet. Run `make sync`, then `make models`."


def test_a_database_that_is_being_written_says_to_wait(look: Look, spend: Spend) -> None:
    writer = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", writer, str(spend.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        page = look(spend.database)
        process.communicate()
    assert page.info[0].value == "A sync or `make models` is at work. Load this page again when it is done."


def test_the_picture_of_the_readme_is_the_pages(built: Spend) -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(built), "make picture draws it anew"
    assert "docs/spend.svg" in (PACKAGE.parent / "README.md").read_text(encoding="utf-8")


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
