"""The servers here count messages by day as SMSFactor could: with either date of a request in or out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any
from unittest.mock import patch

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from hypothesis import given, settings
from hypothesis import strategies as st

from source_sms_providers.smsfactor.check import SETTINGS, check, prove_day_boundaries
from unit_tests.providers import SMSFACTOR, canned_json
from unit_tests.responses import response

DAY = timedelta(days=1)
LEFT_OUT = {"inclusive": (0, 0), "end_excluded": (0, 1), "both_excluded": (1, 1), "start_excluded": (1, 0)}
"""How many days at the start and at the end of its range a server leaves out."""
NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
START = date(2026, 3, 1)
MARCH_9, MARCH_10 = date(2026, 3, 9), date(2026, 3, 10)
MOST_REQUESTS = 250
"""For a range whose sum changes while it is asked, tried several times with each setting."""


@dataclass
class Server:
    """Counts the messages of days; one more comes in today with each request after the first `quiet`."""

    counts_as: str
    messages: dict[date, int]
    today: date = MARCH_10
    quiet: int | None = None
    requests: int = field(default=0, init=False)

    def ask(self, setting: str, first: date, last: date) -> int:
        """The total for a range, asked as the connector does with that setting."""
        self.requests += 1
        if self.quiet is not None and self.requests > self.quiet:
            self.messages[self.today] = self.messages.get(self.today, 0) + 1
        first, last = first - LEFT_OUT[setting][0] * DAY, last + LEFT_OUT[setting][1] * DAY
        first, last = first + LEFT_OUT[self.counts_as][0] * DAY, last - LEFT_OUT[self.counts_as][1] * DAY
        return sum(count for day, count in self.messages.items() if first <= day <= last)


def verdict(server: Server, setting: str, now: datetime = NOON, start: date = START) -> bool | str:
    """What the proof says: True, False, or the sentence it ends with."""
    with patch("source_sms_providers.smsfactor.check.time.sleep"):
        try:
            return prove_day_boundaries(server.ask, setting, start, now)
        except AirbyteTracedException as error:
            return error.message


every_setting = st.sampled_from(SETTINGS)
days_with_messages = st.dictionaries(st.integers(0, 400), st.integers(1, 5), max_size=4)
hours_of_time_zones = st.integers(-12, 14)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(timezone.utc))


@settings(max_examples=600, deadline=None, derandomize=True)
@given(
    counts_as=every_setting,
    setting=every_setting,
    ago=days_with_messages,
    time_zone=hours_of_time_zones,
    now=moments,
    quiet=st.none() | st.integers(0, 20),
)
def test_given_any_server_setting_traffic_and_time_zone_then_no_wrong_setting_passes(
    counts_as, setting, ago, time_zone, now, quiet
):
    today = (now + timedelta(hours=time_zone)).date()
    start = now.date() - timedelta(days=300)
    traffic = {today - n * DAY: count for n, count in ago.items()}
    server = Server(counts_as, dict(traffic), today, quiet)

    says = verdict(server, setting, now, start)

    assert says is not True or counts_as == setting
    assert says is not False or not any(day > start for day in traffic)
    assert server.requests <= MOST_REQUESTS


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ago=days_with_messages, time_zone=hours_of_time_zones, now=moments)
def test_given_the_default_and_a_server_that_fits_it_then_it_is_never_refused(ago, time_zone, now):
    today = (now + timedelta(hours=time_zone)).date()
    server = Server("inclusive", {today - n * DAY: count for n, count in ago.items()}, today)

    assert verdict(server, "inclusive", now, now.date() - timedelta(days=300)) in (True, False)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("counts_as", SETTINGS)
def test_given_no_messages_then_there_is_nothing_to_prove_it_with(counts_as, setting):
    assert verdict(Server(counts_as, {}), setting) is False


@pytest.mark.parametrize("counts_as", SETTINGS)
def test_given_the_default_when_the_server_counts_so_then_it_is_proved_and_else_refused(counts_as):
    says = verdict(Server(counts_as, {MARCH_9 - 2 * DAY: 3, MARCH_9 - 3 * DAY: 4}), "inclusive")

    assert says is True or counts_as in says


def test_given_traffic_of_the_last_days_then_eight_requests_are_enough():
    server = Server("inclusive", {MARCH_9 - n * DAY: 3 for n in range(30)})

    assert verdict(server, "inclusive") is True
    assert server.requests <= 8


def test_given_old_traffic_only_then_it_is_found():
    server = Server("both_excluded", {MARCH_9 - 200 * DAY: 3})

    assert verdict(server, "both_excluded") is True
    assert server.requests <= 30


@pytest.mark.parametrize("setting", ["inclusive", "both_excluded"])
def test_given_end_excluded_on_the_server_when_another_setting_is_chosen_then_it_is_named(setting):
    assert "end_excluded" in verdict(Server("end_excluded", {MARCH_9 - 2 * DAY: 3}), setting)


def test_given_end_excluded_when_the_new_day_has_messages_somewhere_then_it_is_proved():
    early = datetime(2026, 3, 10, 1, tzinfo=timezone.utc)
    messages = {MARCH_9 - 2 * DAY: 3, MARCH_10: 1}

    assert verdict(Server("end_excluded", messages), "end_excluded", early) is True


def test_given_end_excluded_when_the_new_day_has_no_messages_yet_then_the_test_says_when_it_can_tell():
    assert "between 0:00 and 10:00 UTC" in verdict(Server("end_excluded", {MARCH_9 - 2 * DAY: 3}), "end_excluded")


def test_given_start_excluded_when_messages_are_being_sent_then_it_is_proved():
    afternoon = datetime(2026, 3, 10, 14, tzinfo=timezone.utc)
    server = Server("start_excluded", {MARCH_9 - 2 * DAY: 3}, today=MARCH_10, quiet=9)

    assert verdict(server, "start_excluded", afternoon) is True


def test_given_start_excluded_when_no_messages_are_being_sent_then_the_test_says_when_it_can_tell():
    assert "while messages are being sent" in verdict(
        Server("start_excluded", {MARCH_9 - 2 * DAY: 3}), "start_excluded"
    )


def test_given_start_excluded_when_the_server_leaves_the_end_out_then_the_right_one_is_named():
    early = datetime(2026, 3, 10, 1, tzinfo=timezone.utc)
    messages = {MARCH_9 - 2 * DAY: 3, MARCH_10: 1}

    assert "Choose end_excluded" in verdict(Server("end_excluded", messages), "start_excluded", early)


# The whole check, with the documented answer for each day and range


def answering(idle: bool = False) -> Any:
    """Nothing was sent if `idle`; else the documented answer, whatever is asked."""
    body = canned_json("smsfactor/consumption.json")
    if idle:
        body["data"]["total"] = 0

    def answer(_stream: str, first: date, last: date, **_settings: Any) -> requests.Response:
        return response(f"{SMSFACTOR}/metrics/consumption", body, date_start=str(first), date_end=str(last))

    return answer


def refusal(config: Mapping[str, Any], answer: Any) -> str:
    with pytest.raises(AirbyteTracedException) as raised:
        check({"start_date": "2026-03-01", "today": "2026-03-10", **config}, answer)
    assert raised.value.failure_type is FailureType.config_error
    return raised.value.message


def test_given_figures_that_no_setting_explains_then_the_user_is_asked_to_test_again(clock):
    assert "whatever the setting" in refusal({}, answering())


@pytest.mark.parametrize("account", ["1", "2"])
def test_given_an_account_that_is_listed_then_it_is_accepted(clock, account):
    config = {"start_date": "2026-03-01", "today": "2026-03-10", "smsfactor_sub_account_id": account}

    check(config, answering(idle=True))


def test_given_an_account_that_is_not_listed_then_the_listed_ones_are_named(clock):
    message = refusal({"smsfactor_sub_account_id": "99"}, answering(idle=True))

    assert "no account with the id in the settings since the start date; it lists 1, 2." in message
