from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from airbyte_cdk.models import FailureType

from source_sms_providers.days import days
from unit_tests.connector import SEVEN_KEY, full_refresh, read, state, written
from unit_tests.providers import SEVEN, Asked, as_json, query_of
from unit_tests.usage import ZEROS, each_day_asked, usage

URL = f"{SEVEN}/analytics"
TOTALS = f"{URL}?group_by=date"
COUNTRIES = f"{URL}?group_by=country"
GERMANY = {"country": "DE", "sms": 120, "rcs": 4, "voice": 1, "hlr": 0, "mnp": 0, "inbound": 7, "usage_eur": 9.0075}
FRANCE = {"country": "FR", "sms": 36, "rcs": 0, "voice": 0, "hlr": 2, "mnp": 0, "inbound": 0, "usage_eur": 2.7}
UNKNOWN = {"country": "", "sms": 3, "rcs": 0, "voice": 0, "hlr": 0, "mnp": 1, "inbound": 0, "usage_eur": 0.0225}


def asked(group_by: str, start: str, end: str) -> Asked:
    return Asked("GET", URL, {"start": start, "end": end, "group_by": group_by, "subaccounts": "all", "label": "all"})


@pytest.fixture
def usage_each_day(providers):
    """Each day has usage, which is of three countries."""
    providers.answer(TOTALS, each_day_asked)
    providers.answer(COUNTRIES, "seven/analytics_by_country.json")
    return providers


def test_given_no_state_when_read_then_each_day_is_requested_alone(usage_each_day):
    read("analytics_by_country")

    assert [request for request in usage_each_day.asked if request.query["group_by"] == "country"] == [
        asked("country", "2026-03-07", "2026-03-07"),
        asked("country", "2026-03-08", "2026-03-08"),
        asked("country", "2026-03-09", "2026-03-09"),
    ]
    assert {request.headers["X-Api-Key"] for request in usage_each_day.requests} == {SEVEN_KEY}
    assert {request.headers["Accept"] for request in usage_each_day.requests} == {"application/json"}


def test_given_no_state_when_read_then_the_totals_of_all_days_are_requested_once(usage_each_day):
    read("analytics_by_country")

    assert [request for request in usage_each_day.asked if request.query["group_by"] == "date"] == [
        asked("date", "2026-03-07", "2026-03-09")
    ]


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_three_countries_when_read_then_each_is_a_record_of_the_requested_day(usage_each_day, run):
    output = run("analytics_by_country", start_date="2026-03-09")

    assert output.records == [
        {"date": "2026-03-09", **country, "is_partial": False} for country in (GERMANY, FRANCE, UNKNOWN)
    ]


def test_given_three_days_when_read_then_the_state_is_the_last_of_them(usage_each_day):
    assert read("analytics_by_country").states[-1]["date"] == "2026-03-09"


def test_given_a_state_of_yesterday_then_the_last_three_days_are_read_again(usage_each_day):
    saved = state("analytics_by_country", date="2026-03-09T00:00:00Z")

    output = read("analytics_by_country", start_date="2026-01-01", saved=saved)

    assert sorted(set(output.days)) == ["2026-03-07", "2026-03-08", "2026-03-09"]


def test_given_an_older_state_then_new_days_and_those_read_too_young_are_read(usage_each_day):
    saved = state("analytics_by_country", date="2026-03-01")

    output = read("analytics_by_country", start_date="2026-01-01", saved=saved)

    assert (output.days[0], output.days[-1]) == ("2026-02-28", "2026-03-09")


def test_given_a_day_without_usage_then_it_is_a_zero_row_and_not_requested(providers):
    providers.answer(TOTALS, as_json([usage(date="2026-03-09")]))

    output = read("analytics_by_country", start_date="2026-03-09")

    assert output.records == [{"date": "2026-03-09", "country": "", **ZEROS, "is_partial": False}]


@pytest.mark.parametrize("eur", [0.004, -2.5], ids=["rounding", "refund"])
def test_given_costs_that_leave_no_rest_and_no_country_then_the_day_has_a_zero_row(providers, eur):
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", usage_eur=eur)]))
    providers.answer(COUNTRIES, as_json([]))

    output = read("analytics_by_country", start_date="2026-03-09")

    assert output.records == [{"date": "2026-03-09", "country": "", **ZEROS, "is_partial": False}]


