from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import pytest
import requests
from airbyte_cdk.models import FailureType

from unit_tests.connector import read, state
from unit_tests.providers import SEVEN, AccountStates, Asked, as_json, query_of
from unit_tests.usage import ZEROS, usage

STREAM = "analytics_by_subaccount_and_country"
URL = f"{SEVEN}/analytics"
LIST = f"{SEVEN}/subaccounts"
DAY = "2026-03-09"


class Accounts:
    """seven.io as it tells of one day: who is listed, who is named, and what each sent; nothing on other days."""

    def __init__(self, providers: AccountStates) -> None:
        self.listed: dict[str, str | None] = {"101": "Company 1", "102": "Company 2"}
        self.named: dict[str, int] = {}
        self.sent: dict[str, dict[str, int]] = defaultdict(dict)
        self.total: int | None = None
        self.day = DAY
        self.lookups: dict[str, int] = {}
        self.costs: dict[str, float] = {}
        providers.answer(URL, self._analytics)
        providers.answer(LIST, lambda _: as_json([{"id": each, "company": name} for each, name in self.listed.items()]))

    def _analytics(self, request: requests.PreparedRequest) -> bytes:
        asked = query_of(request)
        if asked["group_by"] == "subaccount":
            return as_json(
                [
                    usage(account=name, sms=sms, hlr=self.lookups.get(name, 0), usage_eur=self.costs.get(name, 0))
                    for name, sms in self.named.items()
                ]
            )
        if asked["group_by"] == "country":
            sent = self.sent[asked["subaccounts"]] if asked["start"] == self.day else {}
            hlr, costs = (each.get(asked["subaccounts"], 0) for each in (self.lookups, self.costs))
            return as_json([usage(country=country, sms=sms, hlr=hlr, usage_eur=costs) for country, sms in sent.items()])
        first, last = date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])
        days = [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
        total = sum(self.named.values()) if self.total is None else self.total
        return as_json([usage(date=day, sms=total if day == self.day else 0) for day in days])


@pytest.fixture
def accounts(providers):
    return Accounts(providers)


def row(account_id: str, country: str, sms: int, company: str | None = None) -> dict:
    return {
        **ZEROS,
        "date": DAY,
        "account_id": account_id,
        "company": company,
        "is_main_account": account_id == "main",
        "country": country,
        "sms": sms,
        "is_partial": False,
    }


def by_key(output) -> list[dict]:
    return sorted(output.records, key=lambda record: (record["account_id"], record["country"]))


def asked_of(providers: AccountStates) -> list[str]:
    """Whose usage by country was asked for."""
    queries = [query_of(request) for request in providers.requests]
    return sorted(query["subaccounts"] for query in queries if query.get("group_by") == "country")


# What is asked


def test_given_a_day_of_two_accounts_when_read_then_only_these_are_asked_and_each_row_names_its_account(
    providers, accounts
):
    accounts.named = {"Main account": 3, "Company 2": 7}
    accounts.sent |= {"only_main": {"DE": 1, "": 2}, "102": {"AT": 7}}

    output = read(STREAM, start_date=DAY)

    day = {"start": DAY, "end": DAY, "label": "all"}
    assert providers.asked == [
        Asked("GET", URL, {**day, "group_by": "country", "subaccounts": "102"}),
        Asked("GET", URL, {**day, "group_by": "country", "subaccounts": "only_main"}),
        Asked("GET", URL, {**day, "group_by": "date", "subaccounts": "all"}),
        Asked("GET", URL, {**day, "group_by": "subaccount", "subaccounts": "all"}),
        Asked("GET", LIST, {"action": "read"}),
    ]
    assert by_key(output) == [row("102", "AT", 7, "Company 2"), row("main", "", 2), row("main", "DE", 1)]


def test_given_a_named_account_without_usage_when_read_then_it_is_not_asked(providers, accounts):
    accounts.named = {"Company 1": 0, "Company 2": 7}
    accounts.sent["102"] = {"AT": 7}

    read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["102"]


def test_given_both_streams_of_subaccounts_when_read_then_the_grouping_by_subaccount_is_asked_once(providers, accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    read(STREAM, "analytics_by_subaccount", "subaccount_balances", start_date=DAY)

    assert [query_of(request).get("group_by") for request in providers.requests].count("subaccount") == 1
    assert [request.url.partition("?")[0] for request in providers.requests].count(LIST) == 1


def test_given_a_day_without_usage_when_read_then_no_account_is_asked_and_a_row_of_zeros_says_so(providers, accounts):
    output = read(STREAM, start_date=DAY)

    assert [query_of(request)["group_by"] for request in providers.requests] == ["date"]
    assert output.records == [row("main", "", 0)]


@pytest.mark.parametrize(
    ("whose", "asked", "expected"),
    [("only_main", ["only_main"], row("main", "DE", 3)), ("102", ["102"], row("102", "DE", 3, "Company 2"))],
)
def test_given_the_setting_of_one_account_when_read_then_only_that_one_is_asked(
    providers, accounts, whose, asked, expected
):
    accounts.named = {"whoever": 3}
    accounts.sent[whose] = {"DE": 3}

    output = read(STREAM, start_date=DAY, seven_subaccounts=whose)

    assert asked_of(providers) == asked
    assert output.records == [expected]


@pytest.mark.parametrize(
    ("whose", "expected"),
    [("all", row("main", "", 0)), ("only_main", row("main", "", 0)), ("102", row("102", "", 0, "Company 2"))],
)
def test_given_a_day_of_lookups_alone_when_no_country_is_named_then_a_row_of_zeros_says_that_it_was_asked(
    providers, accounts, whose, expected
):
    providers.answer(f"{URL}?group_by=date", as_json([usage(date=DAY, hlr=4)]))

    output = read(STREAM, start_date=DAY, seven_subaccounts=whose)

    assert output.failure is None
    assert output.records == [expected]


def test_given_a_hundred_days_when_read_then_no_range_of_them_is_asked_for(providers, accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    read(STREAM, start_date="2025-11-30")

    queries = [query_of(request) for request in providers.requests]
    by_country = [query for query in queries if query.get("group_by") == "country"]
    assert [(query["start"], query["end"], query["subaccounts"]) for query in by_country] == [(DAY, DAY, "101")]


# Names that are not unique, or missing


def test_given_a_name_that_the_list_has_as_user_name_when_read_then_that_account_alone_is_asked(providers, accounts):
    named = {"id": 101, "company": None, "username": "user1"}
    providers.answer(LIST, as_json([named, {"id": 102, "company": "Company 2", "username": "user2"}]))
    accounts.named = {"user1": 7}
    accounts.sent["101"] = {"AT": 7}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101"]
    assert output.records == [row("101", "AT", 7)]


def test_given_usage_of_no_name_when_accounts_have_no_name_either_then_the_main_one_is_asked(providers, accounts):
    accounts.listed = {"101": "", "102": "Company 2"}
    accounts.named = {"": 3}
    accounts.sent["only_main"] = {"DE": 3}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["only_main"]
    assert output.records == [row("main", "DE", 3)]


def test_given_messages_that_add_up_when_costs_do_not_then_the_main_account_is_asked_too(providers, accounts):
    accounts.named = {"Company 1": 7}
    accounts.costs = {"Company 1": 1, "101": 0.7, "only_main": 0.3}
    accounts.sent |= {"101": {"AT": 7}, "only_main": {"AT": 0}}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "only_main"]
    assert by_key(output) == [
        {**row("101", "AT", 7, "Company 1"), "usage_eur": 0.7},
        {**row("main", "AT", 0), "usage_eur": 0.3},
    ]


def test_given_a_name_that_two_accounts_share_when_read_then_both_are_asked(providers, accounts):
    accounts.listed = {"101": "Twin", "102": "Twin", "103": "Other"}
    accounts.named = {"Twin": 7}
    accounts.sent["102"] = {"AT": 7}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "102"]
    assert output.records == [row("102", "AT", 7, "Twin")]


def test_given_a_main_account_named_like_a_subaccount_when_read_then_the_sum_says_that_both_have_usage(
    providers, accounts
):
    accounts.named = {"Company 1": 10}
    accounts.sent |= {"101": {"AT": 7}, "only_main": {"AT": 3}}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "only_main"]
    assert by_key(output) == [row("101", "AT", 7, "Company 1"), row("main", "AT", 3)]


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({"only_main": {"DE": 5}}, ["only_main"]),
        ({"only_main": {"DE": 2}, "102": {"AT": 3}}, ["101", "102", "only_main"]),
    ],
    ids=["the main one", "another too"],
)
def test_given_a_day_with_usage_of_which_no_account_is_named_when_read_then_accounts_are_asked_until_all_is_found(
    providers, accounts, sent, asked
):
    accounts.total = 5
    accounts.sent |= sent

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=known([["main", "DE"], [5, 0, 0, 0, 0, 0, 0]]))

    found = {(record["account_id"], record["country"]): record["sms"] for record in output.records}
    names = {"only_main": "main"}
    assert found == {(names.get(who, who), code): sms for who, of in sent.items() for code, sms in of.items()}
    assert asked_of(providers) == asked


