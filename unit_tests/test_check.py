from __future__ import annotations

import json
import threading
from datetime import date

import pytest
import requests
from airbyte_cdk.models import AirbyteConnectionStatus, FailureType, Status

from source_sms_providers import SourceSmsProviders
from source_sms_providers.retriever import SnapshotRetriever
from source_sms_providers.seven.retriever import AnalyticsRetriever
from unit_tests.connector import LOGGER, SEVEN_KEY, check, config
from unit_tests.providers import SEVEN, SMSFACTOR, as_json, query_of
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


def test_given_good_responses_when_checked_then_it_succeeds(good):
    assert check() == AirbyteConnectionStatus(status=Status.SUCCEEDED)


def test_given_no_consumption_when_checked_then_a_warning_says_what_is_unverified(good, caplog):
    check()

    [warning] = [message for message in caplog.messages if "SMSFactor" in message]
    assert "no consumption to verify 'SMSFactor date range bounds' with" in warning


def test_given_both_keys_when_checked_then_every_endpoint_is_requested(good):
    check()

    assert paths(good) == {
        f"{SEVEN}/balance",
        f"{SEVEN}/pricing",
        f"{SEVEN}/analytics",
        f"{SMSFACTOR}/credits",
        f"{SMSFACTOR}/metrics/consumption",
    }


@pytest.mark.parametrize("start", ["2019-01-01", "2026-03-09", "2026-03-10", "2026-03-11"])
def test_given_any_start_when_checked_then_every_grouping_of_yesterday_is_requested(good, start):
    assert check(start_date=start).status is Status.SUCCEEDED
    assert groupings(good) == dict.fromkeys(("date", *GROUP_FIELDS), YESTERDAY)


@pytest.mark.parametrize("group", ["date", *GROUP_FIELDS])
def test_given_a_start_of_today_and_no_right_to_a_grouping_then_it_fails(good, group):
    good.answer(f"{SEVEN}/analytics?group_by={group}", "seven/error_902.json")

    assert "lacks a permission for this endpoint" in check(start_date="2026-03-10").message


def test_given_a_grouping_of_another_shape_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=country", b'[{"land":"FR"}]')

    assert "a row has no 'country'" in check().message


def test_given_an_account_without_usage_then_the_docs_match_the_number_of_requests(good):
    check(smsfactor_api_token="")
    assert len(good.requests) == 6

    check(seven_api_key="")
    assert len(good.requests) == 6 + 2 + 2 + 12


def test_given_date_range_bounds_then_only_yesterday_is_requested_with_them(good):
    check(seven_api_key="", smsfactor_day_boundaries="both_excluded")

    asked = [request.query for request in good.asked if request.url == f"{SMSFACTOR}/metrics/consumption"]
    periods = [(query["date_start"], query["date_end"]) for query in asked]
    assert len(periods) == 3 + 12
    # Yesterday, as a sync requests it; the last days, with and without the running one; the newest of the months.
    assert {
        *[("2026-03-08", "2026-03-10"), ("2026-03-06", "2026-03-08"), ("2026-03-06", "2026-03-11")],
        ("2026-02-05", "2026-03-07"),
    } <= {*periods}


def test_given_a_label_and_a_listed_account_when_checked_then_each_costs_one_request(good):
    good.answer(f"{SEVEN}/subaccounts", as_json([{"id": 7}]))

    assert check(smsfactor_api_token="", seven_label="A", seven_subaccounts="7").status is Status.SUCCEEDED
    assert len(good.requests) == 6 + 1 + 1


def test_given_an_account_and_no_right_to_the_list_then_its_usage_costs_two_requests(good):
    good.answer(f"{SEVEN}/subaccounts", "seven/error_902.json")
    everybody = [usage(account="A", sms=1), usage(account="Main", sms=1)]
    good.answer(f"{SEVEN}/analytics?group_by=subaccount&subaccounts=all", as_json(everybody))

    assert check(smsfactor_api_token="", seven_subaccounts="7").status is Status.SUCCEEDED
    assert len(good.requests) == 6 + 1 + 2


