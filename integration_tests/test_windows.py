"""Which days a sync asks for, and what it says is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteStateMessage, AirbyteStateMessageSerializer, FailureType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.world import COUNTERS
from integration_tests.streams import BY_ACCOUNT, DAILY, GROUPED, GROUPINGS, PRIMARY_KEYS
from integration_tests.sync import Destination, sync, without_nulls

ROUNDS = int(os.environ.get("ROUNDS", "1"))
ANY_DAILY = "consumption"
TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)


def asked_days(sandbox: Sandbox, stream: str = ANY_DAILY) -> list[tuple[date, date]]:
    """The windows that a stream's requests asked for, in order of their days."""
    if stream == "consumption":
        names, group = ("date_start", "date_end"), None
    else:
        names = ("start", "end")
        group = GROUPINGS[stream]
    windows = [
        (date.fromisoformat(request["query"][names[0]]), date.fromisoformat(request["query"][names[1]]))
        for request in sandbox.requests()
        if names[0] in request["query"]
        and request["query"].get("group_by") == group
        # Not the requests of single accounts.
        and request["query"].get("subaccounts") in ("all", None)
    ]
    return sorted(windows)


def span(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def days_with_usage(sandbox: Sandbox, first: date, last: date, today: date) -> list[date]:
    """The days that the groupings of seven.io are asked for: it is known of the others that they are empty."""
    totals = expected_records(sandbox.settings(), {}, today, first, last)["analytics"] if first <= last else []
    return [date.fromisoformat(row["date"]) for row in totals if any(row[name] for name in (*COUNTERS, "usage_eur"))]


def state_of(stream: str, value: str) -> list[AirbyteStateMessage]:
    descriptor = {"name": stream, "namespace": None}
    return [
        AirbyteStateMessageSerializer.load(
            {"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": {"date": value}}}
        )
    ]


sequences_of_syncs = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 6), st.booleans(), st.integers(0, 23)), min_size=1, max_size=4
)


