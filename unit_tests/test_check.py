from __future__ import annotations

import json

import pytest
from airbyte_cdk.models import AirbyteConnectionStatus, Status

from source_sms_providers import SourceSmsProviders
from unit_tests.connector import LOGGER, SEVEN_KEY, check, config
from unit_tests.providers import SEVEN, SMSFACTOR
from unit_tests.usage import each_day_asked

IDLE = (
    b'{"status":1,"message":"OK","data":{"total":0,"by_country":[],"my_account":{"account_id":1,"company":"My company",'
    b'"conso":{"total":0,"by_country":[]}},"by_sub_accounts":[]}}'
)


@pytest.fixture
def good(providers):
    """Every endpoint answers well; SMSFactor has no consumption."""
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")
    providers.answer(f"{SEVEN}/pricing", "seven/pricing.json")
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    providers.answer(f"{SMSFACTOR}/credits", "smsfactor/credits.json")
    providers.answer(f"{SMSFACTOR}/metrics/consumption", IDLE)
    return providers


def paths(providers) -> set[str]:
    return {request.url for request in providers.asked}


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
        ("pricing", "902", "no right to this endpoint"),
        ("analytics", "903", "refuses the IP address"),
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


def test_given_a_silent_provider_when_checked_then_it_is_given_up_within_seconds(good, waiting):
    good.answer(f"{SEVEN}/balance", b"", status=503)

    assert check().status is Status.FAILED
    assert sum(waiting.seconds) < 10


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


def test_given_day_boundaries_that_the_figures_disprove_when_checked_then_it_fails(good):
    good.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")

    assert "SMSFactor day boundaries" in check().message


def test_given_a_start_of_today_when_checked_then_it_succeeds(good):
    assert check(start_date="2026-03-10").status is Status.SUCCEEDED
