from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType

from unit_tests.connector import SEVEN_KEY, full_refresh, read, state
from unit_tests.providers import SEVEN, Asked, as_json, canned_json

URL = f"{SEVEN}/balance"
RECORD = {"date": "2026-03-10", "amount": 290.67, "currency": "EUR", "retrieved_at": "2026-03-10T12:00:00+00:00"}


def test_given_a_key_when_read_then_the_balance_is_requested_once_and_as_json(providers):
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

    assert read("balance").states[-1] == {"date": "2026-03-10"}


@pytest.mark.parametrize("saved", ["2026-03-01", "2026-03-10T00:00:00Z"])
def test_given_a_state_when_read_then_the_balance_is_requested_again(providers, saved):
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
        ("901", "requires signed requests"),
        ("902", "lacks a permission for this endpoint"),
        ("903", "rejects the IP address"),
    ],
)
def test_given_an_error_of_the_key_when_read_then_the_message_explains_the_fix(providers, error, hint):
    providers.answer(URL, f"seven/error_{error}.json")

    output = read("balance")

    assert hint in output.errors[0].message
    assert output.errors[0].failure_type is FailureType.config_error
    assert len(providers.requests) == 1


@pytest.mark.parametrize("error", ["300", "900", "901", "902", "903"])
@pytest.mark.parametrize(
    "body", ['{"error_code":%s,"error_message":"x"}', '{"success":false,"code":"%s"}', '{"success":"%s"}', "%s"]
)
def test_given_a_code_in_any_place_of_the_response_when_read_then_it_means_the_same(providers, error, body):
    providers.answer(URL, f"seven/error_{error}.json")
    as_text = read("balance").errors[0]
    providers.answer(URL, (body % error).encode())

    somewhere = read("balance").errors[0]

    assert (somewhere.message, somewhere.failure_type) == (as_text.message, as_text.failure_type)


@pytest.mark.parametrize("body", ['"308"', "308", '{"error_code":"308"}', '{"code":308,"error":"x","success":false}'])
def test_given_an_unexpected_code_then_it_is_named_and_is_not_a_config_error(providers, body):
    providers.answer(URL, body.encode())

    output = read("balance")

    assert "with the unexpected code 308." in output.errors[0].message
    assert output.errors[0].failure_type is FailureType.system_error
    assert len(providers.requests) == 1


@pytest.mark.parametrize("fields", [{"success": True}, {"success": "100"}, {"code": 100}, {"success": 1}])
def test_given_a_balance_with_a_success_flag_when_read_then_it_is_the_record(providers, fields):
    providers.answer(URL, as_json({**canned_json("seven/balance.json"), **fields}))

    assert read("balance").records == [RECORD]


@pytest.mark.parametrize("text", ["Bearer abc", "9000000", "3e08", ["900"], {"a": 1}])
def test_given_another_value_in_place_of_a_code_then_it_is_not_shown(providers, text):
    providers.answer(URL, as_json({"error_code": text}))

    assert "without a known code" in read("balance").errors[0].message


@pytest.mark.parametrize("fields", [{"success": False}, {"error": "x"}, {"error_code": None}, {"error_message": "x"}])
def test_given_a_balance_with_an_error_flag_then_it_is_no_record(providers, fields):
    providers.answer(URL, as_json({**canned_json("seven/balance.json"), **fields}))

    output = read("balance")

    assert output.records == []
    assert "without a known code" in output.errors[0].message
    assert len(providers.requests) == 6


@pytest.mark.parametrize("error", ["error_11", "error_600", "error_700", "error_801", "error_object"])
def test_given_a_temporary_error_when_it_passes_then_the_record_comes(providers, error):
    providers.answer_in_turn(URL, f"seven/{error}.json", "seven/balance.json")

    assert read("balance").records == [RECORD]
