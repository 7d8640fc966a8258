from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from integration_tests.sandbox import seven, world
from integration_tests.sandbox.messages import Request
from integration_tests.sandbox.settings import SEVEN_KEY
from integration_tests.sandbox.tests.asking import SETTINGS, ask_seven, seven_json

WEEK = {"start": "2026-03-01", "end": "2026-03-07"}
SPLIT_DAY = {"start": "2026-03-08", "end": "2026-03-08"}
IDLE_DAY = {"start": "2026-03-04", "end": "2026-03-04"}


def _sums(rows: list[dict]) -> dict[str, float]:
    return {name: round(sum(row[name] for row in rows), 4) for name in (*world.COUNTERS, "usage_eur")}


def _ask(accept: str | None, path: str = "/api/balance", method: str = "GET", **headers: str):
    accepted = {} if accept is None else {"accept": accept}
    return seven.answer(SETTINGS, Request(method, path, {}, {"x-api-key": SEVEN_KEY, **accepted, **headers}))


@pytest.mark.parametrize("accept", [None, "*/*"])
def test_given_no_accept_header_for_json_when_balance_is_requested_then_it_is_text(accept):
    answer = _ask(accept)

    assert answer.content_type.startswith("text/plain")
    assert float(answer.body) == world.balance(SETTINGS, SETTINGS.today_date())


def test_given_an_accept_header_for_json_when_balance_is_requested_then_it_is_json():
    assert seven_json("balance") == {
        "amount": world.balance(SETTINGS, SETTINGS.today_date()),
        "currency": "EUR",
    }


def test_given_a_balance_of_900_when_requested_as_text_then_it_looks_like_an_error():
    settings = replace(SETTINGS, balance_amount=900)

    assert seven_json("balance", settings) == {"amount": 900, "currency": "EUR"}
    assert seven.answer(settings, Request("GET", "/api/balance", {}, {"x-api-key": SEVEN_KEY})).body == b"900"


@pytest.mark.parametrize(("accept", "body"), [("application/json", b'"900"'), (None, b"900")])
def test_given_a_wrong_key_then_http_200_holds_the_bare_code(accept, body):
    answer = _ask(accept, **{"x-api-key": "wrong"})

    assert (answer.status, answer.body) == (200, body)


def test_given_a_key_as_raw_basic_or_in_the_query_then_it_is_accepted():
    basic = Request("GET", "/api/balance", {}, {"authorization": f"Basic {SEVEN_KEY}"})
    query = Request("GET", "/api/balance", {"p": SEVEN_KEY}, {})

    assert seven.answer(SETTINGS, basic).body == seven.answer(SETTINGS, query).body != b"900"


def test_given_a_key_without_the_scope_then_902():
    settings = replace(SETTINGS, seven_keys={"k": ("balance",)})

    assert ask_seven("analytics", settings, key="k").body == b'"902"'
    assert ask_seven("balance", settings, key="k").body != b'"902"'


def test_given_a_rejected_ip_address_then_903():
    assert ask_seven("balance", replace(SETTINGS, seven_ip_refused=True)).body == b'"903"'


def test_given_an_unknown_path_then_the_response_is_that_of_a_wrong_key():
    assert ask_seven("sms").body == b'"900"'
    assert ask_seven("balance/extra").body == b'"900"'


@pytest.mark.parametrize("method", ["POST", "DELETE", "HEAD"])
def test_given_any_method_but_get_then_405(method):
    assert _ask(None, method=method).status == 405


@pytest.mark.parametrize("group_by", ["date", "label", "subaccount", "country"])
def test_given_both_spellings_of_a_grouping_then_the_responses_are_equal(group_by):
    in_query = ask_seven("analytics", group_by=group_by, subaccounts="all", **WEEK)

    assert in_query == ask_seven(f"analytics/{group_by}", subaccounts="all", **WEEK)


@pytest.mark.parametrize("group_by", ["label", "subaccount", "country"])
@pytest.mark.parametrize("filters", [{"subaccounts": "all"}, {}, {"subaccounts": "5310421"}, {"label": "otp"}])
def test_given_any_grouping_then_its_rows_add_up_to_the_date_rows(group_by, filters):
    grouped = seven_json("analytics", group_by=group_by, **WEEK, **filters)

    assert _sums(grouped) == _sums(seven_json("analytics", **WEEK, **filters))
    assert all(any(row[counter] for counter in world.COUNTERS) for row in grouped)


