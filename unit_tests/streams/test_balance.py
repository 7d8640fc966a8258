from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType

from unit_tests.connector import SEVEN_KEY, full_refresh, read, state
from unit_tests.providers import SEVEN, Asked

URL = f"{SEVEN}/balance"
RECORD = {"date": "2026-03-10", "amount": 290.67, "currency": "EUR", "retrieved_at": "2026-03-10T12:00:00+00:00"}


def test_given_a_key_when_read_then_the_balance_is_asked_once_and_as_json(providers):
    providers.answer(URL, "seven/balance.json")

    read("balance")

    assert providers.asked == [Asked("GET", URL, {})]
    assert providers.requests[0].headers["Accept"] == "application/json"
    assert providers.requests[0].headers["X-Api-Key"] == SEVEN_KEY
    assert "Authorization" not in providers.requests[0].headers


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_a_balance_when_read_then_it_is_the_record_of_today(providers, run):
    providers.answer(URL, "seven/balance.json")

    assert run("balance").records == [RECORD]


def test_given_a_balance_when_read_then_the_state_is_today(providers):
    providers.answer(URL, "seven/balance.json")

    assert read("balance").states[-1] == {"date": "2026-03-10T00:00:00Z"}


@pytest.mark.parametrize("saved", ["2026-03-01", "2026-03-10T00:00:00Z"])
def test_given_a_state_when_read_then_the_balance_is_asked_again(providers, saved):
    providers.answer(URL, "seven/balance.json")

    output = read("balance", saved=state("balance", date=saved))

    assert len(providers.asked) == 1
    assert output.records == [RECORD]


def test_given_a_balance_of_900_as_an_object_when_read_then_it_is_no_error(providers):
    providers.answer(URL, b'{"amount":900,"currency":"EUR"}')

    assert read("balance").records == [{**RECORD, "amount": 900}]


@pytest.mark.parametrize("body", ["seven/balance.txt", b"900", b'"900"'])
def test_given_the_text_form_when_read_then_there_is_no_record_but_an_error(providers, body):
    providers.answer(URL, body)

    output = read("balance")

    assert output.records == []
    assert output.failure


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("300", "does not accept the API key"),
        ("900", "does not accept the API key"),
        ("901", "demands signed requests"),
        ("902", "has no right to this endpoint"),
        ("903", "refuses the IP address"),
    ],
)
def test_given_an_error_of_the_key_when_read_then_the_sentence_says_what_to_do(providers, error, hint):
    providers.answer(URL, f"seven/error_{error}.json")

    output = read("balance")

    assert hint in output.errors[0].message
    assert output.errors[0].failure_type is FailureType.config_error
    assert len(providers.requests) == 1


@pytest.mark.parametrize("error", ["error_11", "error_600", "error_700", "error_801", "error_object"])
def test_given_a_temporary_error_when_it_passes_then_the_record_comes(providers, error):
    providers.answer_in_turn(URL, f"seven/{error}.json", "seven/balance.json")

    assert read("balance").records == [RECORD]