def test_given_a_running_day_without_total_and_countries_then_it_is_a_zero_row(
    providers,
):
    providers.answer(URL, b"[]")

    output = read("analytics_by_country", start_date="2026-03-10", include_today=True)

    assert output.failure is None
    assert output.records == [{"date": "2026-03-10", "country": "", **ZEROS, "is_partial": True}]


def test_given_no_totals_to_reconcile_with_then_no_day_is_requested(providers):
    providers.answer(TOTALS, b"", status=500)

    output = read("analytics_by_country", start_date="2026-03-09")

    assert output.records == []
    assert output.failure.failure_type is FailureType.transient_error
    assert {request.query["group_by"] for request in providers.asked} == {"date"}


def test_given_more_than_a_year_then_the_totals_are_those_of_the_stream_analytics(providers):
    providers.answer(TOTALS, lambda request: each_day_asked(request, sms=0))

    read("analytics", "analytics_by_country", start_date="2025-03-09")

    assert sorted(providers.asked, key=lambda request: request.query["start"]) == [
        asked("date", "2025-03-09", "2026-03-08"),
        asked("date", "2026-03-09", "2026-03-09"),
    ]


def test_given_a_day_whose_totals_fail_in_any_range_then_all_other_days_are_read(usage_each_day):
    def totals(request):
        return b'"600"' if date(2026, 3, 8) in days_asked(request) else each_day_asked(request)

    usage_each_day.answer(TOTALS, totals)

    output = read("analytics_by_country", start_date="2026-03-06")

    assert sorted(set(output.days)) == ["2026-03-06", "2026-03-07", "2026-03-09"]
    assert output.states[-1]["date"] == "2026-03-07"
    assert output.failure.failure_type is FailureType.transient_error


def test_given_other_groupings_when_read_together_then_totals_are_requested_once(usage_each_day):
    usage_each_day.answer(f"{URL}?group_by=label", "seven/analytics_by_label.json")
    usage_each_day.answer(f"{URL}?group_by=subaccount", "seven/analytics_by_subaccount.json")

    read("analytics", "analytics_by_country", "analytics_by_label", "analytics_by_subaccount")

    assert [request.query["group_by"] for request in usage_each_day.asked].count("date") == 1


def test_given_today_is_included_then_its_rows_are_partial_and_state_is_yesterday(usage_each_day):
    output = read("analytics_by_country", include_today=True)

    assert {record["date"] for record in output.records if record["is_partial"]} == {"2026-03-10"}
    assert output.states[-1]["date"] == "2026-03-09"


def test_given_a_start_of_today_when_read_then_nothing_is_requested(providers):
    output = read("analytics_by_country", start_date="2026-03-10")

    assert providers.asked == []
    assert output.failure is None


@pytest.mark.parametrize("lost", ["2026-02-20", "2026-02-25"])
def test_given_a_day_that_fails_before_others_then_the_next_sync_reads_it_again(usage_each_day, lost):
    usage_each_day.answer(f"{COUNTRIES}&start={lost}", "seven/error_308.json")
    failed = read("analytics_by_country", start_date="2026-02-20")
    usage_each_day.answer(f"{COUNTRIES}&start={lost}", "seven/analytics_by_country.json")

    saved = state("analytics_by_country", **failed.states[-1])
    repeated = read("analytics_by_country", start_date="2026-02-20", saved=saved)

    assert lost not in failed.days
    assert "2026-03-09" in failed.days
    assert lost in repeated.days


def test_given_many_days_that_fail_alike_when_read_then_the_error_is_reported_once(providers):
    providers.answer(URL, "seven/error_902.json")

    output = read("analytics_by_country", start_date="2026-02-20")

    assert len(output.errors) == 1
    assert output.failure.message == f"Not all streams were synced. analytics_by_country: {output.errors[0].message}"


# Usage of no group


@pytest.fixture(params=["country", "label"])
def group_of_none(providers, request):
    """9 March has the usage that is told, and none of it is of a country or label."""
    providers.answer(f"{URL}?group_by={request.param}", b"[]")
    return request.param


@pytest.mark.parametrize("counter", ZEROS)
def test_given_usage_of_no_group_then_it_is_a_row_without_one_and_a_warning(providers, group_of_none, caplog, counter):
    total = usage(date="2026-03-09", **{counter: 3})
    providers.answer(TOTALS, as_json([total]))

    output = read(f"analytics_by_{group_of_none}", start_date="2026-03-09")

    assert output.failure is None
    assert output.records == [{**total, group_of_none: "", "is_partial": False}]
    [warning] = warnings(caplog)
    assert f"'analytics_by_{group_of_none}'" in warning
    assert "Days: 1, first: 2026-03-09." in warning