@pytest.mark.parametrize("name_in_the_list", [None, "Its new name"])
def test_given_a_name_that_the_list_lacks_when_the_main_account_does_not_explain_it_then_all_are_asked(
    providers, accounts, name_in_the_list
):
    accounts.listed = {"101": "Company 1", "102": name_in_the_list, "103": "Company 3"}
    accounts.named = {"Its old name": 7, "Company 1": 1}
    accounts.sent |= {"101": {"AT": 1}, "102": {"AT": 7}}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "102", "103", "only_main"]
    assert by_key(output) == [row("101", "AT", 1, "Company 1"), row("102", "AT", 7, name_in_the_list)]


def test_given_a_running_day_that_does_not_add_up_when_read_then_not_all_accounts_are_asked(providers, accounts):
    accounts.day = "2026-03-10"
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 9}

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    assert asked_of(providers) == ["101", "only_main"]
    assert output.records == [{**row("101", "AT", 9, "Company 1"), "date": "2026-03-10", "is_partial": True}]


def test_given_a_running_day_that_ends_while_it_is_read_when_it_does_not_add_up_then_it_counts_as_running(
    providers, accounts, clock, caplog
):
    def at_midnight(_request):
        clock.move_to("2026-03-11T00:00:01Z")
        return as_json([usage(account="Company 1", sms=7)])

    clock.move_to("2026-03-10T23:59:59Z")
    accounts.day = "2026-03-10"
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 9}
    providers.answer(f"{URL}?group_by=subaccount", at_midnight)

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    assert asked_of(providers) == ["101", "only_main"]
    assert output.records == [{**row("101", "AT", 9, "Company 1"), "date": "2026-03-10", "is_partial": True}]
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_given_a_main_account_that_sent_nothing_but_counts_lookups_when_read_then_it_is_asked_too(providers, accounts):
    accounts.named = {"Company 1": 7, "Main account": 0}
    accounts.lookups = {"Main account": 4, "only_main": 4}
    accounts.sent |= {"101": {"AT": 7}, "only_main": {"": 0}}

    output = read(STREAM, start_date=DAY)

    assert by_key(output) == [row("101", "AT", 7, "Company 1"), {**row("main", "", 0), "hlr": 4}]


