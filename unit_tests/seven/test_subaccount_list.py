"""seven.io's list of subaccounts as records."""

from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.seven.subaccount_list import SubaccountsExtractor, list_subaccounts
from unit_tests.providers import SEVEN
from unit_tests.responses import response

pytestmark = pytest.mark.usefixtures("clock")
ACCOUNT = {
    "id": "1234567891",
    "username": None,
    "company": "Company 1",
    "balance": "36.8100",
    "total_usage": "0.3000",
    "auto_topup": {"threshold": "1", "amount": "5"},
    "contact": {"name": "Erika Muster", "email": "erika@example.org"},
}
RECORD = {
    "date": "2026-03-10",
    "account_id": "1234567891",
    "username": None,
    "company": "Company 1",
    "balance": 36.81,
    "total_usage": 0.3,
    "auto_topup_threshold": 1,
    "auto_topup_amount": 5,
    "retrieved_at": "2026-03-10T12:00:00+00:00",
}


def records(answer: Any, whose: str = "all") -> list[dict[str, Any]]:
    extractor = SubaccountsExtractor(config={"seven_subaccounts": whose}, parameters={})
    return list(extractor.extract_records(response(f"{SEVEN}/subaccounts", answer, action="read")))


def test_given_a_recorded_account_then_numbers_are_read_and_its_contact_is_not():
    assert records([ACCOUNT]) == [RECORD]


@pytest.mark.parametrize(
    "changed",
    [
        {"id": 1234567891},
        {"balance": 36.81, "total_usage": 0.3},
        {"auto_topup": {"threshold": 1, "amount": 5.0}},
        {"contact": []},
        {"contact": None},
        {"a_new_field": "x"},
    ],
)
def test_given_another_spelling_of_the_same_account_then_the_record_is_the_same(changed):
    assert records([{**ACCOUNT, **changed}]) == [RECORD]


@pytest.mark.parametrize("topup", [None, [], {}, {"threshold": None, "amount": ""}])
def test_given_an_account_that_is_not_topped_up_then_both_columns_are_null(topup):
    expected = {**RECORD, "auto_topup_threshold": None, "auto_topup_amount": None}

    assert records([{**ACCOUNT, "auto_topup": topup}]) == [expected]


def test_given_an_older_shape_then_what_it_lacks_is_null():
    absent = ("balance", "total_usage", "auto_topup_threshold", "auto_topup_amount")

    assert records([{"id": "1234567891", "company": "Company 1"}]) == [{**RECORD, **dict.fromkeys(absent)}]


def test_given_no_subaccount_then_there_is_no_record():
    assert records([]) == []


@pytest.mark.parametrize(("whose", "found"), [("all", ["1", "2"]), ("2", ["2"]), ("only_main", [])])
def test_given_the_setting_then_it_selects(whose, found):
    accounts = [{**ACCOUNT, "id": "1"}, {**ACCOUNT, "id": "2"}]

    assert [record["account_id"] for record in records(accounts, whose)] == found


def test_given_a_subaccount_in_the_settings_that_is_unlisted_then_it_is_named():
    with pytest.raises(AirbyteTracedException, match="3") as raised:
        records([{**ACCOUNT, "id": "1"}], "3")

    assert raised.value.failure_type is FailureType.config_error


def test_given_the_list_then_all_of_its_accounts_are_there_by_their_id():
    answer = [{**ACCOUNT, "id": 1}, {**ACCOUNT, "id": "2"}]

    assert list(list_subaccounts(response(f"{SEVEN}/subaccounts", answer))) == ["1", "2"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"accounts": []}, "the response is an object where a list is due"),
        (["1"], "an account is a text where an object is due"),
        ([{"company": "Company 1"}], "an account has no 'id'"),
        ([{**ACCOUNT, "id": "all"}], "an account's id is no number"),
        ([{**ACCOUNT, "id": ""}], "an account's id is no number"),
        ([{**ACCOUNT, "id": None}], "an account's id is no number"),
        ([{**ACCOUNT, "balance": "much"}], "balance is a text where a number is due"),
        ([{**ACCOUNT, "auto_topup": "5"}], "auto_topup is a text where an object is due"),
        ([ACCOUNT, ACCOUNT], "an account is listed twice"),
    ],
)
def test_given_a_response_of_another_shape_then_it_is_rejected_with_an_error(answer, problem):
    with pytest.raises(AirbyteTracedException, match=problem):
        records(answer)
