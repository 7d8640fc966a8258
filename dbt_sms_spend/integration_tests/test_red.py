"""Each test of the package is seen red on data made wrong, and those of the sums alone where only a sum is wrong."""

from __future__ import annotations

import pytest

from dbt_sms_spend.integration_tests.spend import BY_ACCOUNT, DAYS_WITHOUT_ACCOUNTS, TODAY, Spend

YESTERDAY = "DATE '2026-03-11'"
# The sandbox's balances are low, and its countries jump from day to day.
LOUD = {"alert_balance_runs_out", "alert_country_spike"}
OF_YESTERDAY = f"date = {YESTERDAY} AND sms > 0"
OF_A_DAY_WITHOUT_ACCOUNTS = f"date = DATE '{DAYS_WITHOUT_ACCOUNTS[-1]}' AND sms > 0"
AN_ACCOUNT_SENT_MORE = f"""UPDATE sms.{BY_ACCOUNT} SET sms = sms + 1 WHERE {OF_YESTERDAY} AND (account_id, country) =
    (SELECT max((account_id, country)) FROM sms.{BY_ACCOUNT} WHERE {OF_YESTERDAY})"""
A_COUNTRY_COST_MORE = """UPDATE sms.analytics_by_country SET usage_eur = usage_eur + 0.0001 WHERE {which} AND country =
    (SELECT max(country) FROM sms.analytics_by_country WHERE {which})"""


@pytest.mark.parametrize(
    ("wrong", "red"),
    [
        pytest.param(
            # A fraction of a cent, in one country.
            A_COUNTRY_COST_MORE.format(which=OF_A_DAY_WITHOUT_ACCOUNTS),
            {"adds_up_to_the_days_sms__daily_spend_messages__units__amount", "focus_adds_up_to_the_days"},
            id="a country costs more than it did",
        ),
        pytest.param(
            # The day is then told without accounts, by tables that are right.
            AN_ACCOUNT_SENT_MORE,
            {"alert_day_without_accounts"},
            id="an account with an id sent one SMS more",
        ),
        pytest.param(
            f"{AN_ACCOUNT_SENT_MORE}; {A_COUNTRY_COST_MORE.format(which=OF_YESTERDAY)}",
            {
                "alert_day_without_accounts",
                "adds_up_to_the_days_sms__daily_spend_messages__units__amount",
                "focus_adds_up_to_the_days",
            },
            id="nothing adds up on a day",
        ),
        pytest.param(
            "UPDATE sms.balance SET currency = 'USD'",
            {"alert_balance_without_forecast"},
            id="a balance is not in the currency of the usage",
        ),
        pytest.param(
            f"""DELETE FROM sms.analytics_by_label WHERE {OF_YESTERDAY} AND label =
                (SELECT max(label) FROM sms.analytics_by_label WHERE {OF_YESTERDAY})""",
            {"adds_up_to_the_days_sms__spend_by_label_messages__amount__seven_io"},
            id="a label is lost",
        ),
        pytest.param(
            f"""UPDATE sms.analytics_by_subaccount SET sms = sms + 1 WHERE {OF_A_DAY_WITHOUT_ACCOUNTS}
                AND account = 'Main GmbH'""",
            {
                "adds_up_to_the_days_sms__monthly_statement_messages__units__amount__month",
                "adds_up_to_the_days_sms__chargeback_messages__units__amount__month",
            },
            id="an account sent one SMS more",
        ),
        pytest.param(
            f"DELETE FROM sms.analytics WHERE date = {YESTERDAY}",
            {"alert_day_missing"},
            id="a day was not read",
        ),
        pytest.param(
            "DELETE FROM sms.consumption WHERE date >= DATE '2026-03-09'",
            {"alert_day_missing"},
            id="the last days were not read",
        ),
        pytest.param(
            "UPDATE sms.consumption SET is_partial = true WHERE date = DATE '2026-03-06'",
            {"alert_day_missing"},
            id="a day was never read again after it was over",
        ),
        pytest.param(
            "DELETE FROM sms.consumption",
            {"alert_day_missing"},
            id="a provider has no days at all",
        ),
    ],
)
def test_only_what_is_wrong_is_red(spend: Spend, wrong: str, red: set[str]) -> None:
    spend.change(wrong)
    done = spend.dbt("build")
    assert done.returncode == 1, done.stdout
    assert spend.red() - LOUD == red


