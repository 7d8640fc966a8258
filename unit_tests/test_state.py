from __future__ import annotations

from collections import defaultdict
from datetime import date
from types import SimpleNamespace

import pytest
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteRecordMessage,
    AirbyteStreamStatus,
    FailureType,
    StreamDescriptor,
    Type,
)
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import state as state_module
from source_sms_providers.state import RewindState, StreamState, with_states
from unit_tests.connector import state

STREAM = "analytics_by_country"
GERMANY, FRANCE = ("DE",), ("FR",)


def settings(**others) -> dict:
    states = defaultdict(StreamState)
    settings = {"today": "2026-03-10", "start_date": "2026-01-01", "lookback_days": 3}
    return {**settings, "_states": states, **others}


def rewinding(**others) -> RewindState:
    return RewindState(config=settings(**others), declarative_stream=SimpleNamespace(name=STREAM), parameters={})


def rewound(day: str, **others) -> str:
    return rewinding(**others).migrate({"date": day})["date"]


# RewindState: from min(D + 2 - N, today - N) on


@pytest.mark.parametrize("done", ["2026-03-09", "2026-03-09T00:00:00Z", "2026-03-09T23:59:59Z"])
def test_given_yesterday_as_done_then_the_last_three_days_are_not(done):
    assert rewound(done) == "2026-03-06T23:59:59Z"


@pytest.mark.parametrize(
    ("days", "eve"), [(1, "2026-03-08"), (3, "2026-03-06"), (10, "2026-02-27"), (366, "2025-03-08")]
)
def test_given_a_lookback_then_so_many_days_before_today_are_to_be_read_again(days, eve):
    assert rewound("2026-03-09", lookback_days=days) == f"{eve}T23:59:59Z"


@pytest.mark.parametrize(
    ("done", "eve"),
    [
        # What the sync of yesterday left: a daily schedule.
        ("2026-03-08", "2026-03-06"),
        ("2026-03-07", "2026-03-05"),
        # A week ago: its last two days were younger than three days when they were read.
        ("2026-03-02", "2026-02-28"),
        ("2025-12-31", "2025-12-29"),
    ],
)
def test_given_a_pause_then_the_days_that_were_read_too_young_are_to_be_read_again(done, eve):
    assert rewound(done) == f"{eve}T23:59:59Z"


def test_given_a_pause_and_a_lookback_of_one_day_then_no_day_is_read_twice():
    assert rewound("2026-03-02", lookback_days=1) == "2026-03-02T23:59:59Z"


def test_given_a_state_of_today_then_it_is_no_warning(caplog):
    assert rewound("2026-03-10") == "2026-03-06T23:59:59Z"
    assert caplog.records == []


def test_given_a_state_in_the_future_then_the_last_days_are_read_with_a_warning(caplog):
    assert rewound("2027-01-01") == "2026-03-06T23:59:59Z"
    assert f"'{STREAM}' is of 2027-01-01, which is in the future" in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        *({"date": day} for day in ("", "yesterday", None, "2026-02-30")),
        {"date": "2026-03-09", "again_from": "soon"},
        *({"date": "2026-03-09", "groups": groups} for groups in ([1], {"2026-03-09": [1]}, {"2026-03-09": [[1, 2]]})),
    ],
)
def test_given_a_state_of_another_form_then_the_user_is_told_to_clear_it(garbage):
    with pytest.raises(AirbyteTracedException, match="Clear the stream's data") as raised:
        rewinding().migrate(garbage)

    assert raised.value.failure_type is FailureType.config_error


@pytest.mark.parametrize("saved", [{}, {"__ab_no_cursor_state_message": True}])
def test_given_a_state_without_a_cursor_then_it_is_left_alone(saved):
    assert not rewinding().should_migrate(saved)


def test_given_streams_that_are_built_twice_then_the_state_is_rewound_once():
    migration = rewinding()

    once = migration.migrate({"date": "2026-03-09"})

    assert not migration.should_migrate(once)


@pytest.mark.parametrize(
    ("again_from", "eve"), [("2026-03-02", "2026-03-01"), ("2026-03-07", "2026-03-06"), ("2026-03-09", "2026-03-06")]
)
def test_given_a_sync_that_broke_off_then_the_days_that_it_had_not_read_again_are_to_be_read(again_from, eve):
    cursor_state = rewinding().migrate({"date": "2026-03-01T00:00:00Z", "again_from": again_from})

    assert cursor_state == {"date": f"{eve}T23:59:59Z"}


def test_given_groups_then_they_are_known_and_the_cursor_sees_none_of_them():
    migration = rewinding()

    cursor_state = migration.migrate({"date": "2026-03-09", "groups": {"2026-03-08": [[["DE"], [5, 0.4]]]}})

    assert cursor_state == {"date": "2026-03-06T23:59:59Z"}
    assert migration.config["_states"][STREAM].groups_of("2026-03-08") == {GERMANY: (5, 0.4)}


# with_states: what a state says