@settings(
    max_examples=12 * ROUNDS,
    # The same examples in each run; `ROUNDS=10 make test` draws new ones.
    derandomize=ROUNDS == 1,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(history=st.integers(0, 25), syncs=sequences_of_syncs)
def test_given_any_sequence_of_syncs_then_no_day_is_missed_and_only_lookback_repeats(
    sandbox: Sandbox, history: int, syncs: Sequence[tuple[int, int, bool, int]]
) -> None:
    sandbox.reset()
    start, today = TODAY - history * DAY, TODAY
    destination = Destination()
    streams = ("analytics", "analytics_by_country", BY_ACCOUNT, "consumption")
    done = start - DAY
    # One for all: a state of another "Days to read again" says from which day on is read again.
    lookback = syncs[0][1]
    for gap, _, include_today, hour in syncs:
        today += gap * DAY
        sandbox.set(today=str(today))
        sandbox.clear_requests()
        config = sandbox.config(start_date=str(start), lookback_days=lookback, include_today=include_today)

        result = sync(
            config,
            streams,
            destination.state.values(),
            datetime(today.year, today.month, today.day, hour, 30, tzinfo=timezone.utc),
        )

        assert result.error is None
        destination.take(result)
        last = today if include_today else today - DAY
        # Before a first sync, `done` is the eve of the start.
        first = max(start, min(done + 2 * DAY, today) - lookback * DAY)
        assert asked_days(sandbox, "consumption") == [(day, day) for day in span(first, last)]
        with_usage = days_with_usage(sandbox, first, last, today)
        assert asked_days(sandbox, "analytics_by_country") == [(day, day) for day in with_usage]
        assert asked_days(sandbox, BY_ACCOUNT) == [(day, day) for day in with_usage]
        assert asked_days(sandbox, "analytics") == ([(first, last)] if first <= last else [])
        done = max(done, today - DAY)
        for stream in streams:
            assert result.state_day(stream) == str(max(done, start - DAY))
    expected = expected_records(sandbox.settings(), {}, today, start, today - DAY)
    for stream in streams:
        complete = [row for row in destination.rows(stream) if row["date"] < str(today)]
        assert without_nulls(complete, stream) == without_nulls(expected[stream], stream)


def test_given_ten_years_then_they_are_requested_by_year_without_gap_or_overlap(
    sandbox: Sandbox,
) -> None:
    start = date(2016, 3, 1)

    sync(sandbox.config(start_date=str(start)), ["analytics"], now=TODAY)

    windows = asked_days(sandbox, "analytics")
    assert windows[0][0] == start
    assert windows[-1][1] == TODAY - DAY
    assert [(first - DAY) for first, _ in windows[1:]] == [last for _, last in windows[:-1]]
    assert max((last - first).days + 1 for first, last in windows) == 365
    assert len(windows) == 11


@pytest.mark.parametrize("stream", ["consumption", BY_ACCOUNT])
def test_given_one_worker_when_many_days_are_read_then_the_states_keep_up_with_them(
    sandbox: Sandbox, stream: str
) -> None:
    result = sync(sandbox.config(start_date="2025-11-10", num_workers=1), [stream], now=TODAY)

    assert result.error is None
    states = [each["state"]["stream"]["stream_state"] for each in result.messages if each["type"] == "STATE"]
    # Of 120 days.
    assert max(len(state.get("written", {})) for state in states) <= 20


@pytest.mark.parametrize(("activity", "most"), [("dormant", 4), ("weekday", 7), ("busy", 7)])
def test_given_a_year_of_daily_syncs_then_the_requests_of_a_sync_do_not_grow(
    sandbox: Sandbox, activity: str, most: int
) -> None:
    sandbox.set(activity=activity)
    config = sandbox.config(start_date="2026-03-01")
    state = sync(config, [ANY_DAILY, "analytics_by_label"], now=TODAY).state
    counts = []
    for days_later in (1, 2, 3, 120, 240, 365):
        today = TODAY + days_later * DAY
        sandbox.set(today=str(today))
        if days_later > 3:
            state = state_of(ANY_DAILY, f"{today - DAY}") + state_of("analytics_by_label", f"{today - DAY}")
        sandbox.clear_requests()
        result = sync(config, [ANY_DAILY, "analytics_by_label"], state, now=today)
        state = result.state
        counts.append(len(sandbox.requests()))
        assert result.state_day(ANY_DAILY) == str(today - DAY)

    assert max(counts) <= most


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("2026-03-05", span(date(2026, 3, 4), date(2026, 3, 9))),
        ("2026-03-05T00:00:00Z", span(date(2026, 3, 4), date(2026, 3, 9))),
        ("2026-03-05T23:59:59Z", span(date(2026, 3, 4), date(2026, 3, 9))),
        ("2026-03-09", span(date(2026, 3, 7), date(2026, 3, 9))),
        ("2020-01-01", span(date(2026, 3, 1), date(2026, 3, 9))),
    ],
)
def test_given_a_state_of_any_version_then_lookback_and_new_days_are_requested(
    sandbox: Sandbox, value: str, asked: list[date]
) -> None:
    sync(sandbox.config(start_date="2026-03-01"), [ANY_DAILY], state_of(ANY_DAILY, value), now=TODAY)

    assert asked_days(sandbox) == [(day, day) for day in asked]


@pytest.mark.parametrize("stream", PRIMARY_KEYS)
def test_given_a_state_in_the_future_then_it_is_clamped_and_days_are_still_read(
    sandbox: Sandbox, stream: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = sync(
        sandbox.config(start_date="2026-03-01"), [stream], state_of(stream, "2031-01-01T00:00:00Z"), now=TODAY
    )

    assert result.records(stream)
    assert result.state_day(stream) == str(TODAY - DAY if stream in DAILY else TODAY)
    if stream in DAILY:
        assert {row["date"] for row in result.records(stream)} == {"2026-03-07", "2026-03-08", "2026-03-09"}
    assert [r for r in caplog.records if r.levelname == "WARNING" and "is in the future" in r.getMessage()]


def test_given_a_state_that_is_not_a_date_when_read_then_the_error_explains_the_fix(sandbox: Sandbox) -> None:
    result = sync(sandbox.config(), [ANY_DAILY], state_of(ANY_DAILY, "soon"), now=TODAY)

    assert result.failure_type is FailureType.config_error
    assert "Refresh the stream and retain its records" in result.sentence


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ("2026-03-12", "'Start date': 2026-03-12 is in the future."),
        ("2026-02-31", "'Start date': 2026-02-31 is not a valid date."),
        ("2025-02-29", "'Start date': 2025-02-29 is not a valid date."),
    ],
)
def test_given_an_impossible_start_date_when_read_then_it_is_a_config_error(
    sandbox: Sandbox, start: str, sentence: str
) -> None:
    result = sync(sandbox.config(start_date=start), now=TODAY)

    assert result.failure_type is FailureType.config_error
    assert result.sentence.startswith(sentence)
    assert sandbox.requests() == []


