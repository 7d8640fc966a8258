from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
import requests
from airbyte_cdk.models import FailureType

from source_sms_providers.days import days
from unit_tests.connector import read, written
from unit_tests.providers import SEVEN, Asked, Providers, as_json, query_of
from unit_tests.usage import ZEROS, usage

STREAM = "analytics_by_subaccount_and_country"
URL = f"{SEVEN}/analytics"
LIST = f"{SEVEN}/subaccounts"
DAY = "2026-03-09"


Usage = int | dict[str, float]
"""SMS, or several counters."""


class Accounts:
    """seven.io as it reports one day: who is listed, who is named, and what each account has; nothing on other days.

    `sent` is usage by account and country, `loose` an account's usage of no country.
    """

    def __init__(self, providers: Providers) -> None:
        self.listed: dict[str, str | None] = {"101": "Company 1", "102": "Company 2"}
        self.named: dict[str, Usage] = {}
        self.sent: dict[str, dict[str, Usage]] = defaultdict(dict)
        self.loose: dict[str, Usage] = {}
        self.total: Usage | None = None
        self.day = DAY
        providers.answer(URL, self._analytics)
        providers.answer(LIST, lambda _: as_json([{"id": each, "company": name} for each, name in self.listed.items()]))

    def _analytics(self, request: requests.PreparedRequest) -> bytes:
        asked = query_of(request)
        account, is_of_day = asked["subaccounts"], asked["start"] <= self.day <= asked["end"]
        if asked["group_by"] == "subaccount":
            named = self.named if is_of_day else {}
            return as_json([{"account": name, **counters(each)} for name, each in named.items()])
        if asked["group_by"] == "country":
            sent = self.sent[account] if is_of_day else {}
            return as_json([{"country": country, **counters(each)} for country, each in sent.items()])
        total = [*self.sent[account].values(), self.loose.get(account, 0)]
        if account in ("all", self.only):
            total = [*self.named.values()] if self.total is None else [self.total]
        return as_json(
            [
                {"date": str(day), **(added(total) if str(day) == self.day else usage())}
                for day in days(date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"]))
            ]
        )

    only: str | None = None
    """The account in the settings: its usage is the total."""


def counters(each: Usage) -> dict[str, float]:
    return usage(sms=each) if isinstance(each, int) else usage(**each)


def added(parts: list[Usage]) -> dict[str, float]:
    return {name: round(sum(counters(each)[name] for each in parts), 4) for name in ZEROS}


@pytest.fixture
def accounts(providers):
    return Accounts(providers)


def row(account_id: str, country: str, each: Usage, company: str | None = None) -> dict:
    return {
        **counters(each),
        "date": DAY,
        "account_id": account_id,
        "company": company,
        "is_main_account": account_id == "main",
        "country": country,
        "is_partial": False,
    }


def by_key(output) -> list[dict]:
    return sorted(output.records, key=lambda record: (record["account_id"], record["country"]))


def asked_of(providers: Providers, group: str = "country") -> list[str]:
    """Whose usage was requested, by this grouping."""
    queries = [query_of(request) for request in providers.requests]
    return sorted(query["subaccounts"] for query in queries if query.get("group_by") == group)


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


# What is asked


def test_given_a_day_of_two_accounts_then_only_these_are_requested(providers, accounts):
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


def test_given_a_named_account_without_usage_when_read_then_it_is_not_requested(providers, accounts):
    accounts.named = {"Company 1": 0, "Company 2": 7}
    accounts.sent["102"] = {"AT": 7}

    read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["102"]


def test_given_both_streams_of_subaccounts_then_their_grouping_is_requested_once(providers, accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    read(STREAM, "analytics_by_subaccount", "subaccount_balances", start_date=DAY)

    assert [query_of(request).get("group_by") for request in providers.requests].count("subaccount") == 1
    assert [request.url.partition("?")[0] for request in providers.requests].count(LIST) == 1


def test_given_a_day_without_usage_then_no_account_is_requested_and_it_is_a_zero_row(providers, accounts):
    output = read(STREAM, start_date=DAY)

    assert [query_of(request)["group_by"] for request in providers.requests] == ["date"]
    assert output.records == [row("main", "", 0)]


@pytest.mark.parametrize(
    ("whose", "asked", "expected"),
    [("only_main", ["only_main"], row("main", "DE", 3)), ("102", ["102"], row("102", "DE", 3, "Company 2"))],
)
def test_given_the_setting_of_one_account_when_read_then_only_it_is_requested(
    providers, accounts, whose, asked, expected
):
    accounts.only = whose
    accounts.named = {"whoever": 3}
    accounts.sent[whose] = {"DE": 3}

    output = read(STREAM, start_date=DAY, seven_subaccounts=whose)

    assert asked_of(providers) == asked
    assert output.records == [expected]


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        ("all", row("main", "", {"hlr": 4})),
        ("only_main", row("main", "", {"hlr": 4})),
        ("102", row("102", "", {"hlr": 4}, "Company 2")),
    ],
)
def test_given_a_day_of_lookups_alone_then_they_are_a_row_without_country(accounts, whose, expected):
    accounts.only = whose
    accounts.total = {"hlr": 4}

    output = read(STREAM, start_date=DAY, seven_subaccounts=whose)

    assert output.failure is None
    assert output.records == [expected]


