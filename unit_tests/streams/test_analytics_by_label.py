from __future__ import annotations

import json

import pytest
from airbyte_cdk.models import FailureType, Type

from unit_tests.connector import full_refresh, read, state
from unit_tests.providers import SEVEN, Asked, as_json
from unit_tests.usage import each_day_asked, usage

URL = f"{SEVEN}/analytics"
LABELS = f"{URL}?group_by=label"


@pytest.fixture
def usage_each_day(providers):
    """Each day has usage, which the provider answers in a row with a label and two without."""
    providers.answer(f"{URL}?group_by=date", each_day_asked)
    providers.answer(LABELS, "seven/analytics_by_label.json")
    return providers


def test_given_two_days_when_read_then_each_is_requested_alone(usage_each_day):
    read("analytics_by_label", start_date="2026-03-08")

    query = {"group_by": "label", "subaccounts": "all", "label": "all"}
    assert [request for request in usage_each_day.asked if request.query["group_by"] == "label"] == [
        Asked("GET", URL, {"start": "2026-03-08", "end": "2026-03-08", **query}),
        Asked("GET", URL, {"start": "2026-03-09", "end": "2026-03-09", **query}),
    ]


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_two_rows_without_label_when_read_then_they_are_one_record(usage_each_day, run):
    output = run("analytics_by_label", start_date="2026-03-09")

    assert output.records == [
        usage(date="2026-03-09", label="newsletter", sms=120, usage_eur=9, is_partial=False),
        usage(date="2026-03-09", label="", sms=36, voice=1, usage_eur=0.3, is_partial=False),
    ]


def test_given_labels_when_read_then_the_state_is_the_last_day(usage_each_day):
    assert read("analytics_by_label").states[-1]["date"] == "2026-03-09"


def test_given_a_state_when_read_then_the_last_three_days_are_read_again(usage_each_day):
    saved = state("analytics_by_label", date="2026-03-09")

    output = read("analytics_by_label", start_date="2026-01-01", saved=saved)

    assert sorted(set(output.days)) == ["2026-03-07", "2026-03-08", "2026-03-09"]


def test_given_a_label_in_settings_when_it_is_honored_then_it_is_the_only_record(usage_each_day):
    usage_each_day.answer(f"{LABELS}&label=newsletter", as_json([usage(label="newsletter", sms=120)]))

    output = read("analytics_by_label", start_date="2026-03-09", seven_label="newsletter")

    assert output.records == [usage(date="2026-03-09", label="newsletter", sms=120, is_partial=False)]


def test_given_a_label_in_settings_when_others_are_returned_then_nothing_is_synced(usage_each_day):
    output = read("analytics_by_label", start_date="2026-03-09", seven_label="newsletter")

    assert output.records == []
    assert "seven.io does not know the label 'newsletter'" in output.failure.message
    assert output.failure.failure_type is FailureType.config_error


@pytest.mark.parametrize("settings", [{}, {"seven_label": "otp"}], ids=["all labels", "that label"])
def test_given_one_label_when_a_hundred_days_are_read_then_one_request_is_enough(providers, settings):
    providers.answer(f"{URL}?group_by=date", each_day_asked)
    providers.answer(
        LABELS, lambda request: as_json([usage(label="otp", sms=len(json.loads(each_day_asked(request))))])
    )

    output = read("analytics_by_label", start_date="2025-11-30", **settings)

    of_days = [request.query for request in providers.asked if request.query["end"] == "2026-03-09"]
    tells = [query["group_by"] for query in of_days if query["start"] == "2025-11-30"]
    assert tells == ["date", "label"]
    assert {record["label"] for record in output.records} == {"otp"}
    assert len(output.records) == 100


def test_given_a_label_in_the_settings_and_a_range_of_another_then_nothing_is_synced(providers):
    providers.answer(f"{URL}?group_by=date", each_day_asked)
    providers.answer(
        LABELS, lambda request: as_json([usage(label="otp", sms=len(json.loads(each_day_asked(request))))])
    )

    output = read("analytics_by_label", start_date="2025-11-30", seven_label="newsletter")

    assert output.records == []
    assert "seven.io does not know the label 'newsletter'" in output.failure.message


@pytest.mark.parametrize("again", [False, True], ids=["first sync", "second sync"])
def test_given_a_year_of_thirty_labels_then_the_states_weigh_less_than_the_rows(providers, again):
    providers.answer(f"{URL}?group_by=date", lambda request: each_day_asked(request, sms=30))
    providers.answer(LABELS, as_json([usage(label=f"label {n}", sms=1) for n in range(30)]))
    settings = {"start_date": "2025-03-09", "lookback_days": 366}

    output = read("analytics_by_label", **settings)
    if again:
        output = read("analytics_by_label", saved=state("analytics_by_label", **output.states[-1]), **settings)

    assert len(output.records) == 366 * 30
    assert output.weight(Type.STATE) < output.weight(Type.RECORD)
