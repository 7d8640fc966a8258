from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error, transient_error
from source_sms_providers.seven.scope import verify_scope
from unit_tests.providers import SEVEN
from unit_tests.responses import response
from unit_tests.usage import usage

MONTH = (date(2026, 2, 7), date(2026, 3, 9))
YEARS = [(date(2025, 3, 10), date(2026, 3, 9)), (date(2024, 3, 10), date(2025, 3, 9))]
NOTHING: dict[str, int] = {}


class Server:
    """seven.io: `labels` of all usage, and who has usage as each account is requested.

    `of_accounts`: what is requested -> display name -> SMS. `listed`: the ids, or why there is no list.
    """

    def __init__(
        self,
        labels: dict[str, int] | None = None,
        of_accounts: dict[str, dict[str, int]] | None = None,
        listed: list[str] | AirbyteTracedException = config_error("No list."),  # noqa: B008
        only_in: tuple[date, date] | None = None,
        fails: Callable[[tuple[date, date]], bool] = lambda _: False,
    ) -> None:
        self.labels, self.of_accounts, self.listed = labels or {}, of_accounts or {}, listed
        self.only_in, self.fails = only_in, fails
        self.requested: list[tuple[str, str, tuple[date, date]]] = []
        self.lists_requested = 0

    def usage(self, first: date, last: date, group_by: str, subaccounts: str) -> requests.Response:
        period = (first, last)
        self.requested.append((group_by, subaccounts, period))
        if self.fails(period):
            raise transient_error("Too wide.")
        groups = self.labels if group_by == "label" else self.of_accounts.get(subaccounts, {})
        if self.only_in not in (None, period):
            groups = {}
        name = {"label": "label", "subaccount": "account"}[group_by]
        rows = [usage(**{name: group}, sms=sms) for group, sms in groups.items()]
        return response(f"{SEVEN}/analytics", rows, start=str(first), end=str(last))

    def subaccounts(self) -> requests.Response:
        self.lists_requested += 1
        if isinstance(self.listed, AirbyteTracedException):
            raise self.listed
        return response(f"{SEVEN}/subaccounts", [{"id": each} for each in self.listed])

    def verify(self, *periods: tuple[date, date], scope: str = "all", is_test: bool = False, **config: Any) -> None:
        config = {"seven_subaccounts": scope, **config}
        verify_scope(config, self.usage, self.subaccounts, periods or [MONTH], is_test)

    def refusal(self, *periods: tuple[date, date], **settings: Any) -> str:
        with pytest.raises(AirbyteTracedException) as raised:
            self.verify(*periods, **settings)
        assert raised.value.failure_type is FailureType.config_error
        return raised.value.message


# Labels


@pytest.mark.parametrize("scope", ["all", "only_main"])
def test_given_no_label_and_no_subaccount_then_nothing_is_requested(scope):
    server = Server()

    server.verify(scope=scope)

    assert (server.requested, server.lists_requested) == ([], 0)


def test_given_a_label_that_is_honored_then_it_is_accepted_with_one_request():
    server = Server(labels={"newsletter": 3})

    server.verify(seven_label="newsletter")

    assert server.requested == [("label", "all", MONTH)]


@pytest.mark.parametrize("labels", [{"otp": 3}, {"newsletter": 3, "otp": 1}, {"": 5}, {"Newsletter": 3}], ids=str)
def test_given_a_label_when_the_response_holds_others_then_it_is_rejected(labels):
    assert "label" in Server(labels=labels).refusal(seven_label="newsletter")


def test_given_a_label_without_usage_then_a_sync_warns_and_a_connection_test_fails(caplog):
    Server().verify(seven_label="newsletter")

    assert caplog.messages == ["seven.io reports no usage with the label 'newsletter' in the last days. Is it right?"]
    assert "no usage with the label 'newsletter' since the start date" in Server().refusal(
        seven_label="newsletter", is_test=True
    )


def test_given_an_outage_that_hides_a_label_then_the_connection_test_fails_for_now():
    with pytest.raises(AirbyteTracedException) as raised:
        Server(fails=lambda period: period != MONTH).verify(MONTH, *YEARS, seven_label="A", is_test=True)

    assert raised.value.failure_type is FailureType.transient_error


def test_given_other_labels_without_usage_then_they_do_not_reject_the_label():
    Server(labels={"newsletter": 3, "otp": 0}).verify(seven_label="newsletter")