def test_given_a_hundred_days_when_read_then_no_range_of_them_is_requested(providers, accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    read(STREAM, start_date="2025-11-30")

    queries = [query_of(request) for request in providers.requests]
    by_country = [query for query in queries if query.get("group_by") == "country"]
    assert [(query["start"], query["end"], query["subaccounts"]) for query in by_country] == [(DAY, DAY, "101")]


# Names that are not unique, or missing


def test_given_a_name_that_is_a_user_name_then_that_account_alone_is_requested(providers, accounts):
    named = {"id": 101, "company": None, "username": "user1"}
    providers.answer(LIST, as_json([named, {"id": 102, "company": "Company 2", "username": "user2"}]))
    accounts.named = {"user1": 7}
    accounts.sent["101"] = {"AT": 7}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101"]
    assert output.records == [row("101", "AT", 7)]


def test_given_usage_of_no_name_and_accounts_without_one_then_main_is_requested(providers, accounts):
    accounts.listed = {"101": "", "102": "Company 2"}
    accounts.named = {"": 3}
    accounts.sent["only_main"] = {"DE": 3}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["only_main"]
    assert output.records == [row("main", "DE", 3)]


def test_given_costs_that_do_not_add_up_then_the_main_account_is_requested_too(providers, accounts):
    accounts.named = {"Company 1": {"sms": 7, "usage_eur": 1}}
    accounts.sent |= {"101": {"AT": {"sms": 7, "usage_eur": 0.7}}, "only_main": {"AT": {"usage_eur": 0.3}}}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "only_main"]
    assert by_key(output) == [
        row("101", "AT", {"sms": 7, "usage_eur": 0.7}, "Company 1"),
        row("main", "AT", {"usage_eur": 0.3}),
    ]


def test_given_a_name_that_two_accounts_share_when_read_then_both_are_requested(providers, accounts):
    accounts.listed = {"101": "Twin", "102": "Twin", "103": "Other"}
    accounts.named = {"Twin": 7}
    accounts.sent["102"] = {"AT": 7}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "102"]
    assert output.records == [row("102", "AT", 7, "Twin")]


def test_given_a_main_account_named_like_a_subaccount_then_both_are_found_by_the_sum(providers, accounts):
    accounts.named = {"Company 1": 10}
    accounts.sent |= {"101": {"AT": 7}, "only_main": {"AT": 3}}

    output = read(STREAM, start_date=DAY)

    assert asked_of(providers) == ["101", "only_main"]
    assert asked_of(providers, "date") == ["101", "all", "only_main"]
    assert by_key(output) == [row("101", "AT", 7, "Company 1"), row("main", "AT", 3)]


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({"only_main": {"DE": 5}}, ["only_main"]),
        ({"only_main": {"DE": 2}, "102": {"AT": 3}}, ["102", "only_main"]),
    ],
    ids=["the main one", "another too"],
)
def test_given_usage_of_no_named_account_then_accounts_are_searched_for_it(providers, accounts, sent, asked):
    accounts.total = 5
    accounts.sent |= sent

    output = read(STREAM, start_date=DAY, lookback_days=1, saved=written(STREAM, entry("main", "DE", 7)))

    found = {(record["account_id"], record["country"]): record["sms"] for record in output.records}
    names = {"only_main": "main"}
    reported = {(names.get(who, who), code): sms for who, of in sent.items() for code, sms in of.items()}
    assert found == {("main", "DE"): 0, **reported}
    assert asked_of(providers) == asked


