from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.seven.check import check
from unit_tests.providers import SEVEN
from unit_tests.responses import response
from unit_tests.usage import usage

CONFIG = {"today": "2026-03-10", "start_date": "2026-03-01"}
MAIN, COMPANY = usage(account="Main account", sms=3), usage(account="Company 1", sms=5)


def answering(rows: list[Any], main: list[Any] | None = None) -> Callable[..., requests.Response]:
    """Answers the rows, or `main` where only the main account is asked for."""

    def answer(_stream: str, first: date, last: date, **settings: Any) -> requests.Response:
        body = main if settings.get("seven_subaccounts") == "only_main" else rows
        return response(f"{SEVEN}/analytics", body, start=str(first), end=str(last))

    return answer


def refusal(answer: Callable[..., requests.Response], **settings: Any) -> str:
    with pytest.raises(AirbyteTracedException) as raised:
        check({**CONFIG, **settings}, answer)
    assert raised.value.failure_type is FailureType.config_error
    return raised.value.message


def nothing_may_be_asked(*_: Any, **__: Any) -> requests.Response:
    raise AssertionError("nothing is to be proved")


@pytest.mark.parametrize("subaccounts", [None, "all", "only_main"])
def test_given_no_label_and_no_id_then_nothing_is_asked(subaccounts):
    check({**CONFIG, "seven_subaccounts": subaccounts}, nothing_may_be_asked)


def test_given_no_complete_day_since_the_start_then_nothing_is_asked():
    check({**CONFIG, "start_date": "2026-03-10", "seven_label": "newsletter"}, nothing_may_be_asked)


def test_given_a_label_then_all_complete_days_since_the_start_are_asked():
    asked = []

    def answer(stream: str, first: date, last: date) -> requests.Response:
        asked.append((stream, str(first), str(last)))
        return response(f"{SEVEN}/analytics", [])

    check({**CONFIG, "seven_label": "newsletter"}, answer)

    assert asked == [("analytics_by_label", "2026-03-01", "2026-03-09")]


@pytest.mark.parametrize("rows", [[], [usage(label="newsletter", sms=1)]])
def test_given_a_label_when_no_other_is_answered_then_it_is_honoured(rows):
    check({**CONFIG, "seven_label": "newsletter"}, answering(rows))


@pytest.mark.parametrize("other", ["other", "", "Newsletter", None])
def test_given_a_label_when_another_is_answered_then_it_is_not_known(other):
    rows = [usage(label="newsletter", sms=1), usage(label=other, sms=1)]

    assert "does not know the label" in refusal(answering(rows), seven_label="newsletter")


def test_given_an_id_when_one_account_is_answered_then_it_is_honoured():
    check({**CONFIG, "seven_subaccounts": "1234567"}, answering([COMPANY], main=[MAIN]))


def test_given_an_id_when_the_account_is_idle_then_it_is_not_disproved():
    check({**CONFIG, "seven_subaccounts": "1234567"}, answering([], main=[MAIN]))


def test_given_an_id_when_several_accounts_are_answered_then_it_is_not_known():
    assert "does not know the subaccount id" in refusal(answering([MAIN, COMPANY], main=[MAIN]), seven_subaccounts="99")


def test_given_an_id_when_the_main_account_is_answered_then_it_is_not_known():
    assert "does not know the subaccount id" in refusal(answering([MAIN], main=[MAIN]), seven_subaccounts="99")
