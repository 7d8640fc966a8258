from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.seven.check import countries, prove, prove_yesterday
from unit_tests.providers import SEVEN
from unit_tests.responses import each, response
from unit_tests.usage import usage

LAST_YEAR, YEAR_BEFORE = (date(2025, 3, 11), date(2026, 3, 10)), (date(2024, 3, 11), date(2025, 3, 10))
MAIN, COMPANY = usage(account="Main account", sms=3), usage(account="Company 1", sms=5)


TODAY = {"today": "2026-03-10"}
DEFAULTS = {"seven_subaccounts": "all"}


def answering(rows: list[Any], main: list[Any] | None = None) -> Callable[..., requests.Response]:
    """Answers the rows, or `main` where only the main account is asked for."""

    def answer(_stream: str, first: date, last: date, **settings: Any) -> requests.Response:
        body = main if settings.get("seven_subaccounts") == "only_main" else rows
        return response(f"{SEVEN}/analytics", body, start=str(first), end=str(last))

    return answer


def proved(answer: Callable[..., requests.Response], **settings: Any) -> None:
    prove({**DEFAULTS, **settings}, nothing_may_be_asked, each(answer, LAST_YEAR))


def refusal(answer: Callable[..., requests.Response], **settings: Any) -> str:
    with pytest.raises(AirbyteTracedException) as raised:
        proved(answer, **settings)
    assert raised.value.failure_type is FailureType.config_error
    return raised.value.message


def nothing_may_be_asked(*_: Any, **__: Any) -> requests.Response:
    raise AssertionError("nothing is to be proved")


@pytest.mark.parametrize("subaccounts", [{}, {"seven_subaccounts": "all"}, {"seven_subaccounts": "only_main"}])
def test_given_no_label_and_no_id_then_nothing_is_asked(subaccounts):
    proved(nothing_may_be_asked, **subaccounts)


@pytest.mark.parametrize(
    ("settings", "stream"),
    [({"seven_label": "other"}, "analytics_by_label"), ({"seven_subaccounts": "7"}, "analytics_by_subaccount")],
)
def test_given_years_without_usage_then_an_older_one_is_asked_until_there_is_some(settings, stream):
    asked = []

    def answer(stream: str, first: date, last: date, **_settings: Any) -> requests.Response:
        asked.append((stream, (first, last)))
        rows = [usage(label="A", account="A", sms=1), usage(label="B", account="B", sms=1)]
        rows = [] if (first, last) == LAST_YEAR else rows
        return response(f"{SEVEN}/analytics", rows, start=str(first), end=str(last))

    years = LAST_YEAR, YEAR_BEFORE, (date(2023, 3, 12), date(2024, 3, 10))
    with pytest.raises(AirbyteTracedException, match="does not know"):
        prove({**DEFAULTS, **settings}, nothing_may_be_asked, each(answer, *years))

    assert asked[:2] == [(stream, LAST_YEAR), (stream, YEAR_BEFORE)]
    assert {days for _, days in asked} == {LAST_YEAR, YEAR_BEFORE}


@pytest.mark.parametrize("rows", [[], [usage(label="newsletter", sms=1)]])
def test_given_a_label_when_no_other_is_answered_then_it_is_honoured(rows):
    proved(answering(rows), seven_label="newsletter")


@pytest.mark.parametrize("other", ["other", "", "Newsletter", None])
def test_given_a_label_when_another_is_answered_then_it_is_not_known(other):
    rows = [usage(label="newsletter", sms=1), usage(label=other, sms=1)]

    assert "does not know the label" in refusal(answering(rows), seven_label="newsletter")


def test_given_a_label_when_another_alone_is_answered_then_it_is_not_known():
    assert "does not know the label" in refusal(answering([usage(label="other", sms=1)]), seven_label="newsletter")


def test_given_an_id_when_one_account_is_answered_then_it_is_honoured():
    proved(answering([COMPANY], main=[MAIN]), seven_subaccounts="1234567")


def test_given_an_id_when_the_account_is_idle_then_it_is_not_disproved():
    proved(answering([], main=[MAIN]), seven_subaccounts="1234567")


def test_given_an_id_when_it_has_usage_and_the_main_account_none_then_it_is_honoured():
    proved(answering([COMPANY], main=[]), seven_subaccounts="1234567")


def test_given_an_id_when_several_accounts_are_answered_then_it_is_not_known():
    assert "does not know the subaccount id" in refusal(answering([MAIN, COMPANY], main=[MAIN]), seven_subaccounts="99")


def test_given_an_id_when_the_main_account_is_answered_then_it_is_not_known():
    assert "does not know the subaccount id" in refusal(answering([MAIN], main=[MAIN]), seven_subaccounts="99")


def test_given_an_id_when_its_account_has_the_main_accounts_name_but_other_usage_then_it_is_honoured():
    proved(answering([usage(account="ACME", sms=5)], main=[usage(account="ACME", sms=3)]), seven_subaccounts="1234567")


def test_given_the_price_list_then_its_countries_are_named_in_upper_case():
    def answer(stream: str, first: date, last: date, **settings: Any) -> requests.Response:
        assert (stream, settings) == ("pricing", {"countries": None})
        return response(f"{SEVEN}/pricing", {"countries": [{"countryCode": "fr"}, {"countryCode": ""}]})

    assert countries({"today": "2026-03-10"}, answer, nothing_may_be_asked) == {"FR", ""}


def test_given_yesterday_when_it_is_named_then_it_is_proven():
    prove_yesterday(TODAY, answering([usage(date="2026-03-09")]), nothing_may_be_asked)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "If the account is new, test the connection again tomorrow"),
        ([usage(date="2026-03-09", sms=-1)], "is negative"),
    ],
)
def test_given_yesterday_when_it_is_not_named_or_wrong_then_the_test_fails(rows, problem):
    with pytest.raises(AirbyteTracedException, match=problem):
        prove_yesterday(TODAY, answering(rows), nothing_may_be_asked)
