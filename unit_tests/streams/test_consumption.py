from __future__ import annotations

from datetime import date

import pytest
from airbyte_cdk.models import FailureType, Type

from source_sms_providers.days import days
from unit_tests.connector import SMSFACTOR_TOKEN, full_refresh, read, state
from unit_tests.providers import SMSFACTOR, Asked, as_json, query_of

URL = f"{SMSFACTOR}/metrics/consumption"
MINE = {
    "date": "2026-03-09",
    "account_id": "1",
    "company": "My company",
    "is_main_account": True,
    "is_partial": False,
}
SUB_ACCOUNT = {
    **MINE,
    "account_id": "2",
    "company": "My sub account company",
    "is_main_account": False,
}
RECORDS = [
    {**MINE, "country": "FR", "consumption": 50},
    {**MINE, "country": "CH", "consumption": 30},
    {**SUB_ACCOUNT, "country": "IT", "consumption": 20},
]


def asked(start: str, end: str) -> Asked:
    return Asked("GET", URL, {"date_start": start, "date_end": end})


@pytest.fixture
def documented(providers):
    """Each day has the consumption of the documented answer."""
    providers.answer(URL, "smsfactor/consumption.json")
    return providers


def test_given_no_state_when_read_then_each_day_is_requested_alone(documented):
    read("consumption")

    assert documented.asked == [
        asked("2026-03-07", "2026-03-07"),
        asked("2026-03-08", "2026-03-08"),
        asked("2026-03-09", "2026-03-09"),
    ]
    assert {request.headers["Accept"] for request in documented.requests} == {"application/json"}
    assert {request.headers["Authorization"] for request in documented.requests} == {f"Bearer {SMSFACTOR_TOKEN}"}
    assert not any("X-Api-Key" in request.headers for request in documented.requests)


def day_of(units: int) -> bytes:
    """What a main account consumed in France."""
    mine = {"account_id": 1, "company": "Main", "conso": {"total": units, "by_country": {"FR": units} if units else []}}
    return as_json({"status": 1, "data": {"total": units, "my_account": mine, "by_sub_accounts": []}})


@pytest.mark.parametrize("units", [0, 7])
def test_given_many_days_then_each_is_requested_by_itself(providers, units):
    """A range that is zero proves nothing of its days."""
    providers.answer(URL, day_of(units))

    output = read("consumption", start_date="2025-11-30")

    every_day = [str(day) for day in days(date(2025, 11, 30), date(2026, 3, 9))]
    assert sorted(query_of(request)["date_start"] for request in providers.requests) == every_day
    assert {query["date_start"] == query["date_end"] for query in map(query_of, providers.requests)} == {True}
    assert [(record["date"], record["consumption"]) for record in output.records] == [(day, units) for day in every_day]


def test_given_a_refund_on_another_day_then_both_days_have_what_was_sent(providers):
    for day, units in (("2026-03-07", 24), ("2026-03-08", 0), ("2026-03-09", -24)):
        providers.answer(f"{URL}?date_start={day}&date_end={day}", day_of(units))

    output = read("consumption")

    assert [(record["country"], record["consumption"]) for record in output.records] == [
        ("FR", 24),
        ("", 0),
        ("FR", -24),
    ]
    assert [entry[1] for entries in output.states[-1]["written"].values() for entry in entries] == [[24], [-24]]


@pytest.mark.parametrize(
    ("boundaries", "start", "end"),
    [
        ("inclusive", "2026-03-01", "2026-03-01"),
        ("end_excluded", "2026-03-01", "2026-03-02"),
        ("both_excluded", "2026-02-28", "2026-03-02"),
        ("start_excluded", "2026-02-28", "2026-03-01"),
    ],
)
def test_given_date_range_bounds_then_a_request_counts_exactly_its_day(documented, clock, boundaries, start, end):
    clock.move_to("2026-03-02T12:00:00Z")

    output = read("consumption", start_date="2026-03-01", smsfactor_day_boundaries=boundaries)

    assert documented.asked == [asked(start, end)]
    assert set(output.days) == {"2026-03-01"}


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_the_documented_response_then_each_account_and_country_is_a_record(documented, run):
    assert run("consumption", start_date="2026-03-09").records == RECORDS


