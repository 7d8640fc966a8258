from __future__ import annotations

import json
from datetime import date

import pytest
import requests
from airbyte_cdk.models import AirbyteConnectionStatus, Status

from source_sms_providers import SourceSmsProviders
from source_sms_providers.check import Account, years_since
from source_sms_providers.errors import transient_error
from unit_tests.connector import LOGGER, SEVEN_KEY, check, config, read
from unit_tests.providers import SEVEN, SMSFACTOR, as_json, canned_json, query_of
from unit_tests.usage import each_day_asked, usage

IDLE = (
    b'{"status":1,"message":"OK","data":{"total":0,"by_country":[],"my_account":{"account_id":1,"company":"My company",'
    b'"conso":{"total":0,"by_country":[]}},"by_sub_accounts":[]}}'
)


GROUP_FIELDS = {"country": "country", "label": "label", "subaccount": "account"}
YESTERDAY = {"start": "2026-03-09", "end": "2026-03-09"}


def any_grouping(request: requests.PreparedRequest) -> bytes:
    group = query_of(request)["group_by"]
    return each_day_asked(request) if group == "date" else as_json([usage(**{GROUP_FIELDS[group]: "A"}, sms=1)])


@pytest.fixture
def good(providers):
    """Every endpoint answers well; SMSFactor has no consumption."""
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")
    providers.answer(f"{SEVEN}/pricing", "seven/pricing.json")
    providers.answer(f"{SEVEN}/analytics", any_grouping)
    providers.answer(f"{SMSFACTOR}/credits", "smsfactor/credits.json")
    providers.answer(f"{SMSFACTOR}/metrics/consumption", IDLE)
    return providers


def paths(providers) -> set[str]:
    return {request.url for request in providers.asked}


def groupings(providers) -> dict[str, dict[str, str]]:
    """The days that were asked for, by grouping."""
    queries = [request.query for request in providers.asked if request.url == f"{SEVEN}/analytics"]
    return {query["group_by"]: {"start": query["start"], "end": query["end"]} for query in queries}


def test_given_good_answers_when_checked_then_it_succeeds(good):
    assert check() == AirbyteConnectionStatus(status=Status.SUCCEEDED)


def test_given_both_keys_when_checked_then_every_endpoint_is_asked(good):
    check()

    assert paths(good) == {
        f"{SEVEN}/balance",
        f"{SEVEN}/pricing",
        f"{SEVEN}/analytics",
        f"{SMSFACTOR}/credits",
        f"{SMSFACTOR}/metrics/consumption",
    }


@pytest.mark.parametrize("start", ["2019-01-01", "2026-03-09", "2026-03-10", "2026-03-11"])
def test_given_any_start_when_checked_then_every_grouping_is_asked_for_yesterday(good, start):
    assert check(start_date=start).status is Status.SUCCEEDED
    assert groupings(good) == dict.fromkeys(("date", *GROUP_FIELDS), YESTERDAY)


@pytest.mark.parametrize("group", ["date", *GROUP_FIELDS])
def test_given_a_start_of_today_and_no_right_to_a_grouping_when_checked_then_it_fails(good, group):
    good.answer(f"{SEVEN}/analytics?group_by={group}", "seven/error_902.json")

    assert "no permission for this endpoint" in check(start_date="2026-03-10").message


def test_given_a_grouping_of_another_shape_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=country", b'[{"land":"FR"}]')

    assert "a row has no 'country'" in check().message


def test_given_a_silent_account_when_checked_then_so_many_requests_are_sent_as_the_docs_say(good):
    check(smsfactor_api_token="")
    assert len(good.requests) == 6

    check(seven_api_key="")
    assert len(good.requests) == 6 + 2 + 3


def test_given_day_boundaries_when_checked_then_yesterday_is_asked_with_them_and_ranges_without(good):
    check(seven_api_key="", smsfactor_day_boundaries="both_excluded")

    asked = [request.query for request in good.asked if request.url == f"{SMSFACTOR}/metrics/consumption"]
    assert [(query["date_start"], query["date_end"]) for query in asked] == [
        ("2025-03-08", "2026-03-07"),
        ("2026-03-06", "2026-03-08"),
        ("2026-03-06", "2026-03-11"),
        ("2026-03-08", "2026-03-10"),
    ]


def test_given_a_label_and_an_account_when_checked_then_each_costs_the_requests_that_the_docs_say(good):
    good.answer(f"{SEVEN}/analytics?group_by=subaccount&subaccounts=only_main", as_json([usage(account="Main", sms=1)]))

    assert check(smsfactor_api_token="", seven_label="A", seven_subaccounts="7").status is Status.SUCCEEDED
    assert len(good.requests) == 6 + 1 + 2