@pytest.mark.parametrize(("total", "requests"), [({"sms": 3}, 2), ({"voice": 3}, 1)], ids=["SMS", "voice"])
def test_given_a_day_of_sms_and_of_no_group_when_read_then_it_is_requested_once_more(
    providers, group_of_none, total, requests
):
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", **total)]))

    read(f"analytics_by_{group_of_none}", start_date="2026-03-09")

    assert [request.query["group_by"] for request in providers.asked].count(group_of_none) == requests


def test_given_a_grouping_that_is_empty_only_once_then_its_second_response_counts(providers, caplog):
    providers.answer(TOTALS, each_day_asked)
    providers.answer_in_turn(COUNTRIES, b"[]", as_json([usage(country="DE", sms=1)]))

    output = read("analytics_by_country", start_date="2026-03-09")

    assert {record["country"]: record["sms"] for record in output.records} == {"DE": 1}
    assert warnings(caplog) == []


def test_given_usage_beside_the_groups_when_read_then_the_rest_is_a_row_of_no_group(providers, caplog):
    """Inbound messages and voice calls of no country beside SMS."""
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=3, voice=2, inbound=7, usage_eur=0.12)]))
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=2, usage_eur=0.02), usage(country="FR", sms=1)]))

    output = read("analytics_by_country", start_date="2026-03-09")

    rest = usage(date="2026-03-09", country="", voice=2, inbound=7, usage_eur=0.1, is_partial=False)
    assert [record for record in output.records if record["country"] == ""] == [rest]
    assert len(warnings(caplog)) == 1


def test_given_a_group_without_name_and_a_rest_when_read_then_both_are_one_row(providers):
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=5)]))
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=2), usage(country="", sms=2)]))

    output = read("analytics_by_country", start_date="2026-03-09")

    assert {record["country"]: record["sms"] for record in output.records} == {"DE": 2, "": 3}
    assert len(output.records) == 2


def test_given_many_days_that_lack_usage_when_read_then_one_warning_counts_them(providers, caplog):
    providers.answer(TOTALS, lambda request: each_day_asked(request, sms=9))
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=2)]))

    read("analytics_by_country", start_date="2026-02-20")

    [warning] = warnings(caplog)
    assert warning.endswith(" Days: 18, first: 2026-02-20.")


def test_given_groups_of_more_than_the_total_then_a_warning_names_both_sums(providers, caplog):
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=5, usage_eur=0.5)]))
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=4, usage_eur=0.5), usage(country="FR", sms=3)]))

    output = read("analytics_by_country", start_date="2026-03-09")

    assert {record["country"]: record["sms"] for record in output.records} == {"DE": 4, "FR": 3}
    [warning] = warnings(caplog)
    assert warning.endswith(" Days: 1, first: 2026-03-09 (7 sms, total 5).")


@pytest.mark.parametrize("eur", [0.4999, 0.5, 0.5001, 0.505, 0.495])
def test_given_costs_that_are_rounded_when_read_then_nothing_is_left_over(providers, caplog, eur):
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=5, usage_eur=eur)]))
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=5, usage_eur=0.5)]))

    output = read("analytics_by_country", start_date="2026-03-09")

    assert [(record["country"], record["usage_eur"]) for record in output.records] == [("DE", 0.5)]
    assert warnings(caplog) == []


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


# Spans of days that one request tells


A_HUNDRED_DAYS = "2025-11-30"
WHOLE, SECOND_PART = ("2025-11-30", "2026-03-09"), ("2026-02-11", "2026-03-09")
FIRST_PART = ("2025-11-30", "2026-02-10")


@pytest.fixture
def spans(providers):
    """Says how many SMS each country has on a day, and how many more a range has."""

    def have(each_day: dict[str, Callable[[str], int]], **more_in_ranges: int) -> None:
        def countries(request):
            asked = query_of(request)
            is_range = asked["start"] != asked["end"]
            more = more_in_ranges if is_range else {}
            found = {name: more.get(name, 0) + total(asked, of_day) for name, of_day in each_day.items()}
            return as_json([usage(country=name, sms=sms, usage_eur=sms / 10) for name, sms in found.items() if sms])

        def total(asked, of_day):
            first, last = date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])
            return sum(of_day(str(day)) for day in days(first, last))

        def dates(request):
            asked = query_of(request)
            first, last = date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])
            sums = {str(day): sum(of_day(str(day)) for of_day in each_day.values()) for day in days(first, last)}
            return as_json([usage(date=day, sms=sms, usage_eur=sms / 10) for day, sms in sums.items()])

        providers.answer(COUNTRIES, countries)
        providers.answer(TOTALS, dates)

    return have