@pytest.mark.parametrize("name_in_the_list", [None, "Its new name"])
def test_given_a_name_that_the_list_lacks_then_accounts_are_searched_for_it(providers, accounts, name_in_the_list):
    accounts.listed = {"101": "Company 1", "102": name_in_the_list, "103": "Company 3"}
    accounts.named = {"Its old name": 7, "Company 1": 1}
    accounts.sent |= {"101": {"AT": 1}, "102": {"AT": 7}}

    output = read(STREAM, start_date=DAY)

    # By country only who has usage by date, or may be who is named.
    assert asked_of(providers) == ["101", "102", "only_main"]
    assert asked_of(providers, "date") == ["101", "102", "103", "all", "only_main"]
    assert by_key(output) == [row("101", "AT", 1, "Company 1"), row("102", "AT", 7, name_in_the_list)]


def test_given_a_running_day_that_does_not_add_up_then_accounts_are_not_searched(providers, accounts):
    accounts.day = "2026-03-10"
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 9}

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    assert (asked_of(providers), asked_of(providers, "date")) == (["101"], ["all"])
    assert output.records == [{**row("101", "AT", 9, "Company 1"), "date": "2026-03-10", "is_partial": True}]


def test_given_an_unreported_running_day_without_usage_then_there_is_a_zero_row(providers):
    providers.answer(URL, as_json([]))
    providers.answer(LIST, as_json([]))

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    [row] = output.records
    assert (row["date"], row["account_id"], row["country"], row["is_partial"]) == ("2026-03-10", "main", "", True)
    assert {row[name] for name in ZEROS} == {0}


def test_given_a_running_day_that_ends_meanwhile_then_it_counts_as_running(providers, accounts, clock, caplog):
    def at_midnight(_request):
        clock.move_to("2026-03-11T00:00:01Z")
        return as_json([usage(account="Company 1", sms=7)])

    clock.move_to("2026-03-10T23:59:59Z")
    accounts.day = "2026-03-10"
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 9}
    providers.answer(f"{URL}?group_by=subaccount", at_midnight)

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    assert asked_of(providers) == ["101"]
    assert output.records == [{**row("101", "AT", 9, "Company 1"), "date": "2026-03-10", "is_partial": True}]
    assert warnings(caplog) == []


def test_given_a_main_account_with_lookups_alone_then_it_is_requested_too(providers, accounts):
    accounts.named = {"Company 1": 7, "Main account": {"hlr": 4}}
    accounts.sent |= {"101": {"AT": 7}, "only_main": {"": {"hlr": 4}}}

    output = read(STREAM, start_date=DAY)

    assert by_key(output) == [row("101", "AT", 7, "Company 1"), row("main", "", {"hlr": 4})]


# Usage of no country


def test_given_voice_of_no_country_then_it_is_a_row_of_its_account_with_a_warning(providers, accounts, caplog):
    accounts.named = {"Company 1": {"voice": 5, "usage_eur": 0.09}}
    accounts.loose["101"] = {"voice": 5, "usage_eur": 0.09}

    output = read(STREAM, start_date=DAY)

    assert output.failure is None
    assert output.records == [row("101", "", {"voice": 5, "usage_eur": 0.09}, "Company 1")]
    assert asked_of(providers, "date") == ["101", "all"]
    assert len(warnings(caplog)) == 1


def test_given_voice_of_no_country_beside_sms_then_each_account_has_its_own(accounts):
    accounts.named = {"Company 1": {"sms": 7, "voice": 5}, "Main account": {"inbound": 7}}
    accounts.sent["101"] = {"AT": 7}
    accounts.loose |= {"101": {"voice": 5}, "only_main": {"inbound": 7}}

    output = read(STREAM, start_date=DAY)

    assert by_key(output) == [
        row("101", "", {"voice": 5}, "Company 1"),
        row("101", "AT", 7, "Company 1"),
        row("main", "", {"inbound": 7}),
    ]


def test_given_a_country_without_name_and_a_rest_when_read_then_both_are_one_row(accounts):
    accounts.named = {"Company 1": {"sms": 3, "voice": 5}}
    accounts.sent["101"] = {"": 3}
    accounts.loose["101"] = {"voice": 5}

    output = read(STREAM, start_date=DAY)

    assert output.records == [row("101", "", {"sms": 3, "voice": 5}, "Company 1")]


