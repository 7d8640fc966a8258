"""A day that fails is asked again, and no other day suffers."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import BY_ACCOUNT, DAILY, GROUPINGS
from integration_tests.sync import Destination, sync, without_nulls
from integration_tests.test_windows import asked_days

pytestmark = pytest.mark.usefixtures("no_waiting")

ROUNDS = int(os.environ.get("ROUNDS", "1"))
TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)
STREAMS = ("analytics_by_label", BY_ACCOUNT, "consumption")

FAILURES: list[dict[str, Any]] = [
    {"kind": "status", "code": 500},
    {"kind": "status", "code": 404},
    {"kind": "body", "body": '"600"'},
    {"kind": "body", "body": "<html>maintenance</html>", "content_type": "text/html"},
    {"kind": "body", "body": "{}"},
    {"kind": "json_cut"},
    {"kind": "reset_in_body"},
]


def day_query(stream: str, day: date) -> dict[str, str]:
    if stream == "consumption":
        return {"date_start": str(day)}
    return {"start": str(day), "group_by": GROUPINGS[stream]}


@settings(
    max_examples=14 * ROUNDS,
    # The same examples in each run; `ROUNDS=10 make test` draws new ones.
    derandomize=ROUNDS == 1,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(
    stream=st.sampled_from(STREAMS),
    failing=st.integers(0, 7),
    failure=st.sampled_from(FAILURES),
    workers=st.sampled_from([1, 2, 4, 8]),
    slow=st.sets(st.integers(0, 7), max_size=4),
    lookback=st.integers(1, 4),
    synced_before=st.integers(0, 7),
)
@example("consumption", 0, FAILURES[0], 1, set(), 3, 0)
@example("consumption", 0, FAILURES[0], 8, {0}, 1, 0)
@example("consumption", 7, FAILURES[0], 8, set(), 3, 0)
@example("analytics_by_label", 7, FAILURES[0], 1, set(), 1, 7)
@example("consumption", 5, FAILURES[0], 8, set(), 4, 7)
@example(BY_ACCOUNT, 4, FAILURES[0], 4, set(), 2, 3)
@example("analytics_by_label", 3, FAILURES[0], 4, {3}, 1, 3)
def test_given_a_day_that_fails_then_the_state_waits_and_the_next_sync_reads_it(
    sandbox: Sandbox,
    stream: str,
    failing: int,
    failure: dict[str, Any],
    workers: int,
    slow: set[int],
    lookback: int,
    synced_before: int,
) -> None:
    sandbox.reset()
    start = TODAY - 8 * DAY
    failed_day = start + failing * DAY
    config = sandbox.config(start_date=str(start), num_workers=workers, lookback_days=lookback)
    destination = Destination()
    if synced_before:
        earlier = start + synced_before * DAY
        sandbox.set(today=str(earlier))
        destination.take(sync(config, [stream], now=earlier))
        sandbox.set(today=str(TODAY))
    sandbox.clear_requests()
    for n in slow - {failing}:
        sandbox.fault(
            "stall_before_headers", seconds=0.05, query=day_query(stream, start + n * DAY), path="/", times=None
        )
    sandbox.fault(
        failure["kind"],
        **{k: v for k, v in failure.items() if k != "kind"},
        query=day_query(stream, failed_day),
        times=None,
    )

    broken = sync(config, [stream], destination.state.values(), now=TODAY)

    was_asked = any(first == failed_day for first, _ in asked_days(sandbox, stream))
    assert (broken.error is not None) == was_asked
    destination.take(broken)
    if was_asked:
        assert destination.state_day(stream) < str(failed_day)
    sandbox.clear_faults()
    sandbox.clear_requests()

    repaired = sync(config, [stream], destination.state.values(), now=TODAY)

    assert repaired.error is None
    destination.take(repaired)
    if was_asked:
        assert (failed_day, failed_day) in asked_days(sandbox, stream)
    expected = expected_records(sandbox.settings(), {}, TODAY, start, TODAY - DAY)[stream]
    assert without_nulls(destination.rows(stream), stream) == without_nulls(expected, stream)
    assert repaired.state_day(stream) == str(TODAY - DAY)


@pytest.mark.parametrize("stream", DAILY)
def test_given_one_failing_day_when_read_then_the_other_days_are_delivered(sandbox: Sandbox, stream: str) -> None:
    query = {"group_by": "date"} if stream == "analytics" else day_query(stream, date(2026, 3, 5))
    sandbox.fault("status", code=404, query=query, times=None)

    result = sync(sandbox.config(start_date="2026-03-01"), [stream], now=TODAY)

    assert result.error is not None
    delivered = {row["date"] for row in result.records(stream)}
    whole = {str(date(2026, 3, 1) + n * DAY) for n in range(9)}
    assert delivered == (set() if stream == "analytics" else whole - {"2026-03-05"})


def test_given_an_account_that_fails_on_a_day_then_rows_and_state_lack_that_day(
    sandbox: Sandbox,
) -> None:
    query = {"group_by": "country", "subaccounts": "5310422", "start": "2026-03-05"}
    sandbox.fault("status", code=500, query=query, times=None)

    result = sync(sandbox.config(start_date="2026-03-01"), [BY_ACCOUNT], now=TODAY)

    assert {struck["struck"] > 0 for struck in sandbox.faults()} == {True}
    assert result.error is not None
    delivered = {row["date"] for row in result.records(BY_ACCOUNT)}
    assert delivered == {str(date(2026, 3, 1) + n * DAY) for n in range(9)} - {"2026-03-05"}
    assert result.state_day(BY_ACCOUNT) == "2026-03-04"


@pytest.mark.parametrize("code", [400, 504])
def test_given_a_year_that_fails_as_a_whole_when_read_then_its_halves_give_each_day(
    sandbox: Sandbox, code: int
) -> None:
    start, yesterday = date(2025, 3, 10), TODAY - DAY
    year = {"group_by": "date", "start": str(start), "end": str(yesterday)}
    sandbox.fault("status", code=code, query=year, times=None)

    result = sync(sandbox.config(start_date=str(start)), ["analytics"], now=TODAY)

    assert result.error is None, result.sentence
    expected = expected_records(sandbox.settings(), {}, TODAY, start, yesterday)["analytics"]
    assert without_nulls(result.records("analytics"), "analytics") == without_nulls(expected, "analytics")
    answered = [entry["query"] for entry in sandbox.requests() if entry["status"] == 200]
    assert [(query["start"], query["end"]) for query in answered] == [
        ("2026-03-09", "2026-03-09"),
        ("2025-09-09", "2026-03-09"),
        ("2025-03-10", "2025-09-08"),
    ]


@pytest.mark.parametrize("code", [400, 504])
@pytest.mark.parametrize(
    ("streams", "knobs", "years", "in_vain"),
    [
        # Two threads find out at once: a year and its two halves each; and a year of countries, twice or thrice.
        (["analytics", "analytics_by_country"], {"seven_groups": "one"}, 8, range(3 + 2, 6 + 3 + 1)),
        # Each day is requested by itself.
        (["consumption"], {"activity": "dormant"}, 2, range(1)),
    ],
    ids=["seven", "smsfactor"],
)
def test_given_a_server_that_rejects_wide_ranges_then_all_arrives_and_few_fail(
    sandbox: Sandbox, streams: list[str], knobs: dict[str, str], years: int, in_vain: range, code: int
) -> None:
    start, yesterday = TODAY - years * 365 * DAY, TODAY - DAY
    sandbox.set(**knobs)
    sandbox.fault("status", code=code, days_over=100, times=None)

    result = sync(sandbox.config(start_date=str(start), num_workers=1), streams, now=TODAY)

    assert result.error is None, result.sentence
    expected = expected_records(sandbox.settings(), {}, TODAY, start, yesterday)
    for stream in streams:
        assert without_nulls(result.records(stream), stream) == without_nulls(expected[stream], stream)
    failed = [entry["query"] for entry in sandbox.requests() if entry["status"] == code]
    assert len({str(query) for query in failed}) in in_vain


def test_given_a_failing_provider_when_both_are_read_then_the_other_one_is_synced(sandbox: Sandbox) -> None:
    sandbox.fault("status", code=503, path="/api/", times=None)

    result = sync(sandbox.config(start_date="2026-03-01"), ["analytics", "consumption"], now=TODAY)

    assert result.error is not None
    expected = expected_records(sandbox.settings(), {}, TODAY, date(2026, 3, 1), TODAY - DAY)["consumption"]
    assert without_nulls(result.records("consumption"), "consumption") == without_nulls(expected, "consumption")
    assert result.state_day("consumption") == str(TODAY - DAY)


@pytest.mark.parametrize("lookback", [1, 3, 7])
def test_given_late_corrections_then_they_arrive_and_the_stored_state_is_yesterday(
    sandbox: Sandbox, lookback: int
) -> None:
    sandbox.set(correction_days=lookback)
    config = sandbox.config(start_date="2026-03-01", lookback_days=lookback + 1)
    destination = Destination()
    for n in range(6):
        today = TODAY + n * DAY
        sandbox.set(today=str(today))
        result = sync(config, ["analytics", "consumption"], destination.state.values(), now=today)
        destination.take(result)
        expected = expected_records(sandbox.settings(), {}, today, date(2026, 3, 1), today - DAY)
        for stream in ("analytics", "consumption"):
            assert result.state_day(stream) == str(today - DAY)
            assert without_nulls(destination.rows(stream), stream) == without_nulls(expected[stream], stream)
