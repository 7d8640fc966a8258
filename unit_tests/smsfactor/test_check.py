"""The servers here count messages by day as SMSFactor could: with either date of a request in or out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from hypothesis import given, settings
from hypothesis import strategies as st

from source_sms_providers.errors import transient_error
from source_sms_providers.smsfactor.check import SETTINGS, verify_day_boundaries, verify_settings
from source_sms_providers.smsfactor.consumption import ConsumptionExtractor
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
    widest: int = 366
    asked: list[tuple[str, date, date]] = field(default_factory=list, init=False)

    def ask(self, setting: str, first: date, last: date) -> int:
        """The total for a range, asked as the connector does with that setting."""
        self.asked.append((setting, first, last))
        if last - first >= self.widest * DAY:
            raise transient_error("Too wide.")
        if self.quiet is not None and len(self.asked) > self.quiet:
            self.messages[self.today] = self.messages.get(self.today, 0) + 1
        first, last = first - LEFT_OUT[setting][0] * DAY, last + LEFT_OUT[setting][1] * DAY
        first, last = first + LEFT_OUT[self.counts_as][0] * DAY, last - LEFT_OUT[self.counts_as][1] * DAY
        return sum(count for day, count in self.messages.items() if first <= day <= last)


def verdict(server: Server, setting: str, now: datetime = NOON, start: date = START) -> bool | str:
    """What the proof says: True, False, or the sentence it ends with."""
    with patch("source_sms_providers.smsfactor.check.time.sleep"):
        try:
            return verify_day_boundaries(server.ask, setting, start, now)
        except AirbyteTracedException as error:
            return error.message


every_setting = st.sampled_from(SETTINGS)
days_with_messages = st.dictionaries(st.integers(0, 400), st.integers(1, 5), max_size=4)
ahead_of_utc = st.builds(
    lambda hours, minutes: timedelta(hours=hours, minutes=minutes), st.integers(0, 2), st.integers(-25, 25)
)
"""How far the server's clock is ahead: days are UTC's or Paris's, and clocks are not exact."""
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(timezone.utc))


@settings(max_examples=600, deadline=None, derandomize=True)
@given(
    counts_as=every_setting,
    setting=every_setting,
    ago=days_with_messages,
    ahead=ahead_of_utc,
    now=moments,
    quiet=st.none() | st.integers(0, 20),
)
def test_given_any_server_setting_traffic_and_time_zone_then_no_wrong_setting_passes(
    counts_as, setting, ago, ahead, now, quiet
):
    today = (now + ahead).date()
    start = now.date() - timedelta(days=300)
    traffic = {today - n * DAY: count for n, count in ago.items()}
    server = Server(counts_as, dict(traffic), today, quiet)

    says = verdict(server, setting, now, start)

    assert says is not True or counts_as == setting
    assert says is not False or not any(day > start for day in traffic)
    assert len(server.asked) <= MOST_REQUESTS


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ago=days_with_messages, ahead=ahead_of_utc, now=moments)
def test_given_the_default_and_a_server_that_fits_it_then_it_is_never_rejected(ago, ahead, now):
    today = (now + ahead).date()
    server = Server("inclusive", {today - n * DAY: count for n, count in ago.items()}, today)

    assert verdict(server, "inclusive", now, now.date() - timedelta(days=300)) in (True, False)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("counts_as", SETTINGS)
def test_given_no_messages_then_the_setting_cannot_be_verified(counts_as, setting):
    assert verdict(Server(counts_as, {}), setting) is False


@pytest.mark.parametrize("counts_as", SETTINGS)
def test_given_the_default_then_it_is_verified_only_if_the_server_matches_it(counts_as):
    says = verdict(Server(counts_as, {MARCH_9 - 2 * DAY: 3, MARCH_9 - 3 * DAY: 4}), "inclusive")

    assert says is True or counts_as in says


def day(ago: int) -> date:
    """So many days before today."""
    return MARCH_10 - ago * DAY


