"""The expected records against the servers' answers and against figures worked out by hand."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from integration_tests.expected import expected_records
from integration_tests.sandbox import world
from integration_tests.sandbox.settings import Settings
from integration_tests.sandbox.tests.asking import SETTINGS, consumption, seven_json, smsfactor_json

TODAY = SETTINGS.today_date()
MARCH_1 = datetime.date(2026, 3, 1)
MARCH_2 = datetime.date(2026, 3, 2)


def expected(
    first: datetime.date = MARCH_1, last: datetime.date = TODAY, settings: Settings = SETTINGS, **config
) -> dict:
    return expected_records(settings, config, TODAY, first, last)


def _days(first: datetime.date = MARCH_1) -> list[str]:
    return [(first + datetime.timedelta(days=n)).isoformat() for n in range((TODAY - first).days + 1)]


def test_given_the_plain_server_then_analytics_are_its_rows():
    rows = seven_json("analytics", subaccounts="all", start="2026-03-01")

    assert expected()["analytics"] == [{**row, "is_partial": row["date"] == "2026-03-10"} for row in rows]


@pytest.mark.parametrize(
    ("stream", "group_by", "field"),
    [
        ("analytics_by_country", "country", "country"),
        ("analytics_by_label", "label", "label"),
        ("analytics_by_subaccount", "subaccount", "account"),
    ],
)
def test_given_the_plain_server_then_groupings_are_its_rows_with_equal_groups_added(stream, group_by, field):
    answered = {}
    for day in _days():
        rows = seven_json(f"analytics/{group_by}", subaccounts="all", start=day, end=day)
        for row in rows or [{field: "", **dict.fromkeys((*world.COUNTERS, "usage_eur"), 0)}]:
            sums = answered.setdefault((day, row[field]), dict.fromkeys((*world.COUNTERS, "usage_eur"), Decimal(0)))
            for name in sums:
                sums[name] += Decimal(str(row[name]))

    rows = expected()[stream]

    assert {(row["date"], row[field]): {name: Decimal(str(row[name])) for name in sums} for row in rows} == answered
    assert len(rows) == len(answered)


def test_given_main_only_and_a_label_then_analytics_are_narrowed_as_the_server_does():
    rows = seven_json("analytics", subaccounts="only_main", label="otp", start="2026-03-01")

    narrowed = expected(seven_subaccounts="only_main", seven_label="otp")["analytics"]

    assert [row["sms"] for row in narrowed] == [row["sms"] for row in rows]


def test_given_an_idle_day_then_there_is_one_zero_row_without_a_group():
    day = datetime.date(2026, 3, 4)

    (row,) = expected(day, day)["analytics_by_label"]

    assert row == {
        "date": "2026-03-04",
        "label": "",
        **dict.fromkeys((*world.COUNTERS, "usage_eur"), 0),
        "is_partial": False,
    }


def test_given_the_plain_server_then_an_accounts_rows_add_up_to_its_total():
    answered = {}
    for day in _days():
        data = consumption(start=day, end=day)
        for account in (data["my_account"], *data["by_sub_accounts"]):
            answered[day, str(account["account_id"]), account["company"]] = account["conso"]["total"]
    sums = dict.fromkeys(answered, 0)

    for row in expected()["consumption"]:
        sums[row["date"], row["account_id"], row["company"]] += row["consumption"]

    assert sums == answered


def test_given_a_day_worked_out_by_hand_then_consumption_is_those_rows():
    # 2001: total 2682, of which 5 are in no country; 2002: no traffic.
    rows = [row for row in expected(MARCH_2, MARCH_2)["consumption"] if row["account_id"] in ("2001", "2002")]
    by_country = consumption()["by_sub_accounts"][0]["conso"]["by_country"]

    lyon = {"date": "2026-03-02", "account_id": "2001", "company": "Filiale Lyon"}
    geneva = {"date": "2026-03-02", "account_id": "2002", "company": "Boutique Genève"}
    rest = {"is_main_account": False, "is_partial": False}
    assert rows == [
        *({**lyon, **rest, "country": code, "consumption": units} for code, units in by_country.items()),
        {**lyon, **rest, "country": "", "consumption": 5},
        {**geneva, **rest, "country": "", "consumption": 0},
    ]
    assert sum(by_country.values()) == 2677


def test_given_an_unknown_country_and_a_remainder_then_both_are_in_one_row():
    day = datetime.date(2026, 3, 8)
    geneva = next(row for row in world.smsfactor_day(SETTINGS, day, TODAY) if row.account_id == 2002)

    (row,) = [row for row in expected(day, day)["consumption"] if (row["account_id"], row["country"]) == ("2002", "")]

    assert row["consumption"] == dict(geneva.countries)[""] + 20


def test_given_idle_accounts_are_left_out_then_they_have_no_rows():
    settings = replace(SETTINGS, smsfactor_idle_sub_accounts="left_out")

    rows = expected(MARCH_2, MARCH_2, settings)["consumption"]

    assert {row["account_id"] for row in rows} == {"1001", "2001", "2003"}


def test_given_a_selected_sub_account_that_is_left_out_then_it_has_one_zero_row():
    settings = replace(SETTINGS, smsfactor_idle_sub_accounts="left_out")

    assert expected(MARCH_2, MARCH_2, settings, smsfactor_sub_account_id="2002")["consumption"] == [
        {
            "date": "2026-03-02",
            "account_id": "2002",
            "company": None,
            "is_main_account": False,
            "country": "",
            "consumption": 0,
            "is_partial": False,
        }
    ]


def test_given_countries_then_no_remainder_and_a_zero_row_for_accounts_without_them():
    rows = expected(MARCH_2, MARCH_2, countries=["FR"])["consumption"]
    data = consumption(country="FR")
    answered = {
        (str(account["account_id"]), code): units
        for account in (data["my_account"], *data["by_sub_accounts"])
        for code, units in (account["conso"]["by_country"] or {"": 0}).items()
    }

    assert {(row["account_id"], row["country"]): row["consumption"] for row in rows} == answered


def test_given_countries_and_idle_accounts_left_out_then_each_shown_account_has_rows():
    settings = replace(SETTINGS, smsfactor_idle_sub_accounts="left_out")
    for day in _days():
        date = datetime.date.fromisoformat(day)
        shown = consumption(settings, day, day)
        ids = {str(account["account_id"]) for account in (shown["my_account"], *shown["by_sub_accounts"])}

        rows = expected(date, date, settings, countries=["LU"])["consumption"]

        assert {row["account_id"] for row in rows} == ids


def test_given_prices_then_one_row_a_network_and_countries_narrow_them():
    answer = seven_json("pricing")
    keys = [
        (country["countryCode"], network["mcc"], network["networkName"] or "", network["price"])
        for country in answer["countries"]
        for network in country["networks"]
    ]

    rows = expected()["pricing"]

    assert [(row["country_code"], row["mcc"], row["network_name"], row["price"]) for row in rows] == keys
    assert {row["country_code"] for row in expected(countries=["AT", "FR"])["pricing"]} == {"AT", "FR"}
    assert {row["date"] for row in rows} == {"2026-03-10"}


def test_given_balance_and_credits_then_each_has_one_row_as_in_the_response():
    balance, credits = seven_json("balance"), smsfactor_json("credits")

    assert expected()["balance"] == [{"date": "2026-03-10", **balance}]
    assert expected()["credits"] == [
        {
            "date": "2026-03-10",
            "credits": int(credits["credits"]),
            "postpaid": False,
            "postpaid_limit": None,
            "unlimited": False,
        }
    ]


def test_given_today_in_the_range_then_only_its_rows_are_partial():
    records = expected()

    for stream in ("analytics", "analytics_by_country", "consumption"):
        assert {row["date"] for row in records[stream] if row["is_partial"]} == {"2026-03-10"}