def record(day: str, stream: str = STREAM, **data) -> AirbyteMessage:
    data = {"date": day, **data}
    return AirbyteMessage(type=Type.RECORD, record=AirbyteRecordMessage(stream=stream, data=data, emitted_at=0))


def saved(day: str, stream: str = STREAM) -> AirbyteMessage:
    return AirbyteMessage(type=Type.STATE, state=state(stream, date=day)[0])


def said(config: dict, *messages: AirbyteMessage) -> list:
    """The states in the order of the messages, with a day for each record between them."""
    return [
        message.record.data["date"] if message.record else vars(message.state.stream.stream_state)
        for message in with_states(messages, config["_states"], config)
        if message.type is not Type.TRACE
    ]


def holds(config: dict, day: str, rows: dict) -> None:
    """The first record of the day is about to be written."""
    config["_states"][STREAM].will_hold(day, rows)
    config["_states"][STREAM].begins(day)


def test_given_days_that_were_read_but_not_written_when_a_record_comes_then_one_state_names_ten_of_them():
    config = settings()
    january = [f"2026-01-{day:02}" for day in range(1, 32)]
    for day in january:
        config["_states"][STREAM].will_hold(day, {GERMANY: (5,)})

    messages = said(config, *map(record, january[:12]))

    assert [each if isinstance(each, str) else list(each["groups"]) for each in messages] == [
        january[:10],
        *january[:10],
        january[:20],
        *january[10:12],
    ]


def test_given_a_day_that_was_read_when_its_record_comes_before_those_of_earlier_days_then_it_is_named():
    config = settings()
    january = [f"2026-01-{day:02}" for day in range(1, 32)]
    for day in january:
        config["_states"][STREAM].will_hold(day, {GERMANY: (5,)})

    [state, _] = said(config, record(january[-1]))

    assert list(state["groups"]) == [*january[:10], january[-1]]


def ended(stream: str, status: AirbyteStreamStatus = AirbyteStreamStatus.COMPLETE) -> AirbyteMessage:
    return as_airbyte_message(StreamDescriptor(name=stream), status)


@pytest.mark.parametrize("status", [AirbyteStreamStatus.COMPLETE, AirbyteStreamStatus.INCOMPLETE])
def test_given_states_that_say_nothing_new_then_only_the_last_of_them_is_said_at_the_end_of_its_stream(status):
    config = settings()
    config["_states"][STREAM].resume(date(2026, 3, 7), {})
    other = ended("another stream", status)

    messages = [record("2026-03-08"), *[saved("2026-03-06T23:59:59Z")] * 2, other, ended(STREAM, status)]

    assert [message.type for message in with_states(messages, config["_states"], config)] == [
        Type.RECORD,
        Type.TRACE,
        Type.STATE,
        Type.TRACE,
    ]


def test_given_a_state_that_says_nothing_new_when_one_follows_that_does_then_it_is_not_said():
    config = settings()
    config["_states"][STREAM].resume(date(2026, 3, 7), {})

    states = said(config, saved("2026-03-06T23:59:59Z"), saved("2026-03-08"), ended(STREAM))

    assert [each["date"] for each in states] == ["2026-03-08"]


def test_given_no_running_day_when_the_state_comes_then_it_stays():
    assert said(settings(), record("2026-03-09", is_partial=False), saved("2026-03-09T00:00:00Z"))[-1] == {
        "date": "2026-03-09T00:00:00Z"
    }


def test_given_a_running_day_when_the_state_names_it_then_the_state_is_its_eve():
    assert said(settings(), record("2026-03-10", is_partial=True), saved("2026-03-10T00:00:00Z"))[-1] == {
        "date": "2026-03-09T23:59:59Z"
    }


def test_given_a_running_day_when_the_state_is_older_then_it_stays():
    assert said(settings(), record("2026-03-10", is_partial=True), saved("2026-03-01T00:00:00Z"))[-1] == {
        "date": "2026-03-01T00:00:00Z"
    }


def test_given_a_running_day_of_one_stream_when_the_state_of_another_comes_then_it_stays():
    assert said(settings(), record("2026-03-10", is_partial=True), saved("2026-03-10T00:00:00Z", "balance"))[-1] == {
        "date": "2026-03-10T00:00:00Z"
    }


@pytest.mark.parametrize(
    ("today", "first_day", "done", "again_from"),
    [
        # Whole: from the day that D + 2 - N says.
        ("2026-03-10", date(2026, 3, 7), "2026-03-09", None),
        # The same day again reads a day more.
        ("2026-03-10", date(2026, 3, 6), "2026-03-09", None),
        # A part of the days that are read again, or of those that are new.
        ("2026-03-10", date(2026, 3, 7), "2026-03-07", "2026-03-08"),
        ("2026-03-10", date(2026, 3, 1), "2026-03-02", "2026-03-03"),
        ("2026-03-10", date(2026, 3, 1), "2026-02-28", "2026-03-01"),
    ],
)
def test_given_a_state_then_it_says_from_which_day_on_is_read_again_if_its_day_does_not(
    today, first_day, done, again_from
):
    config = settings(today=today)
    config["_states"][STREAM].resume(first_day, {})

    [state] = said(config, saved(done))

    assert state.get("again_from") == again_from


