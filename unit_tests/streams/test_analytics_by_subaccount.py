from __future__ import annotations

import pytest

from unit_tests.connector import full_refresh, read, state
from unit_tests.providers import SEVEN, Asked
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
def test_given_two_days_when_read_then_each_is_asked_for_alone(usage_each_day, subaccounts):
    read("analytics_by_subaccount", start_date="2026-03-08", seven_subaccounts=subaccounts)

    query = {"group_by": "subaccount", "subaccounts": subaccounts, "label": "all"}
    assert [request for request in usage_each_day.asked if request.query["group_by"] == "subaccount"] == [
        Asked("GET", URL, {"start": "2026-03-08", "end": "2026-03-08", **query}),
        Asked("GET", URL, {"start": "2026-03-09", "end": "2026-03-09", **query}),
    ]


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_two_accounts_when_read_then_each_is_a_record_of_the_day_asked(usage_each_day, run):
    output = run("analytics_by_subaccount", start_date="2026-03-09")

    assert output.records == [
        usage(date="2026-03-09", account="Main account", sms=100, usage_eur=7.5, is_partial=False),
        usage(date="2026-03-09", account="Company 1", sms=56, usage_eur=4.2, is_partial=False),
    ]


def test_given_accounts_when_read_then_the_state_is_the_last_day(usage_each_day):
    assert read("analytics_by_subaccount").states[-1]["date"] == "2026-03-09T00:00:00Z"


def test_given_a_state_when_read_then_the_last_three_days_are_read_again(usage_each_day):
    saved = state("analytics_by_subaccount", date="2026-03-09")

    output = read("analytics_by_subaccount", start_date="2026-01-01", saved=saved)

    assert sorted(set(output.days)) == ["2026-03-07", "2026-03-08", "2026-03-09"]