def test_given_traffic_of_the_last_days_then_days_and_range_are_both_requested():
    server = Server("inclusive", {day(ago): 3 for ago in range(1, 30)})

    assert verdict(server, "inclusive") is True
    assert server.asked == [
        ("inclusive", day(4), day(2)),
        *(("inclusive", day(ago), day(ago)) for ago in (5, 4, 3, 2, 1)),
        ("inclusive", day(5), day(1)),
    ]


@pytest.mark.parametrize("widest", [31, 100])
@pytest.mark.parametrize(("ago", "is_found"), [(5, True), (33, True), (40, True), (350, True), (500, False)])
def test_given_a_server_that_rejects_years_then_traffic_is_found_by_month(widest, ago, is_found):
    server = Server("inclusive", {day(ago): 3}, widest=widest)

    assert verdict(server, "inclusive", start=day(600)) is is_found


def test_given_a_server_that_rejects_months_then_its_error_is_reported():
    server = Server("inclusive", {}, widest=3)

    assert verdict(server, "inclusive", start=day(600)) == "Too wide."
    assert server.asked == [("inclusive", *bounds) for bounds in ((day(4), day(2)), (day(33), day(3)))]


@pytest.mark.parametrize("start", [day(10), day(351), day(352), day(900)])
def test_given_no_traffic_then_the_searched_months_and_years_overlap_by_two_days(start):
    server = Server("inclusive", {})

    assert verdict(server, "inclusive", start=start) is False
    searched = [period for _, *period in server.asked[1:-1]]
    assert [(last - first).days + 1 for first, last in searched] == [31] * 12 + [365] * (len(searched) - 12)
    assert [later[0] + DAY for later in searched[:-1]] == [earlier[1] for earlier in searched[1:]]
    assert (len(searched) > 12) is (start < day(351))
    assert searched[-1][0] <= start


@pytest.mark.parametrize("counts_as", SETTINGS)
@pytest.mark.parametrize("ago", [5, 6, 7, 100, 365, 366, 367, 368, 500])
def test_given_old_traffic_only_then_it_is_found_within_a_month_or_a_year_at_a_time(counts_as, ago):
    server = Server(counts_as, {day(ago): 3})

    says = verdict(server, counts_as, start=day(ago))

    assert says is True or "consistent with both" in says
    assert max((last - first).days for _, first, last in server.asked) == (364 if ago > 352 else 30)
    assert len(server.asked) <= 40


@pytest.mark.parametrize(
    ("ago", "oldest", "newest"),
    # Of the second, no smaller half would hold its days.
    [(99, 100, 96), (100, 102, 97)],
)
def test_given_traffic_of_some_months_ago_then_its_days_are_found_by_halving(ago, oldest, newest):
    server = Server("inclusive", {day(ago): 3})

    assert verdict(server, "inclusive") is True
    assert server.asked == [
        ("inclusive", day(4), day(2)),
        *(("inclusive", day(first), day(first - 30)) for first in (33, 62, 91, 120)),
        ("inclusive", day(105), day(90)),
        ("inclusive", day(98), day(90)),
        ("inclusive", day(101), day(97)),
        ("inclusive", day(99), day(97)),
        *(("inclusive", day(single), day(single)) for single in range(oldest, newest - 1, -1)),
        ("inclusive", day(oldest), day(newest)),
    ]


def test_given_fractions_of_credits_then_they_add_up_without_noise():
    messages = {day(3): Decimal("0.1"), day(2): Decimal("0.2"), day(1): Decimal("0.3")}

    assert verdict(Server("inclusive", messages), "inclusive") is True


def test_given_totals_that_stay_wrong_then_they_are_requested_twice_per_setting():
    server = Server("inclusive", {day(3): 1, day(2): 1})

    assert "Choose inclusive" in verdict(server, "both_excluded")
    singles = [(setting, first) for setting, first, last in server.asked[1:] if first == last]
    assert singles == [
        *(("both_excluded", day(ago)) for ago in (5, 4, 3, 2, 1) * 2),
        *(("inclusive", day(ago)) for ago in (5, 4, 3, 2, 1)),
        *(("end_excluded", day(ago)) for ago in (5, 4, 3, 2, 1) * 2),
        *(("start_excluded", day(ago)) for ago in (5, 4, 3, 2, 1) * 2),
    ]