@pytest.mark.parametrize(
    "settings",
    [
        {"seven_label": "A", "smsfactor_api_token": ""},
        {"seven_subaccounts": "7", "smsfactor_api_token": ""},
        {"smsfactor_sub_account_id": "2", "seven_api_key": ""},
    ],
    ids=["label", "account", "smsfactor"],
)
def test_given_a_provider_that_rejects_a_year_then_a_month_verifies_the_settings(good, settings):
    idle = json.loads(IDLE)
    idle["data"]["by_sub_accounts"] = [{**idle["data"]["my_account"], "account_id": 2}]

    def seven(request: requests.PreparedRequest) -> bytes:
        query = query_of(request)
        if (date.fromisoformat(query["end"]) - date.fromisoformat(query["start"])).days > 31:
            return b'"600"'
        if query["group_by"] == "subaccount" and query["subaccounts"] == "all":
            return as_json([usage(account="A", sms=1), usage(account="Main", sms=1)])
        return any_grouping(request)

    def smsfactor(request: requests.PreparedRequest) -> bytes:
        query = query_of(request)
        days = (date.fromisoformat(query["date_end"]) - date.fromisoformat(query["date_start"])).days
        return b'{"status": -99, "message": "Error"}' if days > 31 else as_json(idle)

    good.answer(f"{SEVEN}/analytics", seven)
    good.answer(f"{SEVEN}/subaccounts", "seven/error_902.json")
    good.answer(f"{SMSFACTOR}/metrics/consumption", smsfactor)

    assert check(max_outage_seconds=0.5, start_date="2023-01-01", **settings).status is Status.SUCCEEDED


def test_given_no_token_when_checked_then_smsfactor_gets_no_request(good):
    assert check(smsfactor_api_token="").status is Status.SUCCEEDED
    assert not any(url.startswith(SMSFACTOR) for url in paths(good))


def test_given_no_key_when_checked_then_seven_gets_no_request(good):
    assert check(seven_api_key="").status is Status.SUCCEEDED
    assert not any(url.startswith(SEVEN) for url in paths(good))


@pytest.mark.parametrize(
    ("endpoint", "error", "hint"),
    [
        ("balance", "900", "does not accept the API key"),
        ("pricing", "902", "lacks a permission for this endpoint"),
        ("analytics", "903", "rejects the IP address"),
    ],
)
def test_given_an_error_of_the_key_at_one_endpoint_then_the_message_explains_the_fix(good, endpoint, error, hint):
    good.answer(f"{SEVEN}/{endpoint}", f"seven/error_{error}.json")

    status = check()

    assert status.status is Status.FAILED
    assert hint in status.message
    assert SEVEN_KEY not in status.message


@pytest.mark.parametrize("endpoint", ["credits", "metrics/consumption"])
def test_given_a_rejected_token_at_one_endpoint_then_the_message_explains_the_fix(good, endpoint):
    good.answer(f"{SMSFACTOR}/{endpoint}", "smsfactor/error_-1.json")

    status = check()

    assert status.status is Status.FAILED
    assert "SMSFactor does not accept the API token" in status.message


@pytest.mark.parametrize("body", [b"290.67", b"<html></html>", b"{}"])
def test_given_a_broken_http_200_when_checked_then_it_fails(good, body):
    good.answer(f"{SEVEN}/balance", body)

    assert check().status is Status.FAILED


@pytest.mark.parametrize(("seconds", "tries"), [(2, 3), (4.25, 3), (4.75, 2)])
def test_given_a_provider_that_fails_then_no_try_begins_after_twelve_seconds(good, waiting, seconds, tries):
    def fail(_request: requests.PreparedRequest) -> bytes:
        waiting.pass_by(seconds)
        return b""

    good.answer(f"{SEVEN}/balance", fail, status=503)

    # Other streams, which are requested side by side, share the clock.
    status = check(smsfactor_api_token="", num_workers=1)

    assert status.status is Status.FAILED
    assert tries_of(good, "/balance") == tries


def test_given_an_outage_limit_and_a_provider_that_fails_then_the_limit_applies(good, waiting):
    good.answer(f"{SEVEN}/balance", b"", status=503)

    check(max_outage_seconds=2)

    assert tries_of(good, "/balance") == 2