def test_given_a_main_account_of_inbound_with_a_shared_name_then_it_is_a_row(accounts):
    accounts.listed = {"101": "Shop"}
    accounts.named = {"Shop": {"inbound": 7}}
    accounts.loose["only_main"] = {"inbound": 7}

    output = read(STREAM, start_date=DAY)

    assert output.records == [row("main", "", {"inbound": 7})]


def test_given_an_account_without_name_and_without_sms_then_it_is_found(accounts):
    accounts.listed = {"101": None, "102": "Company 2"}
    accounts.named = {"Its name": {"hlr": 4}, "Company 2": 7}
    accounts.sent |= {"101": {"DE": {"hlr": 4}}, "102": {"AT": 7}}

    output = read(STREAM, start_date=DAY)

    assert by_key(output) == [row("101", "DE", {"hlr": 4}), row("102", "AT", 7, "Company 2")]


def test_given_a_main_account_that_was_renamed_and_used_no_sms_then_it_is_found(accounts):
    accounts.named = {"A new name": {"voice": 4}}
    accounts.sent["only_main"] = {"DE": {"voice": 4}}

    output = read(STREAM, start_date=DAY)

    assert output.records == [row("main", "DE", {"voice": 4})]


@pytest.mark.parametrize("eur", [0.6999, 0.7001, 0.705])
def test_given_costs_that_are_rounded_when_read_then_no_other_account_is_requested(providers, accounts, eur):
    accounts.named = {"Company 1": {"sms": 7, "usage_eur": eur}}
    accounts.sent["101"] = {"AT": {"sms": 7, "usage_eur": 0.7}}

    output = read(STREAM, start_date=DAY)

    assert (asked_of(providers), asked_of(providers, "date")) == (["101"], ["all"])
    assert output.records == [row("101", "AT", {"sms": 7, "usage_eur": 0.7}, "Company 1")]


# What does not add up


@pytest.mark.parametrize("named", [7, {"hlr": 4}], ids=["SMS", "lookups"])
def test_given_empty_responses_for_a_named_account_then_the_rest_is_of_the_main_one(accounts, caplog, named):
    accounts.named = {"Company 1": named, "Company 2": 3}
    accounts.sent["102"] = {"AT": 3}

    output = read(STREAM, start_date=DAY)

    assert output.failure is None
    assert by_key(output) == [row("102", "AT", 3, "Company 2"), row("main", "", named)]
    [warning] = warnings(caplog)
    assert f"'{STREAM}'" in warning
    assert "Days: 1, first: 2026-03-09." in warning


def test_given_an_account_with_an_empty_country_response_then_its_total_is_a_row(accounts):
    accounts.named = {"Company 1": 7}
    accounts.loose["101"] = 7

    assert read(STREAM, start_date=DAY).records == [row("101", "", 7, "Company 1")]


def test_given_a_name_that_no_account_explains_then_the_rest_is_of_the_main_account(accounts, caplog):
    accounts.named = {"A deleted one": 7, "Company 1": 1}
    accounts.sent["101"] = {"AT": 1}

    output = read(STREAM, start_date=DAY)

    assert output.failure is None
    assert by_key(output) == [row("101", "AT", 1, "Company 1"), row("main", "", 7)]
    assert len(warnings(caplog)) == 1


def test_given_one_account_in_the_settings_and_no_country_then_its_total_is_a_row(accounts):
    accounts.only = "102"
    accounts.named = {"whoever": 3}

    output = read(STREAM, start_date=DAY, seven_subaccounts="102")

    assert output.records == [row("102", "", 3, "Company 2")]


def test_given_accounts_of_more_than_the_total_then_a_warning_names_both_sums(accounts, caplog):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = 5

    output = read(STREAM, start_date=DAY)

    assert output.records == [row("101", "AT", 7, "Company 1")]
    [warning] = warnings(caplog)
    assert "2026-03-09 (7 sms, total 5)" in warning


def test_given_accounts_that_add_up_when_read_then_there_is_no_warning(accounts, caplog):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    read(STREAM, start_date=DAY)

    assert warnings(caplog) == []


def test_given_a_running_day_that_does_not_add_up_when_read_then_there_is_no_warning(accounts, caplog):
    accounts.day = "2026-03-10"
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 9}

    output = read(STREAM, start_date="2026-03-10", include_today=True)

    assert output.failure is None
    assert warnings(caplog) == []