def test_given_a_week_then_every_day_has_a_row_in_order_zeros_included():
    rows = seven_json("analytics", subaccounts="all", **WEEK)

    assert [row["date"] for row in rows] == [f"2026-03-0{day}" for day in range(1, 8)]
    assert rows[3] == {"date": "2026-03-04", **dict.fromkeys((*world.COUNTERS, "usage_eur"), 0)}


def test_given_an_idle_day_then_a_grouping_is_an_empty_list():
    assert ask_seven("analytics/country", subaccounts="all", **IDLE_DAY).body == b"[]"


def test_given_no_dates_then_31_rows_until_today():
    rows = seven_json("analytics")

    assert (len(rows), rows[0]["date"], rows[-1]["date"]) == (31, "2026-02-08", "2026-03-10")


@pytest.mark.parametrize("bad", ["2026-02-31", "01.03.2026", "20260301", "2026-3-1"])
def test_given_an_unreadable_date_then_the_default_window_is_returned(bad):
    assert seven_json("analytics", start="2026-03-01", end=bad) == seven_json("analytics")


def test_given_a_stricter_server_when_a_date_is_unreadable_then_308():
    settings = replace(SETTINGS, seven_default_window_on_bad_dates=False)

    assert ask_seven("analytics", settings, start="2026-02-31").body == b'"308"'


def test_given_an_end_after_today_then_rows_stop_at_today():
    assert [row["date"] for row in seven_json("analytics", start="2026-03-10", end="2026-04-01")] == ["2026-03-10"]


def test_given_a_start_after_the_end_then_no_rows():
    assert seven_json("analytics", start="2026-03-05", end="2026-03-01") == []


def test_given_all_accounts_then_they_are_the_sum_of_main_and_each_sub_account():
    parts = [
        row
        for whose in ("only_main", "5310421", "5310422", "5310423")
        for row in seven_json("analytics", subaccounts=whose, **WEEK)
    ]

    assert _sums(parts) == _sums(seven_json("analytics", subaccounts="all", **WEEK))


def test_given_no_account_scope_then_only_the_main_account_is_returned():
    assert [row["account"] for row in seven_json("analytics/subaccount", **WEEK)] == ["Main GmbH"]


def test_given_an_unknown_label_then_everything_is_returned():
    assert seven_json("analytics", label="nobody", **WEEK) == seven_json("analytics", **WEEK)


def test_given_certain_days_when_grouped_by_label_then_two_rows_have_no_label():
    labels = [row["label"] for row in seven_json("analytics/label", subaccounts="all", **SPLIT_DAY)]

    assert labels.count("") == 2
    assert len(set(labels)) == len(labels) - 1


def test_given_a_label_with_slash_and_umlaut_then_json_is_escaped_as_php_does():
    assert rb"Rechnung\/M\u00e4rz" in ask_seven("analytics/label", subaccounts="all", **WEEK).body


def test_given_numbers_as_strings_then_counters_and_amounts_are_strings():
    settings = replace(SETTINGS, seven_numbers_as_strings=True)

    assert all(isinstance(value, str) for row in seven_json("analytics", settings) for value in row.values())
    assert isinstance(seven_json("balance", settings)["amount"], str)
    assert isinstance(seven_json("pricing", settings, country="AT")["countries"][0]["networks"][0]["price"], str)


def test_given_the_whole_price_list_then_its_counts_agree_with_its_rows():
    answer = seven_json("pricing")

    assert answer["countCountries"] == len(answer["countries"]) == 232
    assert answer["countNetworks"] == sum(len(country["networks"]) for country in answer["countries"])


def test_given_a_country_in_lower_case_then_only_it_is_priced():
    answer = seven_json("pricing", country="at")

    assert [country["countryCode"] for country in answer["countries"]] == ["AT"]
    assert answer["countNetworks"] == len(answer["countries"][0]["networks"])


def test_given_an_unknown_country_then_the_price_list_is_empty():
    assert seven_json("pricing", country="XX") == {"countCountries": 0, "countNetworks": 0, "countries": []}


def test_given_csv_then_it_holds_the_rows_of_the_json():
    (country,) = seven_json("pricing", country="DE")["countries"]
    text = ask_seven("pricing", country="DE", format="csv").body.decode()
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))

    assert [row["networkName"] for row in rows] == [network["networkName"] or "" for network in country["networks"]]
    assert [float(row["price"]) for row in rows] == [network["price"] for network in country["networks"]]
    assert text.startswith('"countryCode";"countryName";"countryPrefix";"mcc";"mncs";"networkName";"price";')


def test_given_the_same_request_twice_then_the_responses_are_equal():
    assert ask_seven("analytics/label", **WEEK) == ask_seven("analytics/label", **WEEK)
    assert json.loads(ask_seven("pricing").body) == seven_json("pricing")