@pytest.mark.parametrize(
    ("settings", "stream_of"),
    [
        ({"seven_label": "A", "smsfactor_api_token": ""}, f"{SEVEN}/analytics?group_by=label"),
        ({"seven_subaccounts": "7", "smsfactor_api_token": ""}, f"{SEVEN}/analytics?group_by=subaccount"),
        ({"smsfactor_sub_account_id": "2", "seven_api_key": ""}, f"{SMSFACTOR}/metrics/consumption"),
    ],
    ids=["label", "account", "smsfactor"],
)
def test_given_a_provider_that_refuses_a_year_when_checked_then_a_month_proves_the_settings(good, settings, stream_of):
    bounds = ("start", "end") if SEVEN in stream_of else ("date_start", "date_end")
    idle = json.loads(IDLE)
    idle["data"]["by_sub_accounts"] = [{**idle["data"]["my_account"], "account_id": 2}]
    asked = []

    def answer(request: requests.PreparedRequest) -> bytes:
        first, last = (date.fromisoformat(query_of(request)[name]) for name in bounds)
        asked.append((last - first).days + 1)
        if asked[-1] > 31:
            return b'"600"' if SEVEN in stream_of else b'{"status": -99, "message": "Error"}'
        if query_of(request).get("subaccounts") == "only_main":
            return as_json([usage(account="Main account", sms=1)])
        return any_grouping(request) if SEVEN in stream_of else as_json(idle)

    good.answer(stream_of, answer)

    assert check(max_outage_seconds=0.5, start_date="2023-01-01", **settings).status is Status.SUCCEEDED
    assert asked[-2:] == [365, 31]


def test_given_a_year_that_is_refused_when_years_are_asked_then_the_last_month_is_all_that_is_answered():
    asked = []

    class Narrow(Account):
        def answer(self, stream: str, first: date, last: date, **changed: str) -> requests.Response:
            asked.append((stream, str(first), str(last), changed))
            if (last - first).days > 31:
                raise transient_error("Too wide.")
            return requests.Response()

    account = Narrow({}, {}, {"start_date": "2023-01-01", "today": "2026-03-10"})

    assert len(list(account.answers("analytics", a="b"))) == 1
    assert asked == [
        ("analytics", "2025-03-10", "2026-03-09", {"a": "b"}),
        ("analytics", "2026-02-07", "2026-03-09", {"a": "b"}),
    ]


def test_given_no_token_when_checked_then_smsfactor_is_not_asked(good):
    assert check(smsfactor_api_token="").status is Status.SUCCEEDED
    assert not any(url.startswith(SMSFACTOR) for url in paths(good))


def test_given_no_key_when_checked_then_seven_is_not_asked(good):
    assert check(seven_api_key="").status is Status.SUCCEEDED
    assert not any(url.startswith(SEVEN) for url in paths(good))


@pytest.mark.parametrize(
    ("endpoint", "error", "hint"),
    [
        ("balance", "900", "does not accept the API key"),
        ("pricing", "902", "no permission for this endpoint"),
        ("analytics", "903", "rejects the IP address"),
    ],
)
def test_given_an_error_of_the_key_at_one_endpoint_when_checked_then_the_sentence_says_what_to_do(
    good, endpoint, error, hint
):
    good.answer(f"{SEVEN}/{endpoint}", f"seven/error_{error}.json")

    status = check()

    assert status.status is Status.FAILED
    assert hint in status.message
    assert SEVEN_KEY not in status.message


@pytest.mark.parametrize("endpoint", ["credits", "metrics/consumption"])
def test_given_a_refused_token_at_one_endpoint_when_checked_then_the_sentence_says_what_to_do(good, endpoint):
    good.answer(f"{SMSFACTOR}/{endpoint}", "smsfactor/error_-1.json")

    status = check()

    assert status.status is Status.FAILED
    assert "SMSFactor does not accept the API token" in status.message


@pytest.mark.parametrize("body", [b"290.67", b"<html></html>", b"{}"])
def test_given_a_broken_http_200_when_checked_then_it_fails(good, body):
    good.answer(f"{SEVEN}/balance", body)

    assert check().status is Status.FAILED


@pytest.mark.parametrize(("seconds", "waits"), [(2.25, [1, 2]), (4.75, [1])])
def test_given_a_provider_that_fails_when_checked_then_no_try_begins_after_12_seconds(good, waiting, seconds, waits):
    def fail(_request: requests.PreparedRequest) -> bytes:
        waiting.pass_by(seconds)
        return b""

    good.answer(f"{SEVEN}/balance", fail, status=503)

    assert check().status is Status.FAILED
    assert waiting.seconds == waits


def test_given_a_silent_provider_and_a_setting_for_it_when_checked_then_the_setting_counts(good, waiting):
    good.answer(f"{SEVEN}/balance", b"", status=503)

    check(max_outage_seconds=2)

    assert waiting.seconds == [1]