def test_each_alert_runs_alone_and_reports_its_own_problem(spend: Spend) -> None:
    spend.change(
        f"UPDATE sms.balance SET amount = 1 WHERE date = DATE '{TODAY}'",
        f"UPDATE sms.analytics SET usage_eur = usage_eur + 9000 WHERE date = {YESTERDAY}",
        f"""INSERT INTO sms.analytics_by_country
            SELECT {YESTERDAY}, 'ZW', 0, 0, 0, 0, 0, 0, 9000, false, now()""",
        f"""INSERT INTO sms.analytics_by_subaccount
            SELECT {YESTERDAY}, 'Main', 0, 0, 0, 0, 0, 0, 9000, false, now()""",
        f"""INSERT INTO sms.{BY_ACCOUNT}
            SELECT {YESTERDAY}, '5310421', 'Tochter Köln', false, 'ZW', 0, 0, 0, 0, 0, 0, 9000, false, now()""",
        f"""INSERT INTO sms.analytics_by_label
            SELECT {YESTERDAY}, 'pumped', 0, 0, 0, 0, 0, 0, 9000, false, now()""",
    )
    assert spend.dbt("build", "--exclude", "tag:alert").returncode == 0
    done = spend.dbt("test", "--select", "tag:alert", "--store-failures")
    assert done.returncode == 1
    assert spend.red() == {"alert_balance_runs_out", "alert_country_spike"}
    assert "TOTAL=5" in done.stdout
    run_out = spend.rows("SELECT account_id, account_name FROM spend_dbt_test__audit.alert_balance_runs_out")
    assert {(row["account_id"], row["account_name"]) for row in run_out} == {
        (None, None),
        ("5310421", "Tochter Köln"),
        ("2001", "Filiale Lyon"),
    }

    assert spend.dbt("test", "--select", "tag:alert", alert_severity="warn").returncode == 0


def test_alerts_report_nothing_when_nothing_is_wrong(spend: Spend) -> None:
    spend.change(
        "UPDATE sms.balance SET amount = 1000000",
        "UPDATE sms.credits SET credits = 1000000",
        # What is topped up, and what has no limit, ends with the balance of the main account.
        "UPDATE sms.subaccount_balances SET balance = CASE WHEN auto_topup_amount > 0 THEN 0 ELSE 1000000 END",
        "UPDATE sms.subaccount_credits SET credits = CASE WHEN unlimited THEN 0 ELSE 1000000 END",
    )
    quiet = {"anomaly_min_eur": 1_000_000, "anomaly_min_units": 1_000_000}
    assert spend.dbt("run", **quiet).returncode == 0
    done = spend.dbt("test", "--select", "tag:alert", **quiet)
    assert done.returncode == 0, done.stdout


def test_prices_that_do_not_fit_are_red(spend: Spend) -> None:
    prices = "smsfactor_price_per_unit"
    spend.change(f"INSERT INTO spend.{prices} VALUES ('2026-01-01', 0.05, 'EUR'), ('2026-03-01', 0.06, 'EUR')")
    assert spend.dbt("run").returncode == 0
    assert spend.dbt("test").returncode == 1
    assert spend.red() == LOUD

    spend.change(f"UPDATE spend.{prices} SET price = 0.07 WHERE price = 0.06")
    spend.dbt("test")
    assert spend.red() - LOUD == {"money_of_smsfactor_is_units_times_price"}


def test_an_account_that_nobody_has_is_red(spend: Spend) -> None:
    accounts = {"seven_balance_accounts": ["Main GmbH", "Main's"], "smsfactor_balance_accounts": ["1001", "77"]}
    assert spend.dbt("run", **accounts).returncode == 0
    done = spend.dbt("test", "--select", "balance_accounts_are_known", **accounts)
    assert done.returncode == 1
    assert "Got 2 results" in done.stdout


