from __future__ import annotations

import json
from datetime import date

import pytest

from unit_tests.connector import SEVEN_KEY, full_refresh, read, state
from unit_tests.providers import SEVEN, Asked, as_json, query_of
from unit_tests.usage import each_day_asked, usage

URL = f"{SEVEN}/analytics"
RECORDS = [
    {
        "date": "2026-03-07",
        "sms": 200,
        "rcs": 6729,
        "voice": 425,
        "hlr": 5920,
        "mnp": 49,
        "inbound": 0,
        "usage_eur": 932.12,
        "is_partial": False,
    },
    usage(date="2026-03-08", is_partial=False),
    {
        "date": "2026-03-09",
        "sms": 156,
        "rcs": 5993,
        "voice": 400,
        "hlr": 2002,
        "mnp": 0,
        "inbound": 48,
        "usage_eur": 854.3925,
        "is_partial": False,
    },
]


def asked(start: str, end: str, **query: str) -> Asked:
    return Asked(
        "GET", URL, {"start": start, "end": end, "group_by": "date", "subaccounts": "all", "label": "all"} | query
    )


def test_given_no_state_then_one_request_covers_the_start_to_yesterday(providers):
    providers.answer(URL, "seven/analytics_by_date.json")

    read("analytics")

    assert providers.asked == [asked("2026-03-07", "2026-03-09")]
    assert providers.requests[0].headers["Accept"] == "application/json"
    assert providers.requests[0].headers["X-Api-Key"] == SEVEN_KEY


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_three_days_when_read_then_each_is_a_record(providers, run):
    providers.answer(URL, "seven/analytics_by_date.json")

    assert run("analytics").records == RECORDS


def test_given_three_days_when_read_then_the_state_is_the_last_of_them(providers):
    providers.answer(URL, "seven/analytics_by_date.json")

    state = read("analytics").states[-1]

    assert (state["date"], state["first_reported"]) == ("2026-03-09", "2026-03-07")
    assert "written" not in state


def test_given_the_documented_response_then_its_two_rows_of_a_day_are_added_up(providers, clock):
    clock.move_to("2024-03-28T12:00:00Z")
    providers.answer(URL, "seven/analytics_documented.json")

    assert read("analytics", start_date="2024-03-27").records == [
        {
            "date": "2024-03-27",
            "sms": 356,
            "rcs": 12722,
            "voice": 825,
            "hlr": 7922,
            "mnp": 49,
            "inbound": 48,
            "usage_eur": 1786.51,
            "is_partial": False,
        }
    ]


@pytest.mark.parametrize("saved", ["2026-03-09", "2026-03-09T00:00:00Z", "2026-03-08"])
def test_given_a_state_within_the_lookback_then_the_last_three_days_are_requested(providers, saved):
    providers.answer(URL, each_day_asked)

    read("analytics", start_date="2026-01-01", saved=state("analytics", date=saved))

    assert providers.asked == [asked("2026-03-07", "2026-03-09")]


def test_given_an_older_state_then_new_days_and_those_read_too_young_are_requested(providers):
    providers.answer(URL, each_day_asked)

    read("analytics", start_date="2026-01-01", saved=state("analytics", date="2026-02-01"))

    assert providers.asked == [asked("2026-01-31", "2026-03-09")]


def test_given_a_start_date_after_days_read_too_young_then_it_is_the_first_day(providers):
    providers.answer(URL, each_day_asked)

    read("analytics", start_date="2026-02-01", saved=state("analytics", date="2026-02-01"))

    assert providers.asked == [asked("2026-02-01", "2026-03-09")]


def test_given_a_longer_lookback_when_read_then_that_many_days_are_requested_again(providers):
    providers.answer(URL, each_day_asked)

    read("analytics", start_date="2026-01-01", lookback_days=7, saved=state("analytics", date="2026-03-09"))

    assert providers.asked == [asked("2026-03-03", "2026-03-09")]


def test_given_a_start_within_the_lookback_when_read_then_it_is_the_first_day(providers):
    providers.answer(URL, each_day_asked)

    read("analytics", start_date="2026-03-08", saved=state("analytics", date="2026-03-09"))

    assert providers.asked == [asked("2026-03-08", "2026-03-09")]


def test_given_the_emitted_state_then_the_next_sync_reads_the_new_day(providers, clock):
    providers.answer(URL, each_day_asked)
    first = read("analytics", start_date="2026-03-01")

    clock.shift(24 * 3600)
    second = read("analytics", start_date="2026-03-01", saved=state("analytics", **first.states[-1]))

    assert second.days == ["2026-03-08", "2026-03-09", "2026-03-10"]


def test_given_two_years_when_read_then_the_windows_are_at_most_a_year_and_join(providers):
    providers.answer(URL, each_day_asked)

    output = read("analytics", start_date="2024-01-01")

    assert providers.asked == [
        asked("2024-01-01", "2024-12-30"),
        asked("2024-12-31", "2025-12-30"),
        asked("2025-12-31", "2026-03-09"),
    ]
    assert len(set(output.days)) == len(output.days) == 799


def test_given_three_years_when_read_then_a_state_follows_each_of_them(providers):
    providers.answer(URL, each_day_asked)

    states = read("analytics", start_date="2023-03-10").states

    assert [saved["date"] for saved in states] == ["2024-03-08", "2025-03-08", "2026-03-08", "2026-03-09"]


def test_given_a_start_of_today_when_read_then_nothing_is_requested(providers):
    output = read("analytics", start_date="2026-03-10")

    assert providers.asked == []
    assert output.failure is None


