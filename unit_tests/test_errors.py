from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import (
    MAX_SENTENCES,
    clone_error,
    config_error,
    summarize,
    transient_error,
    unexpected_response_error,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (config_error("Mend it."), FailureType.config_error),
        (transient_error("Mend it."), FailureType.transient_error),
        (unexpected_response_error("seven.io", "/api/balance", "Mend it."), FailureType.system_error),
    ],
)
def test_given_an_error_then_its_failure_type_is_right(error, kind):
    assert error.failure_type is kind


@pytest.mark.parametrize("make", [config_error, transient_error])
def test_given_a_sentence_then_user_and_log_see_the_same(make):
    assert make("Mend it.").message == make("Mend it.").internal_message == "Mend it."


def test_given_an_unexpected_response_then_the_error_reports_that_nothing_was_synced():
    sentence = unexpected_response_error(
        "seven.io", "/api/balance", "the response is a list where an object is due"
    ).message

    assert sentence.startswith("seven.io returned an unexpected response for /api/balance: the response is a")
    assert "Nothing from it was synced" in sentence


# Several errors as one


def test_given_errors_that_differ_in_their_days_then_the_first_one_is_reported():
    errors = [transient_error(f"No answer for 2026-03-0{day}.") for day in (7, 8, 9)]

    assert summarize(errors).message == "No answer for 2026-03-07."


def test_given_errors_of_several_kinds_then_each_sentence_is_reported_once():
    errors = [transient_error("No answer."), config_error("Enter a key."), transient_error("No answer.")]

    assert sorted(summarize(errors).message.split(". ")) == ["Enter a key", "No answer."]


def test_given_more_sentences_than_are_reported_then_the_rest_is_counted():
    message = summarize([transient_error(f"Reason {letter}.") for letter in "abcdefg"]).message

    assert message.count("Reason") == MAX_SENTENCES
    assert message.endswith(f"{7 - MAX_SENTENCES} more.")


def test_given_a_prefix_then_the_sentences_follow_it():
    assert summarize([config_error("Enter a key.")], "balance: ").message == "balance: Enter a key."


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        ((transient_error, config_error), FailureType.config_error),
        ((transient_error, transient_error), FailureType.transient_error),
    ],
)
def test_given_errors_of_several_types_then_the_one_the_user_can_fix_counts(kinds, kind):
    assert summarize([make("Mend it.") for make in kinds]).failure_type is kind


def test_given_a_bug_among_errors_then_it_outweighs_transient_errors():
    bug = AirbyteTracedException.from_exception(KeyError("a bug"))

    summary = summarize([transient_error("No answer."), bug])

    assert summary.failure_type is FailureType.system_error
    assert "a bug" in summary.internal_message


def test_given_a_copy_of_an_error_then_it_is_the_same_without_its_traceback():
    error = config_error("Mend it.")
    with pytest.raises(AirbyteTracedException):
        raise error

    copy = clone_error(error)

    assert (copy.message, copy.internal_message, copy.failure_type) == ("Mend it.", "Mend it.", error.failure_type)
    assert copy.__traceback__ is None