def test_given_a_start_today_then_no_day_is_requested_and_none_is_lost_later(sandbox: Sandbox) -> None:
    config = sandbox.config(start_date=str(TODAY), lookback_days=1)
    first = sync(config, [ANY_DAILY], now=TODAY)
    assert asked_days(sandbox) == []
    later = TODAY + 9 * DAY
    sandbox.set(today=str(later))

    sync(config, [ANY_DAILY], first.state, now=later)

    assert asked_days(sandbox) == [(day, day) for day in span(TODAY, later - DAY)]


def test_given_a_sync_across_midnight_then_days_are_whole_and_the_next_sync_goes_on(
    sandbox: Sandbox,
) -> None:
    sandbox.set(latency=0.4)
    config = sandbox.config(start_date="2026-03-01", include_today=True, num_workers=2)
    just_before = datetime(2026, 3, 10, 23, 59, 59, tzinfo=timezone.utc)
    destination = Destination()

    destination.take(sync(config, [ANY_DAILY, "balance"], now=just_before))

    assert asked_days(sandbox) == [(day, day) for day in span(date(2026, 3, 1), TODAY)]
    partial = {row["date"] for row in destination.rows(ANY_DAILY) if row["is_partial"]}
    assert partial == {"2026-03-10"}
    for row in destination.rows("balance"):
        assert row["date"] == row["retrieved_at"][:10]

    sandbox.set(latency=0, today="2026-03-11")
    destination.take(sync(config, [ANY_DAILY], destination.state.values(), now=date(2026, 3, 11)))
    expected = expected_records(sandbox.settings(), {}, date(2026, 3, 11), date(2026, 3, 1), date(2026, 3, 11))
    assert without_nulls(destination.rows(ANY_DAILY), ANY_DAILY) == without_nulls(expected[ANY_DAILY], ANY_DAILY)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2024, 2, 27), date(2024, 3, 2)),
        (date(2026, 3, 27), date(2026, 3, 31)),
        (date(2025, 10, 24), date(2025, 10, 28)),
        (date(2025, 12, 30), date(2026, 1, 2)),
    ],
    ids=["29 February", "daylight saving starts", "daylight saving ends", "New Year"],
)
def test_given_days_of_odd_length_when_read_then_each_is_requested_once(
    sandbox: Sandbox, first: date, last: date
) -> None:
    sandbox.set(today=str(last + DAY))

    result = sync(sandbox.config(start_date=str(first)), DAILY, now=last + DAY)

    assert asked_days(sandbox, "analytics") == [(first, last)]
    assert asked_days(sandbox, "consumption") == [(day, day) for day in span(first, last)]
    for stream in (*GROUPED, BY_ACCOUNT):
        with_usage = days_with_usage(sandbox, first, last, last + DAY)
        assert asked_days(sandbox, stream) == [(day, day) for day in with_usage]
    for stream in DAILY:
        assert sorted({row["date"] for row in result.records(stream)}) == [str(day) for day in span(first, last)]


def test_given_include_today_and_a_long_pause_then_the_partial_day_is_read_again(sandbox: Sandbox) -> None:
    config: dict[str, Any] = sandbox.config(start_date="2026-03-08", lookback_days=1, include_today=True)
    destination = Destination()
    destination.take(sync(config, [ANY_DAILY], now=TODAY))
    later = TODAY + 20 * DAY
    sandbox.set(today=str(later))

    destination.take(sync({**config, "include_today": False}, [ANY_DAILY], destination.state.values(), now=later))

    assert not [row for row in destination.rows(ANY_DAILY) if row["is_partial"]]