@pytest.mark.parametrize(
    ("hours", "says"), [(29, "PASS=11 WARN=0 ERROR=0"), (31, "WARN freshness"), (79, "ERROR STALE freshness")]
)
def test_tables_that_no_sync_renews_are_stale(spend: Spend, hours: int, says: str) -> None:
    for stream in ("balance", "pricing", "analytics", "consumption", "credits"):
        spend.change(f"UPDATE sms.{stream} SET _airbyte_extracted_at = now() - INTERVAL {hours} HOUR")
    done = spend.dbt("source", "freshness")
    assert done.returncode == (1 if hours == 79 else 0)
    assert done.stdout.count("PASS freshness") == (11 if hours == 29 else 6)
    assert done.stdout.count(says) == (0 if hours == 29 else 5)


def test_every_test_of_the_package_can_fail(spend: Spend) -> None:
    nobody = {"seven_balance_accounts": ["Nobody"]}
    spend.change(
        f"UPDATE sms.balance SET currency = 'USD' WHERE date = DATE '{TODAY}'",
    )
    done = spend.dbt("run", **nobody)
    assert done.returncode == 0, done.stdout
    # Views become tables, so that each model can hold what its tests are to find.
    models = spend.models()
    models |= dict.fromkeys(spend.seeds(), "TABLE")
    spend.change(*(f"CREATE TABLE spend.copy_of_{model} AS FROM spend.{model}" for model in models))
    for model, kind in models.items():
        spend.change(f"DROP {kind} spend.{model} CASCADE", f"ALTER TABLE spend.copy_of_{model} RENAME TO {model}")
    for model in models:
        columns = spend.rows(f"DESCRIBE spend.{model}")
        nonsense = ", ".join(NONSENSE[column["column_type"].split("(")[0]] for column in columns)
        nothing = ", ".join("NULL" for _ in columns)
        spend.change(f"INSERT INTO spend.{model} VALUES ({nonsense}), ({nothing}), ({nothing})")
    # A row for each column that must have a value, which is null in that column alone.
    needed = {test["attached_node"].split(".")[-1]: test for test in spend.tests("no_nulls")}
    for model, test in needed.items():
        given = spend.rows(f"DESCRIBE spend.{model}")
        for name in test["test_metadata"]["kwargs"]["columns"]:
            values = {column["column_name"]: NONSENSE[column["column_type"].split("(")[0]] for column in given}
            values[name] = "NULL"
            spend.change(f"INSERT INTO spend.{model} VALUES ({', '.join(values.values())})")
    spend.change("UPDATE spend.sms__days SET status = 'missing', amount = 1 WHERE date = '2026-03-01'")
    spend.change("UPDATE spend.sms__days SET amount = 1 WHERE date = '2026-03-02'")
    spend.change("UPDATE spend.sms__daily_spend SET account_id = NULL WHERE date = '2026-03-02'")
    spend.change("INSERT INTO spend.stg_sms__credits (credits, postpaid) VALUES (NULL, false)")
    spend.change("INSERT INTO spend.smsfactor_price_per_unit (valid_from) VALUES (DATE '2026-03-11')")
    spend.dbt("test", "--store-failures", **nobody)
    assert spend.all_tests() - spend.red() - spend.warned() == set()
    for model, test in needed.items():
        names = test["test_metadata"]["kwargs"]["columns"]
        found = spend.rows(f"FROM spend_dbt_test__audit.no_nulls_{model}")
        alone = [[name for name in names if row[name] is None] for row in found]
        assert all([name] in alone for name in names), model


NONSENSE = {
    "VARCHAR": "'x'",
    "DATE": "DATE '2026-03-11'",
    "TIMESTAMP": "TIMESTAMP '2026-03-11'",
    "DECIMAL": "1",
    "BIGINT": "1",
    "HUGEINT": "1",
    "BOOLEAN": "true",
}