def test_given_three_days_when_read_then_the_state_is_the_last_of_them(documented):
    assert read("consumption").states[-1]["date"] == "2026-03-09"


def test_given_a_state_when_read_then_the_last_three_days_are_read_again(documented):
    read("consumption", start_date="2026-01-01", saved=state("consumption", date="2026-03-09"))

    assert documented.asked == [
        asked("2026-03-07", "2026-03-07"),
        asked("2026-03-08", "2026-03-08"),
        asked("2026-03-09", "2026-03-09"),
    ]


def test_given_today_is_included_then_its_rows_are_partial_and_state_is_yesterday(documented):
    output = read("consumption", include_today=True)

    assert {record["date"] for record in output.records if record["is_partial"]} == {"2026-03-10"}
    assert output.states[-1]["date"] == "2026-03-09"


def test_given_today_was_read_then_the_next_day_reads_it_again_complete(documented, clock):
    first = read("consumption", include_today=True, lookback_days=1)

    clock.shift(24 * 3600)
    second = read("consumption", include_today=True, lookback_days=1, saved=state("consumption", **first.states[-1]))

    assert {(record["date"], record["is_partial"]) for record in second.records} == {
        ("2026-03-10", False),
        ("2026-03-11", True),
    }


def test_given_countries_when_read_then_they_are_picked_by_the_connector(documented):
    output = read("consumption", start_date="2026-03-09", countries=["ch"])

    assert documented.asked == [asked("2026-03-09", "2026-03-09")]
    assert output.records == [
        {**MINE, "country": "CH", "consumption": 30},
        {**SUB_ACCOUNT, "country": "", "consumption": 0},
    ]


def test_given_a_sub_account_when_read_then_it_is_picked_by_the_connector(documented):
    output = read("consumption", start_date="2026-03-09", smsfactor_sub_account_id="2")

    assert documented.asked == [asked("2026-03-09", "2026-03-09")]
    assert output.records == [{**SUB_ACCOUNT, "country": "IT", "consumption": 20}]


def test_given_a_white_label_when_read_then_its_host_is_requested(providers):
    providers.answer("https://api.whitelabel.example/metrics/consumption", "smsfactor/consumption.json")

    output = read("consumption", start_date="2026-03-09", smsfactor_base_url="https://api.whitelabel.example/")

    assert output.records == RECORDS


@pytest.mark.parametrize("lost", ["2026-02-20", "2026-02-25"])
def test_given_a_day_that_fails_before_others_then_the_next_sync_reads_it_again(documented, lost):
    documented.answer(f"{URL}?date_start={lost}", "smsfactor/error_-5.json")
    failed = read("consumption", start_date="2026-02-20")
    documented.answer(f"{URL}?date_start={lost}", "smsfactor/consumption.json")

    repeated = read("consumption", start_date="2026-02-20", saved=state("consumption", **failed.states[-1]))

    assert lost not in failed.days
    assert "2026-03-09" in failed.days
    assert lost in repeated.days


def test_given_a_rejected_token_when_read_then_no_day_is_zero(providers):
    providers.answer(URL, "smsfactor/error_-1.json")

    output = read("consumption")

    assert output.records == []
    assert output.failure.failure_type is FailureType.config_error
    assert len(output.errors) == 1


def test_given_xml_when_read_then_no_day_is_zero(providers):
    providers.answer(URL, "smsfactor/consumption.xml", Content_Type="application/xml")

    output = read("consumption", start_date="2026-03-09")

    assert output.records == []
    assert "something other than the JSON" in output.failure.message


# What a state weighs


@pytest.mark.parametrize("accounts", [1, 5])
def test_given_a_lookback_of_a_year_then_the_states_weigh_less_than_the_rows(providers, accounts):
    conso = {"total": 3, "by_country": {"FR": 3}}
    listed = [{"account_id": number, "company": "Company", "conso": conso} for number in range(accounts)]
    data = {"total": 3 * accounts, "my_account": listed[0], "by_sub_accounts": listed[1:]}
    providers.answer(URL, as_json({"status": 1, "message": "OK", "data": data}))

    output = read("consumption", start_date="2025-03-09", lookback_days=366)

    assert len(output.records) == 366 * accounts
    assert output.weight(Type.STATE) < output.weight(Type.RECORD)