def tries_of(providers, path: str) -> int:
    return len([request for request in providers.asked if request.url.endswith(path)])


@pytest.mark.parametrize("body", [b"<html></html>", b"[1]", b'"600"'])
def test_given_a_transient_error_then_the_message_refers_to_the_connection_test(good, body):
    good.answer(f"{SEVEN}/balance", body)

    message = check().message

    assert "next sync" not in message
    assert "Test the connection again." in message or "If another test says the same, update" in message


def test_given_several_streams_that_fail_then_the_first_of_the_manifest_is_reported(good):
    good.answer(f"{SEVEN}/balance", "seven/error_903.json")
    good.answer(f"{SEVEN}/pricing", "seven/error_902.json")

    assert "IP address" in check().message


def test_given_several_streams_of_a_provider_then_they_are_requested_side_by_side(good, monkeypatch):
    together = threading.Barrier(6, timeout=60)
    for retriever in (SnapshotRetriever, AnalyticsRetriever):
        monkeypatch.setattr(retriever, "check", lambda *_: together.wait())

    assert check(smsfactor_api_token="").status is Status.SUCCEEDED


def test_given_no_group_total_when_checked_then_it_succeeds(good):
    good.answer(f"{SMSFACTOR}/metrics/consumption", IDLE.replace(b'"data":{"total":0,', b'"data":{'))

    assert check().status is Status.SUCCEEDED


@pytest.mark.parametrize("permission", ["subaccounts", "sub-accounts"])
def test_given_streams_with_a_permission_of_their_own_then_they_are_not_requested(good, permission):
    check()

    assert not any(url.endswith(permission) for url in paths(good))


def test_given_a_failure_when_checked_then_a_trace_types_it(good, capsys):
    good.answer(f"{SEVEN}/balance", "seven/error_900.json")
    source = SourceSmsProviders(config=config())

    source.check(LOGGER, config())

    [message] = source.message_repository.consume_queue()
    assert message.trace.error.failure_type is FailureType.config_error
    # Printed by the command, in its one thread: log lines cannot come in between.
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        (
            {"seven_api_key": "", "smsfactor_api_token": " "},
            "Enter the seven.io API key, or the SMSFactor API token.",
        ),
        ({"seven_api_key": "a b"}, "contains a space or an invalid character"),
        ({"start_date": "2026-02-30"}, "is not a valid date"),
        ({"start_date": "2027-01-01"}, "in the future"),
        ({"num_workers": "many"}, "must be a whole number from 1 to 32."),
    ],
)
def test_given_invalid_settings_when_checked_then_no_request_is_sent(good, settings, hint):
    status = SourceSmsProviders().check(LOGGER, config(**settings))

    assert status.status is Status.FAILED
    assert hint in status.message
    assert good.asked == []


def test_given_a_label_that_seven_does_not_honor_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=label", "seven/analytics_by_label.json")

    assert "does not know the label" in check(seven_label="invoices").message


def test_given_a_subaccount_that_seven_does_not_honor_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=subaccount", "seven/analytics_by_subaccount.json")
    good.answer(f"{SEVEN}/subaccounts", as_json([{"id": 7}]))

    assert "99" in check(seven_subaccounts="99").message


def test_given_a_mistyped_subaccount_without_usage_then_the_sentence_lists_the_ids(good):
    good.answer(f"{SEVEN}/analytics?group_by=subaccount", b"[]")
    good.answer(f"{SEVEN}/subaccounts", as_json([{"id": 7}, {"id": 8}]))

    message = check(seven_subaccounts="99").message

    assert "99" in message
    assert "7, 8" in message


def test_given_a_seven_that_does_not_report_yesterday_when_checked_then_it_fails(good):
    good.answer(f"{SEVEN}/analytics?group_by=date", b"[]")

    assert "seven.io reports no usage for yesterday" in check().message


def test_given_date_range_bounds_that_the_data_disproves_when_checked_then_it_fails(good):
    good.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")

    assert "SMSFactor date range bounds" in check().message