# What goes away


AGAIN = {"start_date": DAY, "lookback_days": 1}


def entry(account: str, country: str, sms: int, company: str | None = None) -> list:
    return [[account, country], [sms, 0, 0, 0, 0, 0, 0], [company]]


def test_given_a_country_that_an_account_no_longer_has_then_it_gets_a_zero_row(accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}

    output = read(STREAM, saved=written(STREAM, entry("101", "", 7, "Company 1")), **AGAIN)

    assert by_key(output) == [row("101", "", 0, "Company 1"), row("101", "AT", 7, "Company 1")]


def test_given_a_removed_country_and_a_rest_then_the_rest_has_no_country(accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = 10

    output = read(STREAM, saved=written(STREAM, entry("101", "DE", 3, "Company 1")), **AGAIN)

    assert {(each["account_id"], each["country"]): each["sms"] for each in output.records} == {
        ("101", "AT"): 7,
        ("101", "DE"): 0,
        ("main", ""): 3,
    }


@pytest.mark.parametrize("account", ["102", "main", "999"])
@pytest.mark.parametrize(("total", "stays"), [(7, False), (9, False), (11, True), (20, True)])
def test_given_an_account_without_usage_then_its_rows_stay_if_they_fit_the_total(accounts, account, total, stays):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = total

    saved = written(STREAM, entry(account, "DE", 3, "X"), entry(account, "FR", 1, "X"))
    output = read(STREAM, saved=saved, **AGAIN)

    found = {(each["account_id"], each["country"]): each["sms"] for each in output.records}
    rest = total - 7 - (4 if stays else 0)
    assert found == {
        ("101", "AT"): 7,
        (account, "DE"): 3 if stays else 0,
        (account, "FR"): 1 if stays else 0,
        **({("main", ""): rest} if rest else {}),
    }
    assert {each["company"] for each in output.records if each["account_id"] == account and each["country"]} == {"X"}


def test_given_a_deleted_account_whose_rows_stay_then_the_next_sync_knows_them(accounts):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = 11

    output = read(STREAM, saved=written(STREAM, entry("999", "DE", 4, "Gone")), **AGAIN)

    assert entry("999", "DE", 4, "Gone") in output.states[-1]["written"][DAY]


def test_given_a_deleted_account_whose_rows_add_up_then_there_is_no_warning(accounts, caplog):
    accounts.named = {"Company 1": 7}
    accounts.sent["101"] = {"AT": 7}
    accounts.total = 11

    read(STREAM, saved=written(STREAM, entry("999", "DE", 4)), **AGAIN)

    assert warnings(caplog) == []


def test_given_a_deleted_account_that_lost_usage_then_nothing_else_is_lost(accounts):
    """Deleted but still listed: 4 of 7 are named no longer, and the total still holds them."""
    accounts.named = {"Company 1": 1}
    accounts.sent["101"] = {"AT": 1}
    accounts.total = 4

    output = read(STREAM, saved=written(STREAM, entry("101", "AT", 1, "Company 1"), entry("102", "DE", 3)), **AGAIN)

    assert {each["account_id"]: each["sms"] for each in output.records} == {"101": 1, "102": 3}


def test_given_an_account_in_the_settings_when_a_country_is_removed_then_it_is_zero(accounts):
    accounts.only = "102"
    accounts.named = {"whoever": 7}
    accounts.sent["102"] = {"AT": 7}
    saved = written(STREAM, entry("102", "", 7, "Company 2"))
    vars(saved[0].stream.stream_state)["filters"] = {"seven_subaccounts": "102"}

    output = read(STREAM, saved=saved, seven_subaccounts="102", **AGAIN)

    assert by_key(output) == [row("102", "", 0, "Company 2"), row("102", "AT", 7, "Company 2")]


# A key without the right


@pytest.mark.parametrize("stream", [STREAM, "subaccount_balances"])
def test_given_a_key_without_the_right_to_the_list_then_a_sentence_names_the_right(providers, accounts, stream):
    accounts.named = {"Company 1": 7}
    providers.answer(LIST, b'"902"')

    output = read(stream, start_date=DAY)

    assert output.records == []
    assert output.errors[0].failure_type is FailureType.config_error
    assert output.errors[0].message == (
        "The seven.io API key lacks a permission for this endpoint. Give it the permissions subaccounts in the "
        "seven.io dashboard, Developer > API keys."
    )