def test_given_messages_that_come_in_meanwhile_then_the_days_are_requested_again():
    running = Server("inclusive", {day(0): 1}, quiet=8)

    assert "whatever the setting" in verdict(running, "inclusive")
    assert len([1 for setting, first, last in running.asked if setting == "inclusive" and first == last]) == 3 * 2 * 7


@pytest.mark.parametrize("setting", ["inclusive", "both_excluded"])
def test_given_end_excluded_on_the_server_and_another_setting_then_it_is_named(setting):
    assert "end_excluded" in verdict(Server("end_excluded", {MARCH_9 - 2 * DAY: 3}), setting)


# end_excluded and start_excluded, which differ by a whole day

OLD_TRAFFIC = {day(3): 3}
PARIS = timedelta(hours=2)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 10, hour, minute, tzinfo=timezone.utc)


def test_given_refunds_only_then_they_are_consumption_too():
    server = Server("end_excluded", {day(3): -3, day(0): -1})

    assert verdict(server, "end_excluded") is True
    assert "Choose end_excluded" in verdict(server, "start_excluded")


@pytest.mark.parametrize("now", [*(at(hour) for hour in range(22)), at(21, 29)], ids=str)
def test_given_messages_today_when_tested_at_any_hour_then_end_excluded_is_verified(now):
    assert verdict(Server("end_excluded", {**OLD_TRAFFIC, MARCH_10: 1}), "end_excluded", now) is True


@pytest.mark.parametrize("now", [at(22), at(23, 59)], ids=str)
def test_given_messages_of_the_new_day_in_paris_then_end_excluded_is_verified(now):
    today = (now + PARIS).date()

    assert verdict(Server("end_excluded", {**OLD_TRAFFIC, today: 1}, today), "end_excluded", now) is True


@pytest.mark.parametrize("now", [at(0), NOON, at(21, 29)], ids=str)
def test_given_no_messages_today_then_the_error_names_a_time_to_verify_end_excluded(now):
    says = verdict(Server("end_excluded", OLD_TRAFFIC), "end_excluded", now)

    assert "between 0:00 and 21:30 UTC, once messages were sent on that day" in says


def test_given_messages_today_while_paris_is_in_tomorrow_then_the_error_names_a_time():
    says = verdict(Server("end_excluded", {**OLD_TRAFFIC, MARCH_10: 1}), "end_excluded", at(21, 30))

    assert "between 0:00 and 21:30 UTC" in says


@pytest.mark.parametrize("now", [at(0, 30), NOON, at(23)], ids=str)
def test_given_messages_that_are_being_sent_then_start_excluded_is_verified(now):
    assert verdict(Server("start_excluded", dict(OLD_TRAFFIC), quiet=8), "start_excluded", now) is True


@pytest.mark.parametrize("of_today", [0, 5])
def test_given_no_messages_being_sent_then_the_error_names_a_time_to_test_again(of_today):
    says = verdict(Server("start_excluded", {**OLD_TRAFFIC, MARCH_10: of_today}), "start_excluded")

    assert "between 0:30 and 22:00 UTC, while messages are being sent" in says


def test_given_a_day_that_may_not_have_ended_then_its_growth_verifies_nothing():
    server = Server("end_excluded", {day(4): 3}, today=day(1), quiet=8)

    assert "while messages are being sent" in verdict(server, "start_excluded", at(0, 29))


def test_given_start_excluded_when_tested_then_five_seconds_of_growth_are_waited_for():
    with patch("source_sms_providers.smsfactor.check.time.sleep") as sleep:
        verify_day_boundaries(Server("start_excluded", dict(OLD_TRAFFIC), quiet=8).ask, "start_excluded", START, NOON)

    assert [call.args for call in sleep.call_args_list] == [(5.0,)]


@pytest.mark.parametrize("now", [at(1), NOON, at(21)], ids=str)
def test_given_start_excluded_and_a_server_without_the_end_then_it_is_corrected(now):
    messages = {**OLD_TRAFFIC, MARCH_10: 1}

    assert "Choose end_excluded" in verdict(Server("end_excluded", messages), "start_excluded", now)