def day_of_month(day: str) -> int:
    return int(day[8:])


def days_asked(request) -> list[date]:
    asked = query_of(request)
    return days(date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"]))


def asked_spans(providers) -> list[tuple[str, str]]:
    """The bounds of the requests by country, in their order."""
    queries = [query_of(request) for request in providers.requests]
    return [(query["start"], query["end"]) for query in queries if query["group_by"] == "country"]


def test_given_one_country_then_one_request_gives_the_same_days_as_single_requests(spans, providers):
    spans({"DE": lambda day: day_of_month(day) % 7})

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS)

    assert asked_spans(providers) == [WHOLE]
    assert [(record["date"], record["country"], record["sms"], record["usage_eur"]) for record in output.records] == [
        (str(day), "DE" if sms else "", sms, sms / 10)
        for day in days(*map(date.fromisoformat, WHOLE))
        for sms in [day.day % 7]
    ]
    assert output.states[-1]["written"]["2026-03-09"] == [[["DE"], [2, 0, 0, 0, 0, 0, 0.2]]]


@pytest.mark.parametrize(("start_date", "requests"), [("2026-01-29", 40), ("2026-01-28", 1)], ids=["40 days", "41"])
def test_given_up_to_forty_days_when_read_then_each_is_requested_alone(spans, providers, start_date, requests):
    spans({"DE": lambda _: 5})

    read("analytics_by_country", start_date=start_date)

    assert len(asked_spans(providers)) == requests


def test_given_a_country_that_appears_later_then_only_the_part_with_both_is_split(spans, providers):
    spans({"DE": lambda _: 5, "FR": lambda day: int(day >= "2026-02-20")})

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS)

    single = [(str(day), str(day)) for day in days(*map(date.fromisoformat, SECOND_PART))]
    assert sorted(asked_spans(providers)) == sorted([WHOLE, FIRST_PART, *single])
    assert sum(record["sms"] for record in output.records) == 5 * 100 + 18


def test_given_a_country_that_ends_then_only_the_part_with_both_is_requested_by_day(spans, providers):
    spans({"DE": lambda _: 5, "FR": lambda day: int(day <= "2025-12-20")})

    output = read("analytics_by_country", start_date="2025-10-31")

    single = [(str(day), str(day)) for day in days(date(2025, 10, 31), date(2026, 1, 11))]
    ranges = [("2025-10-31", "2026-03-09"), ("2025-10-31", "2026-01-11"), ("2026-01-12", "2026-03-09")]
    assert sorted(asked_spans(providers)) == sorted([*ranges, *single])
    assert sum(record["sms"] for record in output.records) == 5 * 130 + 51


def test_given_a_label_in_the_settings_when_read_then_one_request_is_enough_too(spans, providers):
    spans({"DE": lambda _: 5})

    providers.answer(f"{URL}?group_by=label", as_json([usage(label="newsletter", sms=5)]))

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS, seven_label="newsletter")

    assert asked_spans(providers) == [WHOLE]
    assert len(output.records) == 100


@pytest.mark.parametrize("counter", ZEROS)
def test_given_a_range_that_differs_in_one_counter_then_each_day_is_requested(usage_each_day, counter):
    def countries(request):
        sums = usage(country="DE", sms=len(days_asked(request)))
        return as_json([{**sums, counter: sums[counter] + (len(days_asked(request)) > 1)}])

    usage_each_day.answer(COUNTRIES, countries)

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS)

    assert len(asked_spans(usage_each_day)) == 1 + 1 + 100
    assert {(record["sms"], record[counter]) for record in output.records} == {(1, int(counter == "sms"))}


@pytest.mark.parametrize("more", [{"DE": 1}, {"FR": 3}], ids=["an SMS more", "a country more"])
def test_given_a_correction_between_two_requests_then_each_day_is_requested(spans, providers, more):
    spans({"DE": lambda _: 5, "FR": lambda _: 0}, **more)

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS)

    assert len(asked_spans(providers)) == 1 + 1 + 100
    assert {(record["country"], record["sms"]) for record in output.records} == {("DE", 5)}