def test_given_today_is_included_when_read_then_its_record_is_partial(providers):
    providers.answer(URL, each_day_asked)

    output = read("analytics", include_today=True)

    assert providers.asked == [asked("2026-03-07", "2026-03-10")]
    assert [record["is_partial"] for record in output.records] == [False, False, False, True]


def test_given_today_is_included_when_read_then_the_state_does_not_include_it(providers):
    providers.answer(URL, each_day_asked)

    assert read("analytics", include_today=True).states[-1]["date"] == "2026-03-09"


def test_given_a_label_and_a_subaccount_when_read_then_they_are_requested(providers):
    providers.answer(URL, "seven/analytics_by_date.json")

    providers.answer(f"{URL}?group_by=label", as_json([usage(label="newsletter", sms=1)]))
    providers.answer(f"{SEVEN}/subaccounts", as_json([{"id": 1234567}]))

    read("analytics", seven_label="newsletter", seven_subaccounts="1234567")

    by_date = [request for request in providers.asked if request.query.get("group_by") == "date"]
    assert by_date == [asked("2026-03-07", "2026-03-09", label="newsletter", subaccounts="1234567")]


def test_given_another_base_url_when_read_then_it_is_requested(providers):
    providers.answer("https://sms.example/v1/analytics", "seven/analytics_by_date.json")

    assert read("analytics", seven_base_url="https://sms.example/v1/").records == RECORDS


def test_given_days_that_were_not_requested_when_read_then_nothing_is_synced(providers):
    providers.answer(URL, "seven/analytics_documented.json")

    output = read("analytics")

    assert output.records == []
    [error] = output.errors
    assert "2024-03-27" in error.message
    assert "2026-03-07 to 2026-03-09" in error.message


def test_given_a_day_that_fails_in_any_range_then_the_state_does_not_pass_it(providers):
    providers.answer(URL, each_day_asked)
    providers.answer(f"{URL}?start=2024-01-01", "seven/error_902.json")

    failed = read("analytics", start_date="2024-01-01")
    providers.answer(f"{URL}?start=2024-01-01", each_day_asked)
    repeated = read("analytics", start_date="2024-01-01", saved=state("analytics", **failed.states[-1]))

    assert failed.days[0] == "2024-01-02"
    assert repeated.days[0] == "2024-01-01"


def test_given_two_days_that_cannot_be_read_then_the_error_names_the_older_one(providers):
    wrong = [usage(date="2026-03-08", sms=-1), usage(date="2026-03-09", sms=-1)]
    providers.answer(URL, as_json([usage(date="2026-03-07", sms=1), *wrong]))

    output = read("analytics")

    assert output.days == ["2026-03-07"]
    [error] = output.errors
    assert "sms of 2026-03-08 is negative" in error.message


def test_given_a_counter_that_no_row_has_when_read_then_one_warning_reports_it(providers, caplog):
    def without_rcs(request):
        return as_json([{n: v for n, v in row.items() if n != "rcs"} for row in json.loads(each_day_asked(request))])

    providers.answer(URL, without_rcs)

    output = read("analytics")

    assert [record["rcs"] for record in output.records] == [None] * 3
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["seven.io sends no 'rcs' in its usage: the column stays empty."]


def test_given_a_start_five_years_too_early_then_it_costs_a_few_requests_a_year_once(providers, clock):
    def since_march(request):
        days = json.loads(each_day_asked(request, sms=5))
        named = [day for day in days if day["date"] >= "2026-03-08"]
        return as_json(named if query_of(request)["group_by"] == "date" else [usage(country="DE", sms=5)])

    providers.answer(URL, since_march)

    first = read("analytics", "analytics_by_country", start_date="2021-03-10")

    # A year, its last day, and its first one with the day before it.
    years = [("2021-03-10", "2022-03-09"), ("2022-03-10", "2023-03-09"), ("2023-03-10", "2024-03-08")]
    years += [("2024-03-09", "2025-03-08")]
    before = [(start, end) for start, end in years] + [(end, end) for _, end in years]
    before += [("2021-03-09", "2021-03-10"), ("2022-03-09", "2022-03-10"), ("2023-03-09", "2023-03-10")]
    before += [("2024-03-08", "2024-03-09")]
    # A later day; the year in which the account began, and what that lacks.
    began = [("2026-03-09", "2026-03-09"), ("2025-03-09", "2026-03-08"), ("2025-03-09", "2026-03-07")]
    began += [("2026-03-07", "2026-03-07"), ("2025-03-08", "2025-03-09")]
    by_country = [("country", day, day) for day in ("2026-03-08", "2026-03-09")]
    assert spans(providers.requests) == sorted([*(("date", *days) for days in before + began), *by_country])
    rows = [record for record in first.records if "country" not in record]
    assert len(rows) == (date(2026, 3, 9) - date(2021, 3, 10)).days + 1
    assert [(row["date"], row["sms"]) for row in rows if row["sms"]] == [("2026-03-08", 5), ("2026-03-09", 5)]

    clock.move_to("2026-03-11T12:00:00Z")
    already = len(providers.requests)
    read("analytics", saved=state("analytics", date="2026-03-09"), start_date="2021-03-10")

    assert spans(providers.requests[already:]) == [("date", "2026-03-08", "2026-03-10")]


def spans(requests):
    """(group, first day, last day) of each request, sorted, because several workers ask at once."""
    return sorted((query["group_by"], query["start"], query["end"]) for query in map(query_of, requests))
