"""What the streams of seven.io's usage share: days that are not reported any more, and verified settings."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from airbyte_cdk.models import FailureType

from source_sms_providers.days import days
from unit_tests.connector import read, state
from unit_tests.providers import SEVEN, as_json, query_of
from unit_tests.usage import each_day_asked, usage

URL = f"{SEVEN}/analytics"


@pytest.fixture
def forgetful(providers):
    """Says from which day on the provider reports days; each has three SMS to Germany."""

    def since(first: str) -> None:
        def dates(request):
            rows = json.loads(each_day_asked(request, sms=3))
            return as_json([row for row in rows if row["date"] >= first])

        providers.answer(f"{URL}?group_by=date", dates)
        providers.answer(f"{URL}?group_by=country", as_json([usage(country="DE", sms=3)]))

    return since


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


# Days that are not reported any more


@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country"])
def test_given_a_provider_that_keeps_five_days_then_no_row_becomes_zero(forgetful, clock, stream):
    saved = None
    found: dict[str, set[int]] = {}
    for today in days(date(2026, 3, 6), date(2026, 3, 14)):
        clock.move_to(f"{today}T12:00:00Z")
        forgetful(str(date.fromordinal(today.toordinal() - 5)))
        output = read(stream, saved=saved, start_date="2026-03-01", lookback_days=8)
        saved = state(stream, **output.states[-1]) if output.states else saved
        for row in output.records:
            found.setdefault(row["date"], set()).add(row["sms"])

    assert found == {str(day): {3} for day in days(date(2026, 3, 1), date(2026, 3, 13))}


@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country"])
def test_given_a_lookback_day_that_is_not_reported_then_it_fails_and_is_read_again(forgetful, stream):
    forgetful("2026-03-01")
    first = read(stream, start_date="2026-03-01")
    forgetful("2026-03-09")

    second = read(stream, saved=state(stream, **first.states[-1]), start_date="2026-03-01")
    forgetful("2026-03-01")
    third = read(stream, saved=state(stream, **(second.states or first.states)[-1]), start_date="2026-03-01")

    assert second.days == ["2026-03-09"]
    assert second.failure.failure_type is FailureType.transient_error
    assert "2026-03-07 to 2026-03-08" in second.failure.message
    assert (third.days, third.failure) == (["2026-03-07", "2026-03-08", "2026-03-09"], None)
    assert {row["sms"] for row in third.records} == {3}


@pytest.mark.parametrize(("stream", "rows"), [("analytics", 0), ("analytics_by_country", 1)])
def test_given_a_settled_day_that_is_not_reported_then_its_rows_stay_with_a_warning(forgetful, caplog, stream, rows):
    forgetful("2026-03-06")
    saved = {
        "date": "2026-03-02",
        "lookback_from": "2026-03-03",
        "read_through": "2026-03-09",
        "first_reported": "2026-03-01",
        "written": {"2026-03-04": [[["DE"], [3, 0, 0, 0, 0, 0, 0]]]} if rows else {},
    }

    output = read(stream, saved=state(stream, **saved), start_date="2026-03-01")

    assert output.failure is None
    assert output.states[-1]["date"] == "2026-03-09"
    assert output.days == [*["2026-03-04"] * rows, "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09"]
    assert {row["sms"] for row in output.records} == {3}
    [warning] = warnings(caplog)
    assert warning.endswith("Days: 3, first: 2026-03-03.")


@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country"])
def test_given_a_pause_beyond_the_kept_days_then_one_sync_fails_and_the_next_warns(forgetful, clock, caplog, stream):
    outputs, saved = [], None
    for today in ("2026-03-06", "2026-03-20", "2026-03-20", "2026-03-21", "2026-03-22"):
        clock.move_to(f"{today}T12:00:00Z")
        forgetful(str(date.fromisoformat(today) - timedelta(days=5)))
        outputs.append(read(stream, saved=saved, start_date="2026-03-01", lookback_days=3))
        saved = state(stream, **outputs[-1].states[-1]) if outputs[-1].states else saved

    assert [output.failure is None for output in outputs] == [True, False, False, True, True]
    assert "to 2026-03-14" in outputs[1].failure.message
    assert "to 2026-03-14" in outputs[2].failure.message
    assert outputs[3].days[-5:] == [str(day) for day in days(date(2026, 3, 16), date(2026, 3, 20))]
    assert outputs[3].days[:-5] in ([], ["2026-03-15"])
    assert outputs[4].days == ["2026-03-19", "2026-03-20", "2026-03-21"]
    assert warnings(caplog)[-1].endswith("Days: 10, first: 2026-03-06.")


def test_given_a_year_that_fails_after_a_pause_then_no_state_marks_it_as_read(providers):
    """Only its first day was read before; the next year is answered."""

    def dates(request):
        return b"{}" if query_of(request)["start"] < "2024-12-30" else each_day_asked(request)

    providers.answer(URL, dates)
    saved = {"date": "2024-01-01", "first_reported": "2023-01-01"}

    output = read("analytics", saved=state("analytics", **saved), start_date="2023-01-01")

    assert output.failure.failure_type is FailureType.system_error
    assert output.days[0] == "2024-12-30"
    assert {(saved["date"], saved.get("read_through")) for saved in output.states} <= {("2023-12-30", "2024-01-01")}


# Settings that a sync verifies


@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country", "analytics_by_subaccount"])
def test_given_a_label_that_is_not_honored_when_read_then_nothing_is_written(providers, stream):
    providers.answer(URL, each_day_asked)
    providers.answer(f"{URL}?group_by=label", as_json([usage(label="newsletter", sms=3), usage(label="otp", sms=3)]))

    output = read(stream, seven_label="newsletter")

    assert output.records == []
    assert output.failure.failure_type is FailureType.config_error


@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country", "analytics_by_subaccount_and_country"])
def test_given_a_deleted_subaccount_when_all_is_returned_then_nothing_is_written(providers, stream):
    providers.answer(URL, each_day_asked)
    everybody = [usage(account="Main", sms=3), usage(account="Company 1", sms=1500)]
    providers.answer(f"{URL}?group_by=subaccount", as_json(everybody))
    providers.answer(f"{SEVEN}/subaccounts", as_json([{"id": "102"}]))

    output = read(stream, seven_subaccounts="101")

    assert output.records == []
    assert output.failure.failure_type is FailureType.config_error
    assert "101" in output.failure.message


def test_given_a_subaccount_and_a_label_then_several_streams_verify_them_once(providers):
    def analytics(request):
        group = query_of(request)["group_by"]
        if group == "date":
            return each_day_asked(request)
        fields = {"country": "country", "label": "label", "subaccount": "account"}
        return as_json([usage(**{fields[group]: "newsletter"}, sms=1)])

    providers.answer(URL, analytics)
    providers.answer(f"{SEVEN}/subaccounts", as_json([{"id": "101"}]))

    output = read("analytics", "analytics_by_country", seven_subaccounts="101", seven_label="newsletter")

    assert output.failure is None
    queries = [query_of(request) for request in providers.requests]
    assert [query["group_by"] for query in queries if query.get("start") == "2026-02-07"] == ["label"]
    assert [query for query in queries if query.get("action") == "read"] == [{"action": "read"}]


@pytest.mark.parametrize("settings", [{}, {"seven_subaccounts": "only_main"}])
def test_given_no_setting_that_narrows_when_read_then_nothing_is_verified(providers, settings):
    providers.answer(URL, each_day_asked)

    read("analytics", **settings)

    assert len(providers.requests) == 1
