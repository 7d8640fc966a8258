from __future__ import annotations

from types import SimpleNamespace

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.state import RewindState


def rewinding(**settings) -> RewindState:
    config = {"today": "2026-03-10", **settings}
    return RewindState(config=config, declarative_stream=SimpleNamespace(name="analytics"), parameters={})


@pytest.mark.parametrize("done", ["2026-03-09", "2026-03-09T00:00:00Z", "2026-03-09T23:59:59Z"])
def test_given_yesterday_as_done_then_the_last_three_days_are_not(done):
    assert rewinding().migrate({"date": done}) == {"date": "2026-03-06T23:59:59Z"}


@pytest.mark.parametrize(
    ("days", "eve"), [(1, "2026-03-08"), (3, "2026-03-06"), (10, "2026-02-27"), (366, "2025-03-08")]
)
def test_given_a_lookback_then_so_many_days_before_today_are_to_be_read_again(days, eve):
    assert rewinding(lookback_days=days).migrate({"date": "2026-03-09"}) == {"date": f"{eve}T23:59:59Z"}


@pytest.mark.parametrize("done", ["2026-03-06", "2026-03-05", "2025-12-31"])
def test_given_a_state_before_the_lookback_then_it_keeps_its_day(done):
    assert rewinding().migrate({"date": done}) == {"date": f"{done}T23:59:59Z"}


def test_given_a_state_of_today_then_it_is_no_warning(caplog):
    assert rewinding().migrate({"date": "2026-03-10"}) == {"date": "2026-03-06T23:59:59Z"}
    assert caplog.records == []


def test_given_a_state_in_the_future_then_the_last_days_are_read_with_a_warning(caplog):
    assert rewinding().migrate({"date": "2027-01-01"}) == {"date": "2026-03-06T23:59:59Z"}
    assert "'analytics' is of 2027-01-01, which is in the future" in caplog.text


@pytest.mark.parametrize("garbage", ["", "yesterday", None, "2026-02-30"])
def test_given_a_state_without_a_date_then_the_user_is_told_to_clear_it(garbage):
    with pytest.raises(AirbyteTracedException, match="Clear the stream's data") as raised:
        rewinding().migrate({"date": garbage})

    assert raised.value.failure_type is FailureType.config_error


@pytest.mark.parametrize("saved", [{}, {"__ab_no_cursor_state_message": True}])
def test_given_a_state_without_a_cursor_then_it_is_left_alone(saved):
    assert not rewinding().should_migrate(saved)


def test_given_a_rewound_state_when_rewound_again_then_it_stays():
    once = rewinding().migrate({"date": "2026-03-09"})

    assert rewinding().migrate(once) == once
