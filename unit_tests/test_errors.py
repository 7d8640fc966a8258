from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType

from source_sms_providers.errors import config_error, transient_error, unexpected_response_error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (config_error("Mend it."), FailureType.config_error),
        (transient_error("Mend it."), FailureType.transient_error),
        (unexpected_response_error("seven.io", "/api/balance", "Mend it."), FailureType.system_error),
    ],
)
def test_given_an_error_then_its_kind_tells_who_can_act(error, kind):
    assert error.failure_type is kind


@pytest.mark.parametrize("make", [config_error, transient_error])
def test_given_a_sentence_then_user_and_log_see_the_same(make):
    assert make("Mend it.").message == make("Mend it.").internal_message == "Mend it."


def test_given_an_unexpected_answer_then_the_sentence_says_whose_and_that_nothing_of_it_was_synced():
    sentence = unexpected_response_error(
        "seven.io", "/api/balance", "the answer is a list where an object is due"
    ).message

    assert sentence.startswith("seven.io returned an unexpected response for /api/balance: the answer is a")
    assert "Nothing from it was synced" in sentence