def test_given_a_start_within_the_days_that_are_read_again_when_its_first_record_comes_then_no_day_before_it_is_named():
    config = settings(start_date="2026-03-09")
    config["_states"][STREAM].will_hold("2026-03-09", {GERMANY: (5,)})

    assert said(config, record("2026-03-09")) == [
        {
            "date": "2026-03-08T23:59:59Z",
            "again_from": "2026-03-09",
            "groups": {"2026-03-09": [[["DE"], [5]]]},
        },
        "2026-03-09",
    ]


def test_given_groups_that_no_state_has_named_when_their_record_comes_then_a_state_of_the_start_goes_ahead_of_it():
    config = settings()
    config["_states"][STREAM].will_hold("2026-03-09", {GERMANY: (5, 0.4), FRANCE: (1, 0)})

    groups = {"2026-03-09": [[["DE"], [5, 0.4]], [["FR"], [1, 0]]]}
    assert said(config, record("2026-03-09"), record("2026-03-09"), saved("2026-03-09")) == [
        {"date": "2025-12-31T23:59:59Z", "again_from": "2026-01-01", "groups": groups},
        "2026-03-09",
        "2026-03-09",
        {"date": "2026-03-09", "groups": groups},
    ]


def test_given_a_rewound_state_when_a_state_goes_ahead_then_it_is_the_rewound_one():
    config = settings()
    config["_states"][STREAM].resume(date(2026, 3, 7), {})
    config["_states"][STREAM].will_hold("2026-03-09", {GERMANY: (5,)})

    assert said(config, record("2026-03-09"))[0] == {
        "date": "2026-03-06T23:59:59Z",
        "again_from": "2026-03-07",
        "groups": {"2026-03-09": [[["DE"], [5]]]},
    }


@pytest.mark.parametrize(
    "rows", [{GERMANY: (5,)}, {GERMANY: (5,), FRANCE: (0,)}], ids=["the same as before", "a new row of zeros"]
)
def test_given_a_day_that_is_as_the_state_says_when_read_again_then_no_state_goes_ahead(rows):
    config = settings()
    config["_states"][STREAM].resume(date(2026, 3, 7), {"2026-03-09": [[["DE"], [5]]]})
    config["_states"][STREAM].will_hold("2026-03-09", rows)

    assert said(config, record("2026-03-09")) == ["2026-03-09"]


def test_given_a_group_that_goes_to_zero_then_it_is_named_until_a_state_confirms_its_day():
    config = settings()
    config["_states"][STREAM].resume(date(2026, 3, 7), {"2026-03-08": [[["DE"], [5]]]})
    config["_states"][STREAM].will_hold("2026-03-08", {FRANCE: (5,), GERMANY: (0,)})

    states = said(config, record("2026-03-08"), saved("2026-03-07"), saved("2026-03-08"))

    old_and_new, new = [[["DE"], [0]], [["FR"], [5]]], [[["FR"], [5]]]
    assert [each["groups"]["2026-03-08"] for each in states if isinstance(each, dict)] == [
        old_and_new,
        old_and_new,
        new,
    ]


def test_given_days_that_no_sync_asks_for_again_then_their_groups_are_named_no_longer():
    config = settings()
    for day in ("2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07"):
        holds(config, day, {GERMANY: (5,)})

    [named] = said(config, saved("2026-03-07"))

    assert list(named["groups"]) == ["2026-03-07"]


def test_given_a_day_that_failed_long_ago_then_the_groups_of_all_days_after_it_are_named():
    config = settings()
    for day in ("2026-02-01", "2026-02-20", "2026-03-09"):
        holds(config, day, {GERMANY: (5,)})

    [named] = said(config, saved("2026-01-31"))

    assert list(named["groups"]) == ["2026-02-01", "2026-02-20", "2026-03-09"]


def test_given_more_groups_than_a_state_names_then_those_of_the_newest_days_are_named_with_one_warning(
    monkeypatch, caplog
):
    monkeypatch.setattr(state_module, "MAX_GROUPS", 3)
    config = settings()
    for day in ("2026-03-07", "2026-03-08", "2026-03-09"):
        holds(config, day, {GERMANY: (5,), FRANCE: (1,)})

    first, second = said(config, saved("2026-03-06"), saved("2026-03-09"))

    assert list(first["groups"]) == list(second["groups"]) == ["2026-03-09"]
    assert [r.getMessage() for r in caplog.records] == [
        f"The days that the stream '{STREAM}' may read again have more than 3 groups. If a correction takes one away "
        "on an older of these days, its row stays as it is. Lower 'Days to read again' to avoid that."
    ]


def test_given_as_many_groups_as_a_state_names_then_all_are_named(monkeypatch, caplog):
    monkeypatch.setattr(state_module, "MAX_GROUPS", 2)
    config = settings()
    holds(config, "2026-03-09", {GERMANY: (5,), FRANCE: (1,)})

    [named] = said(config, saved("2026-03-09"))

    assert len(named["groups"]["2026-03-09"]) == 2
    assert caplog.records == []