# The whole verification, with one answer for each day and range

YEAR_BEFORE = (date(2024, 3, 27), date(2025, 3, 26))
"""The first period that is searched beyond the months of a year."""
Period = tuple[date, date]


class Client:
    """Answers each request of a check from `body`, which may depend on the period."""

    def __init__(self, body: Callable[[Period], Any], **config: Any) -> None:
        defaults = {"start_date": "2024-03-11", "today": "2026-03-10", "smsfactor_day_boundaries": "inclusive"}
        self.config = {**defaults, **config}
        self.requested: list[tuple[str, Period]] = []
        self._body = body

    def retriever(self, stream: str, **changed: Any) -> Any:
        setting = {**self.config, **changed}["smsfactor_day_boundaries"]

        def send_request(stream_slice: StreamSlice, request_params: Any, is_retry: bool) -> requests.Response:
            first, last = (date.fromisoformat(stream_slice[name]) for name in ("start_time", "end_time"))
            self.requested.append((setting, (first, last)))
            body = self._body((first, last))
            return response(f"{SMSFACTOR}/metrics/consumption", body, date_start=str(first), date_end=str(last))

        extractor = ConsumptionExtractor(config=self.config, parameters={})
        return SimpleNamespace(extractor=extractor, requester=SimpleNamespace(send_request=send_request))

    def verify(self) -> None:
        verify_settings("consumption", self)

    def refusal(self) -> str:
        with pytest.raises(AirbyteTracedException) as raised:
            self.verify()
        assert raised.value.failure_type is FailureType.config_error
        return raised.value.message


def documented(_period: Period) -> Any:
    return canned_json("smsfactor/consumption.json")


def idle(_period: Period) -> Any:
    body = canned_json("smsfactor/consumption.json")
    body["data"]["total"] = 0
    return body


def test_given_totals_that_no_setting_explains_then_the_error_suggests_another_test(clock):
    assert "whatever the setting" in Client(documented).refusal()


@pytest.mark.parametrize("account", ["1", "2"])
def test_given_an_account_that_is_listed_then_it_is_accepted(clock, account):
    Client(idle, smsfactor_sub_account_id=account).verify()


def test_given_an_account_that_was_listed_in_an_older_year_only_then_it_is_accepted(clock):
    def body(period: Period) -> Any:
        found = idle(period)
        if period != YEAR_BEFORE:
            found["data"]["by_sub_accounts"] = []
        return found

    Client(body, smsfactor_sub_account_id="2").verify()


def test_given_an_account_that_is_not_listed_then_the_listed_ones_are_named(clock):
    message = Client(idle, smsfactor_sub_account_id="99").refusal()

    assert "99" in message
    assert "1, 2" in message


def test_given_a_year_that_is_too_wide_then_the_accounts_of_the_other_periods_count(clock):
    def body(period: Period) -> Any:
        if period == YEAR_BEFORE:
            raise AirbyteTracedException("Too wide.", "Too wide.", FailureType.system_error)
        return idle(period)

    assert "1, 2" in Client(body, smsfactor_sub_account_id="99").refusal()


def test_given_an_outage_during_the_search_then_no_setting_is_rejected(clock):
    def body(period: Period) -> Any:
        if period == YEAR_BEFORE:
            raise transient_error("Not now.")
        return idle(period)

    with pytest.raises(AirbyteTracedException, match="Not now") as raised:
        Client(body, smsfactor_sub_account_id="99").verify()
    assert raised.value.failure_type is FailureType.transient_error


def test_given_no_group_total_then_the_sum_of_the_accounts_verifies_the_setting(clock):
    def body(_period: Period) -> Any:
        found = canned_json("smsfactor/consumption.json")
        del found["data"]["total"]
        found["data"]["my_account"]["conso"] = {"total": 0, "by_country": []}
        found["data"]["by_sub_accounts"] = []
        return found

    Client(body).verify()


def test_given_a_disproved_setting_then_the_others_are_requested_as_in_a_sync(clock):
    client = Client(documented)

    client.refusal()

    assert {setting for setting, _ in client.requested} == set(SETTINGS)