def test_given_a_range_that_fails_then_its_days_are_requested_and_the_sync_succeeds(spans, providers):
    spans({"DE": lambda _: 5})
    providers.answer(f"{COUNTRIES}&start={WHOLE[0]}&end={WHOLE[1]}", "seven/error_308.json")
    providers.answer(f"{COUNTRIES}&start={FIRST_PART[0]}&end={FIRST_PART[1]}", "seven/error_308.json")

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS)

    assert output.failure is None
    assert len(output.records) == 100


def test_given_a_running_day_when_read_then_it_is_requested_alone(spans, providers):
    spans({"DE": lambda _: 5})

    output = read("analytics_by_country", start_date=A_HUNDRED_DAYS, include_today=True)

    assert sorted(asked_spans(providers)) == [WHOLE, ("2026-03-10", "2026-03-10")]
    assert [record["date"] for record in output.records if record["is_partial"]] == ["2026-03-10"]


def test_given_few_days_with_usage_when_read_then_no_range_is_requested(spans, providers):
    spans({"DE": lambda day: int(day >= "2026-01-30")})

    read("analytics_by_country", start_date=A_HUNDRED_DAYS)

    assert all(first == last for first, last in asked_spans(providers))


# A group that goes away


ONE_DAY = {"start_date": "2026-03-09", "lookback_days": 1}


@pytest.fixture
def day(providers):
    """Says what 9 March has: its total, and its countries."""

    def has(total: int, **countries: int) -> None:
        providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=total, usage_eur=total / 10)]))
        rows = [usage(country=name, sms=sms, usage_eur=sms / 10) for name, sms in countries.items()]
        providers.answer(COUNTRIES, as_json(rows))

    return has


def synced(*, after=None, saved=None) -> tuple[dict[str, int], list]:
    """The SMS of each country's record, and the state that the next sync gets."""
    saved = state("analytics_by_country", **after[-1]) if after else saved
    output = read("analytics_by_country", saved=saved, **ONE_DAY)
    assert output.failure is None
    return {record["country"]: record["sms"] for record in output.records}, output.states


def test_given_a_country_that_became_another_then_the_old_one_gets_a_zero_row(day):
    day(10, DE=6, XX=4)
    _, states = synced()
    day(10, DE=6, FR=4)

    found, states = synced(after=states)

    assert found == {"DE": 6, "FR": 4, "XX": 0}
    assert states[-1]["written"] == {
        "2026-03-09": [
            [["DE"], [6, 0, 0, 0, 0, 0, 0.6]],
            [["FR"], [4, 0, 0, 0, 0, 0, 0.4]],
        ]
    }


def test_given_a_sync_that_broke_off_before_a_zero_row_then_the_next_one_writes_it(day):
    day(10, DE=6, FR=4)
    announced = [[["DE"], [6, 0, 0, 0, 0, 0, 0.6]], [["XX"], [0, 0, 0, 0, 0, 0, 0]]]

    found, _ = synced(saved=written("analytics_by_country", *announced))

    assert found == {"DE": 6, "FR": 4, "XX": 0}


def test_given_a_day_that_was_emptied_then_its_countries_get_zero_rows(day, providers):
    day(10, DE=6, FR=4)
    _, states = synced()
    day(0)
    asked_before = len(providers.asked)

    found, states = synced(after=states)

    assert found == {"": 0, "DE": 0, "FR": 0}
    assert "written" not in states[-1]
    assert len(providers.asked) == asked_before + 1


def test_given_a_removed_group_that_the_total_holds_then_its_row_is_written_again(day):
    day(10, DE=6, FR=4)
    _, states = synced()
    day(11, DE=7)

    found, states = synced(after=states)

    assert found == {"DE": 7, "FR": 4}
    assert [key for key, _ in states[-1]["written"]["2026-03-09"]] == [["DE"], ["FR"]]


def test_given_two_removed_groups_when_the_total_holds_one_then_the_other_is_zero(day):
    day(10, DE=5, FR=4, AT=1)
    _, states = synced()
    day(10, DE=5, IT=1)

    found, _ = synced(after=states)

    assert found == {"DE": 5, "FR": 4, "IT": 1, "AT": 0}


def test_given_a_removed_group_and_a_rest_of_before_then_the_group_stays(day):
    before = [[["XX"], [4, 0, 0, 0, 0, 0, 0.4]], [[""], [4, 0, 0, 0, 0, 0, 0.4]]]
    day(10, DE=6)

    found, _ = synced(saved=written("analytics_by_country", *before))

    assert found == {"DE": 6, "XX": 4, "": 0}