# Subaccounts that are listed


def test_given_a_listed_subaccount_then_no_usage_is_requested():
    server = Server(listed=["101", "102"])

    server.verify(scope="102", is_test=True)

    assert (server.requested, server.lists_requested) == ([], 1)


@pytest.mark.parametrize("is_test", [False, True])
def test_given_an_unlisted_subaccount_without_usage_then_the_error_lists_the_ids(is_test):
    sentence = Server(listed=["101", "102"]).refusal(scope="99", is_test=is_test)

    assert "99" in sentence
    assert "101, 102" in sentence


def test_given_no_listed_subaccount_at_all_then_the_error_reports_it():
    assert "none" in Server(listed=[]).refusal(scope="99")


def test_given_a_mistyped_id_when_the_server_returns_everything_then_it_is_rejected():
    """Only one subaccount has usage, so the answer looks like that of a known id."""
    everything = {"Company 1": 7}
    server = Server(of_accounts={"99": everything, "all": everything}, listed=["101"])

    assert "99" in server.refusal(scope="99")


def test_given_an_unlisted_subaccount_that_its_usage_verifies_then_it_is_accepted():
    Server(of_accounts={"99": {"Company 9": 3}, "all": {"Company 9": 3, "Main": 9}}, listed=["101"]).verify(scope="99")


# Subaccounts without a list


def test_given_usage_of_one_account_among_several_then_it_verifies_the_id():
    server = Server(of_accounts={"101": {"Company 1": 3}, "all": {"Company 1": 3, "Main": 9}})

    server.verify(scope="101", is_test=True)

    assert server.requested == [("subaccount", "101", MONTH), ("subaccount", "all", MONTH)]


def test_given_the_usage_of_several_accounts_then_the_id_is_not_honored():
    everybody, later = {"Company 1": 3, "Main": 9}, {"Company 1": 3, "Main": 10}

    assert "101" in Server(of_accounts={"101": everybody, "all": later}).refusal(scope="101")


@pytest.mark.parametrize("is_test", [False, True])
def test_given_the_only_account_with_usage_then_it_does_not_verify_the_id(is_test):
    only = {"Company 1": 3}

    assert "permission" in Server(of_accounts={"101": only, "all": only}).refusal(scope="101", is_test=is_test)


def test_given_no_list_and_no_usage_then_the_sentence_names_the_permission():
    assert "subaccounts" in Server().refusal(scope="101", is_test=True)


def test_given_no_list_and_no_usage_when_read_then_a_warning_reports_it(caplog):
    Server().verify(scope="101")

    [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "101" in warning


def test_given_a_key_without_the_right_to_the_list_then_usage_decides():
    server = Server(of_accounts={"101": {"A": 3}, "all": {"A": 3, "B": 1}}, listed=config_error("No right."))

    server.verify(scope="101", is_test=True)


# Periods


@pytest.mark.parametrize("group", ["label", "subaccount"])
def test_given_older_usage_then_periods_are_searched_until_there_is_some(group):
    server = Server(labels={"A": 1}, of_accounts={"101": {"A": 1}, "all": {"A": 1, "B": 1}}, only_in=YEARS[0])

    if group == "label":
        server.verify(MONTH, *YEARS, seven_label="A")
    else:
        server.verify(MONTH, *YEARS, scope="101", is_test=True)

    assert {period for _, _, period in server.requested} == {MONTH, YEARS[0]}


def test_given_a_period_that_is_too_wide_then_the_other_periods_decide():
    server = Server(fails=lambda period: period != MONTH)

    server.verify(MONTH, *YEARS, seven_label="A")

    assert [period for _, _, period in server.requested] == [MONTH, YEARS[0]]


def test_given_a_first_period_that_fails_then_the_failure_is_reported():
    with pytest.raises(AirbyteTracedException, match="Too wide"):
        Server(fails=lambda _: True).verify(MONTH, *YEARS, seven_label="A")


def test_given_a_list_that_fails_temporarily_then_no_setting_is_rejected():
    server = Server(of_accounts={"102": {"Company 2": 3}, "all": {"Company 2": 3}}, listed=transient_error("No list."))

    with pytest.raises(AirbyteTracedException, match="No list") as raised:
        server.verify(MONTH, scope="102")

    assert raised.value.failure_type is FailureType.transient_error