# What does not add up


def test_given_a_name_of_one_account_when_its_answer_is_empty_then_the_day_fails_and_is_asked_again(accounts):
    accounts.named = {"Company 1": 7, "Main account": 3}
    accounts.sent["only_main"] = {"DE": 3}

    output = read(STREAM, start_date=DAY)

    assert output.records == []
    assert output.errors[0].failure_type is FailureType.transient_error
    assert output.errors[0].message == (
        "seven.io names usage of an account on 2026-03-09, but answers none when it is asked for that account. "
        "The next sync asks again."
    )


def test_given_a_name_of_one_account_that_has_neither_messages_nor_costs_when_its_answer_is_empty_then_no_day_fails(
    accounts,
):
    accounts.named = {"Company 1": 0, "Company 2": 7}
    accounts.lookups = {"Company 1": 4}
    accounts.sent["102"] = {"AT": 6}

    output = read(STREAM, start_date=DAY)

    assert output.failure is None
    assert output.records == [row("102", "AT", 6, "Company 2")]


def test_given_a_name_of_two_accounts_when_the_answer_of_one_is_empty_then_no_day_fails(accounts):
    accounts.listed = {"101": "Twin", "102": "Twin"}
    accounts.named = {"Twin": 7}
    accounts.sent["102"] = {"AT": 6}

    output = read(STREAM, start_date=DAY)

    assert output.failure is None
    assert output.records == [row("102", "AT", 6, "Twin")]


def test_given_a_name_that_no_account_explains_when_read_then_the_others_are_there_with_a_warning(accounts, caplog):
    accounts.named = {"A deleted one": 7, "Company 1": 1}
    accounts.sent["101"] = {"AT": 1}

    output = read(STREAM, start_date=DAY)

    assert output.failure is None
    assert output.records == [row("101", "AT", 1, "Company 1")]
    assert (
        "seven.io's accounts add up to 1 SMS and 0 EUR on 2026-03-09, the day's total says 8 SMS and 0 EUR"
        in caplog.text
    )


