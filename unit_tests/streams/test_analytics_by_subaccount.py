from __future__ import annotations

import pytest

from unit_tests.connector import full_refresh, read, state, written
from unit_tests.providers import SEVEN, Asked, as_json
from unit_tests.usage import each_day_asked, usage

URL = f"{SEVEN}/analytics"
ACCOUNTS = f"{URL}?group_by=subaccount"


@pytest.fixture
def usage_each_day(providers):
    """Each day has usage, which is of two accounts."""
    providers.answer(f"{URL}?group_by=date", each_day_asked)
    providers.answer(ACCOUNTS, "seven/analytics_by_subaccount.json")
    return providers


@pytest.mark.parametrize("subaccounts", ["all", "only_main", "1234567"])
def test_given_two_days_when_read_then_each_is_requested_alone(usage_each_day, subaccounts):
    usage_each_day.answer(f"{SEVEN}/subaccounts", as_json([{"id": 1234567}]))

    read("analytics_by_subaccount", start_date="2026-03-08", seven_subaccounts=subaccounts)

    query = {"group_by": "subaccount", "subaccounts": subaccounts, "label": "all"}
    of_days = [request for request in usage_each_day.asked if request.query.get("group_by") == "subaccount"]
    assert of_days == [
        Asked("GET", URL, {"start": "2026-03-08", "end": "2026-03-08", **query}),
        Asked("GET", URL, {"start": "2026-03-09", "end": "2026-03-09", **query}),
    ]


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_two_accounts_when_read_then_each_is_a_record_of_the_requested_day(usage_each_day, run):
    output = run("analytics_by_subaccount", start_date="2026-03-09")

    assert output.records == [
        usage(date="2026-03-09", account="Main account", sms=100, usage_eur=7.5, is_partial=False),
        usage(date="2026-03-09", account="Company 1", sms=56, usage_eur=4.2, is_partial=False),
    ]


def test_given_accounts_when_read_then_the_state_is_the_last_day(usage_each_day):
    assert read("analytics_by_subaccount").states[-1]["date"] == "2026-03-09"


def test_given_a_state_when_read_then_the_last_three_days_are_read_again(usage_each_day):
    saved = state("analytics_by_subaccount", date="2026-03-09")

    output = read("analytics_by_subaccount", start_date="2026-01-01", saved=saved)

    assert sorted(set(output.days)) == ["2026-03-07", "2026-03-08", "2026-03-09"]


# A day whose only subaccount was deleted


@pytest.fixture
def nameless(providers):
    """9 March has one SMS, and no account is named for it."""
    providers.answer(f"{URL}?group_by=date", each_day_asked)
    providers.answer(ACCOUNTS, b"[]")
    return providers


def test_given_usage_of_no_account_then_it_is_a_row_without_account_and_a_warning(nameless, caplog):
    output = read("analytics_by_subaccount", start_date="2026-03-09")

    assert output.records == [usage(date="2026-03-09", account="", sms=1, is_partial=False)]
    [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "'analytics_by_subaccount'" in warning
    assert "Days: 1, first: 2026-03-09." in warning


def test_given_no_named_account_and_a_total_that_fits_then_rows_are_written_again(nameless):
    saved = written("analytics_by_subaccount", [["Company 1"], [1, 0, 0, 0, 0, 0, 0]])

    output = read("analytics_by_subaccount", start_date="2026-03-09", lookback_days=1, saved=saved)

    assert output.failure is None
    assert output.records == [usage(date="2026-03-09", account="Company 1", sms=1, is_partial=False)]
    assert output.states[-1]["written"] == {"2026-03-09": [[["Company 1"], [1, 0, 0, 0, 0, 0, 0]]]}


def test_given_no_named_account_and_a_total_that_differs_then_usage_is_of_no_account(nameless):
    saved = written("analytics_by_subaccount", [["Company 1"], [7, 0, 0, 0, 0, 0, 0]])

    output = read("analytics_by_subaccount", start_date="2026-03-09", lookback_days=1, saved=saved)

    assert {record["account"]: record["sms"] for record in output.records} == {"": 1, "Company 1": 0}


def test_given_a_grouping_that_is_empty_only_once_then_its_second_response_counts(providers):
    providers.answer(f"{URL}?group_by=date", each_day_asked)
    providers.answer_in_turn(ACCOUNTS, b"[]", as_json([usage(account="Company 1", sms=1)]))

    output = read("analytics_by_subaccount", start_date="2026-03-09")

    assert {record["account"]: record["sms"] for record in output.records} == {"Company 1": 1}