@pytest.mark.parametrize(("total", "kept", "rest"), [(9, True, 0), (10, True, 1), (7, False, 1)])
def test_given_a_removed_group_when_nothing_adds_up_then_it_stays_if_it_fits(day, caplog, total, kept, rest):
    day(9, DE=6, XX=3)
    _, states = synced()
    day(total, DE=4, FR=2)

    found, _ = synced(after=states)

    assert found == {"DE": 4, "FR": 2, "XX": 3 if kept else 0, **({"": rest} if rest else {})}
    of_kept = [each for each in warnings(caplog) if "keep their rows" in each]
    assert len(of_kept) == (1 if kept and rest else 0)


def test_given_a_running_day_that_lost_a_group_then_a_later_sync_decides(providers, clock):
    clock.move_to("2026-03-09T12:00:00Z")
    running = {"start_date": "2026-03-09", "include_today": True}
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=10)]))
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=6), usage(country="XX", sms=4)]))
    first = read("analytics_by_country", **running)
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=7), usage(country="FR", sms=4)]))

    second = read("analytics_by_country", saved=state("analytics_by_country", **first.states[-1]), **running)

    assert {record["country"]: record["sms"] for record in second.records} == {"DE": 7, "FR": 4, "XX": 4}
    assert [key for key, _ in second.states[-1]["written"]["2026-03-09"]] == [["DE"], ["FR"], ["XX"]]


def test_given_a_running_day_that_ends_meanwhile_and_lost_a_group_then_it_stays(providers, clock):
    def at_midnight(_request):
        clock.move_to("2026-03-10T00:00:01Z")
        return as_json([usage(country="DE", sms=7), usage(country="FR", sms=4)])

    clock.move_to("2026-03-09T23:59:59Z")
    providers.answer(TOTALS, as_json([usage(date="2026-03-09", sms=10)]))
    providers.answer(COUNTRIES, at_midnight)
    saved = written("analytics_by_country", [["XX"], [4, 0, 0, 0, 0, 0, 0]])

    output = read(
        "analytics_by_country",
        saved=saved,
        start_date="2026-03-09",
        lookback_days=1,
        include_today=True,
    )

    assert [(record["country"], record["is_partial"]) for record in output.records] == [
        (country, True) for country in ("DE", "FR", "XX")
    ]
    assert output.states[-1]["date"] == "2026-03-08"


def test_given_a_running_day_that_ends_meanwhile_without_usage_then_it_becomes_zero(providers, clock):
    def at_midnight(_request):
        clock.move_to("2026-03-11T00:00:01Z")
        return b"[]"

    clock.move_to("2026-03-10T23:59:59Z")
    providers.answer(TOTALS, at_midnight)
    providers.answer(COUNTRIES, b"[]")

    output = read("analytics_by_country", start_date="2026-03-10", include_today=True)

    assert output.records == [{"date": "2026-03-10", "country": "", **ZEROS, "is_partial": True}]


def test_given_a_running_day_without_total_that_lost_a_group_then_it_stays(providers, clock):
    clock.move_to("2026-03-09T12:00:00Z")
    running = {"start_date": "2026-03-09", "include_today": True}
    providers.answer(TOTALS, b"[]")
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=6), usage(country="XX", sms=4)]))
    first = read("analytics_by_country", **running)
    providers.answer(COUNTRIES, as_json([usage(country="DE", sms=6), usage(country="FR", sms=4)]))

    second = read("analytics_by_country", saved=state("analytics_by_country", **first.states[-1]), **running)

    assert second.failure is None
    assert sorted(record["country"] for record in second.records) == ["DE", "FR", "XX"]


ELEVEN = {f"X{letter}": number for number, letter in enumerate("ABCDEFGHIJK", start=1)}


def test_given_eleven_renamed_groups_and_a_deleted_one_then_the_latter_stays(day, caplog):
    renamed = {name.replace("X", "Y"): sms for name, sms in ELEVEN.items()}
    day(1302, ZZ=1236, **ELEVEN)
    _, states = synced()
    day(1302, **renamed)

    found, _ = synced(after=states)

    assert found == {**renamed, "ZZ": 1236, **dict.fromkeys(ELEVEN, 0)}
    assert warnings(caplog) == []


def test_given_a_state_without_groups_then_the_rows_are_known_from_then_on(day):
    day(10, DE=6, FR=4)

    found, states = synced(after=[{"date": "2026-03-09"}])

    assert found == {"DE": 6, "FR": 4}
    assert [key for key, _ in states[-1]["written"]["2026-03-09"]] == [["DE"], ["FR"]]