def test_given_the_setting_of_one_account_when_its_answer_is_empty_then_the_day_fails(accounts):
    accounts.named = {"whoever": 3}

    output = read(STREAM, start_date=DAY, seven_subaccounts="102")

    assert output.records == []
    assert output.errors[0].failure_type is FailureType.transient_error


def test_given_accounts_that_do_not_add_up_to_the_day_when_read_then_a_warning_names_day_and_both_sums(
    accounts, caplog
):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = 9

    output = read(STREAM, start_date=DAY)

    assert output.records == [row("101", "AT", 7, "Company 1")]
    assert (
        "seven.io's accounts add up to 7 SMS and 0 EUR on 2026-03-09, the day's total says 9 SMS and 0 EUR"
        in caplog.text
    )


def test_given_accounts_that_add_up_when_read_then_there_is_no_warning(accounts, caplog):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    read(STREAM, start_date=DAY)

    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_given_a_running_day_that_does_not_add_up_when_read_then_there_is_no_warning(accounts, caplog):
    accounts.day = "2026-03-10"
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 9}

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    assert output.failure is None
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


# What goes away


def known(*groups: list) -> list:
    return state(STREAM, date=DAY, groups={DAY: [*groups]})


def test_given_a_country_that_an_account_has_no_longer_when_read_again_then_it_goes_to_zero(accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    saved = known([["101", ""], [7, 0, 0, 0, 0, 0, 0]])

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=saved)

    assert by_key(output) == [row("101", "", 0, "Company 1"), row("101", "AT", 7, "Company 1")]


@pytest.mark.parametrize("total", [7, 11, 20])
def test_given_a_listed_account_that_has_no_usage_any_more_when_read_again_then_it_goes_to_zero(accounts, total):
    accounts.total = total
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    saved = known([["102", "DE"], [4, 0, 0, 0, 0, 0, 0]])

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=saved)

    assert by_key(output) == [row("101", "AT", 7, "Company 1"), row("102", "DE", 0, "Company 2")]


@pytest.mark.parametrize("total", [7, 11, 20])
def test_given_a_main_account_that_has_no_usage_any_more_when_read_again_then_it_goes_to_zero(accounts, total):
    accounts.total = total
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    saved = known([["main", "DE"], [4, 0, 0, 0, 0, 0, 0]])

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=saved)

    assert by_key(output) == [row("101", "AT", 7, "Company 1"), row("main", "DE", 0)]


def test_given_an_account_in_the_settings_that_is_not_listed_when_a_country_goes_then_that_has_zeros(accounts):
    accounts.total = 9
    accounts.named = {"whoever": 7}
    accounts.sent["999"] = {"AT": 7}
    saved = known([["999", ""], [7, 0, 0, 0, 0, 0, 0]])

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=saved, seven_subaccounts="999")

    assert by_key(output) == [row("999", "", 0), row("999", "AT", 7)]


def test_given_an_account_that_is_deleted_when_the_rows_that_it_keeps_add_up_then_there_is_no_warning(accounts, caplog):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = 11

    read(STREAM, start_date=DAY, lookback_days=1, saved=known([["999", "DE"], [4, 0, 0, 0, 0, 0, 0]]))

    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


@pytest.mark.parametrize(("total", "stays"), [(11, True), (7, False), (20, True)])
def test_given_an_account_that_is_deleted_when_read_again_then_it_keeps_its_rows_unless_the_total_takes_them_back(
    accounts, total, stays
):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = total
    groups = [[["999", "DE"], [3, 0, 0, 0, 0, 0, 0]], [["999", "FR"], [1, 0, 0, 0, 0, 0, 0]]]

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=known(*groups))

    zeros = [] if stays else [row("999", "DE", 0), row("999", "FR", 0)]
    assert by_key(output) == [row("101", "AT", 7, "Company 1"), *zeros]
    assert [group for group in output.states[-1]["groups"][DAY] if group[0][0] == "999"] == (groups if stays else [])


# A key without the right


@pytest.mark.parametrize("stream", [STREAM, "subaccount_balances"])
def test_given_a_key_without_the_right_to_the_list_when_read_then_a_sentence_names_the_right(
    providers, accounts, stream
):
    accounts.named = {"Company 1": 7}
    providers.answer(LIST, b'"902"')

    output = read(stream, start_date=DAY)

    assert output.records == []
    assert output.errors[0].failure_type is FailureType.config_error
    assert output.errors[0].message == (
        "The seven.io API key has no permission for this endpoint. Give it the rights subaccounts in the seven.io "
        "dashboard, Developer > API keys."
    )
