from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType

from unit_tests.connector import SMSFACTOR_TOKEN, full_refresh, read, state
from unit_tests.providers import SMSFACTOR, Asked, as_json

URL = f"{SMSFACTOR}/credits"
RECORD = {
    "date": "2026-03-10",
    "credits": 44690,
    "postpaid": False,
    "postpaid_limit": None,
    "unlimited": False,
    "retrieved_at": "2026-03-10T12:00:00+00:00",
}


def test_given_a_token_when_read_then_the_credits_are_requested_once_and_as_json(providers):
    providers.answer(URL, "smsfactor/credits.json")

    read("credits")

    assert providers.asked == [Asked("GET", URL, {})]
    assert providers.requests[0].headers["Accept"] == "application/json"
    assert providers.requests[0].headers["Authorization"] == f"Bearer {SMSFACTOR_TOKEN}"
    assert "X-Api-Key" not in providers.requests[0].headers


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_credits_when_read_then_they_are_the_record_of_today(providers, run):
    providers.answer(URL, "smsfactor/credits.json")

    assert run("credits").records == [RECORD]


def test_given_the_older_shape_when_read_then_missing_fields_are_null(providers):
    providers.answer(URL, "smsfactor/credits_older_shape.json")

    assert read("credits").records == [{**RECORD, "postpaid": None, "unlimited": None}]


def test_given_credits_when_read_then_the_state_is_today(providers):
    providers.answer(URL, "smsfactor/credits.json")

    assert read("credits").states[-1] == {"date": "2026-03-10"}


def test_given_a_state_of_today_when_read_then_the_credits_are_requested_again(providers):
    providers.answer(URL, "smsfactor/credits.json")

    assert read("credits", saved=state("credits", date="2026-03-10")).records == [RECORD]


@pytest.mark.parametrize("refusal", ["smsfactor/error_-1.json", b'{"status": "-1"}'], ids=["number", "text"])
def test_given_a_rejected_token_when_read_then_the_message_explains_the_fix(providers, refusal):
    providers.answer(URL, refusal)

    output = read("credits")

    assert "Make a new one in the SMSFactor web platform" in output.errors[0].message
    assert output.errors[0].failure_type is FailureType.config_error
    assert len(providers.requests) == 1


@pytest.mark.parametrize(
    "error", ["smsfactor/error_-99.json", b'{"status": "-99"}', "smsfactor/error_without_status.json"]
)
def test_given_a_temporary_error_when_it_passes_then_the_record_comes(providers, error):
    providers.answer_in_turn(URL, error, "smsfactor/credits.json")

    assert read("credits").records == [RECORD]


def test_given_a_good_status_as_a_text_when_read_then_the_record_comes(providers):
    providers.answer(URL, as_json({"status": "1", "credits": 5}))

    assert [record["credits"] for record in read("credits").records] == [5]


@pytest.mark.parametrize("error", ["error_-5", "error_-6"])
def test_given_an_unexpected_status_when_read_then_it_is_not_a_config_error(providers, error):
    providers.answer(URL, f"smsfactor/{error}.json")

    output = read("credits")

    assert f"with the unexpected status {error.removeprefix('error_')}." in output.errors[0].message
    assert output.errors[0].failure_type is FailureType.system_error
    assert len(providers.requests) == 1


@pytest.mark.parametrize("status", ["Bearer abc", None, [1], "123456"])
def test_given_a_status_that_is_no_code_when_read_then_the_sentence_does_not_show_it(providers, status):
    providers.answer(URL, as_json({"status": status}))

    assert "with the unexpected status of another form." in read("credits").errors[0].message


def test_given_xml_when_read_then_there_is_no_record_but_an_error(providers):
    providers.answer(URL, "smsfactor/consumption.xml", Content_Type="application/xml")

    output = read("credits")

    assert output.records == []
    assert "something other than the JSON" in output.errors[0].message