@pytest.mark.parametrize("body", [b"<html></html>", b"[1]", b'"600"'])
def test_given_an_error_that_may_pass_when_checked_then_the_sentence_speaks_of_the_test(good, body):
    good.answer(f"{SEVEN}/balance", body)

    message = check().message

    assert "next sync" not in message
    assert "Test the connection again." in message or "If another test says the same, update" in message


def test_given_a_failure_when_checked_then_a_trace_types_it(good, capsys):
    good.answer(f"{SEVEN}/balance", "seven/error_900.json")

    check()

    messages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [error] = [message["trace"]["error"] for message in messages if message["type"] == "TRACE"]
    assert error["failure_type"] == "config_error"


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"seven_api_key": "", "smsfactor_api_token": " "}, "Enter a seven.io API key or an SMSFactor API token"),
        ({"seven_api_key": "a b"}, "holds a blank"),
        ({"start_date": "2026-02-30"}, "no day of the calendar"),
        ({"start_date": "2027-01-01"}, "in the future"),
        ({"num_workers": "many"}, "The 'Parallel requests' must be a whole number from 1 to 32."),
    ],
)
def test_given_settings_that_cannot_be_when_checked_then_nothing_is_asked(good, settings, hint):
    status = SourceSmsProviders().check(LOGGER, config(**settings))

    assert status.status is Status.FAILED
    assert hint in status.message
    assert good.asked == []


def test_given_a_label_that_seven_does_not_honour_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=label", "seven/analytics_by_label.json")

    assert "does not know the label" in check(seven_label="invoices").message


def test_given_a_subaccount_that_seven_does_not_honour_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=subaccount", "seven/analytics_by_subaccount.json")

    assert "does not know the subaccount id" in check(seven_subaccounts="99").message


def test_given_a_seven_that_does_not_name_yesterday_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=date", b"[]")

    assert "seven.io names no usage for yesterday" in check().message


def test_given_day_boundaries_that_the_figures_disprove_when_checked_then_it_fails(good):
    good.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")

    assert "SMSFactor day boundaries" in check().message


# Countries that ISO 3166 does not list


def consumption_in(country: str) -> bytes:
    body = canned_json("smsfactor/consumption.json")
    body["data"]["my_account"]["conso"] = {"total": 1, "by_country": {country: 1}}
    return as_json(body)


def test_given_known_countries_when_checked_then_no_provider_is_asked_about_them(good):
    check(countries=["fr", "XK"])

    assert [request.query for request in good.asked if request.url == f"{SEVEN}/pricing"] == [
        {"format": "json"},
    ]


def test_given_a_country_that_nobody_knows_when_checked_then_both_providers_were_asked_and_it_is_named(good):
    status = check(countries=["uk", "DE"])

    assert status.message == (
        "The 'Countries' hold UK, which neither ISO 3166 nor your providers know. Perhaps you mean GB for Britain "
        "(UK). Correct them, or leave 'Countries' empty for all countries."
    )
    assert [(request.url, request.query) for request in good.asked] == [
        (f"{SMSFACTOR}/metrics/consumption", {"date_start": "2025-03-10", "date_end": "2026-03-09"}),
        (f"{SEVEN}/pricing", {"format": "json"}),
    ]


def test_given_a_country_that_seven_prices_when_checked_then_it_is_known(good):
    prices = canned_json("seven/pricing.json")
    prices["countries"][0]["countryCode"] = "zz"
    good.answer(f"{SEVEN}/pricing", as_json(prices))

    assert check(countries=["ZZ"]).status is Status.SUCCEEDED


def test_given_a_country_that_smsfactor_sent_to_when_checked_then_it_is_known(good):
    good.answer(f"{SMSFACTOR}/metrics/consumption?date_start=2025-03-10", consumption_in("zz"))

    assert check(countries=["ZZ"], seven_api_key="").status is Status.SUCCEEDED


def test_given_a_country_that_nobody_knows_when_read_then_it_is_refused_before_anything_is_read(good):
    output = read("balance", "pricing", countries=["ZZ"])

    assert output.failure.message.startswith("The 'Countries' hold ZZ, which neither ISO 3166 nor your providers know.")
    assert output.records == []
    assert f"{SEVEN}/balance" not in paths(good)


@pytest.mark.parametrize(
    ("start", "years"),
    [
        ("2026-03-11", [("2025-03-11", "2026-03-10")]),
        ("2025-03-11", [("2025-03-11", "2026-03-10")]),
        ("2025-03-10", [("2025-03-11", "2026-03-10"), ("2024-03-11", "2025-03-10")]),
    ],
)
def test_given_a_start_then_the_years_that_are_asked_reach_back_to_it_and_are_a_year_at_most(start, years):
    found = years_since(date.fromisoformat(start), date(2026, 3, 10))

    assert [(str(first), str(last)) for first, last in found] == years
