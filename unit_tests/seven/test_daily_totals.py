from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from source_sms_providers.errors import config_error, transient_error
from source_sms_providers.seven.daily_totals import DailyTotals, DailyTotalsExtractor, DayNotReportedError, Totals
from source_sms_providers.state import StreamState
from unit_tests.providers import SEVEN
from unit_tests.responses import response
from unit_tests.usage import usage

ROUNDS = int(os.environ.get("ROUNDS", "1"))
CONFIG = {"today": "2026-03-10"}
DAY = timedelta(days=1)


EXTRACTOR = DailyTotalsExtractor(config=CONFIG, parameters={})


def march(day: int) -> date:
    return date(2026, 3, 1) + (day - 1) * DAY


def fresh_state(**saved: str) -> StreamState:
    """The state of a sync that reads from 1 February on."""
    return StreamState("analytics", saved, date(2026, 2, 1), date(2026, 3, 10), 40, {})


class Server:
    """Has one SMS on each of its days, and is `asked` for ranges of days of March 2026 (0 is 28 February)."""

    def __init__(
        self,
        days: Iterable[int],
        newest: int = 1000,
        oldest: int = 1000,
        of_the_asked: slice = slice(None),
        widest: int = 1000,
        bad: Iterable[int] = (),
        fails_once: Iterable[tuple[int, int]] = (),
        state: StreamState | None = None,
    ) -> None:
        self._days, self._newest, self._oldest, self._of_the_asked = sorted(days), newest, oldest, of_the_asked
        self._widest, self._bad, self._fails_once = widest, set(bad), set(fails_once)
        self.asked: list[tuple[int, int]] = []
        self._by_date = DailyTotals(self, CONFIG, state or fresh_state())

    def __call__(self, first: date, last: date) -> Totals:
        bounds = ((first - march(1)).days + 1, (last - march(1)).days + 1)
        self.asked.append(bounds)
        asked = range(bounds[0], bounds[1] + 1)
        fails = bounds in self._fails_once
        self._fails_once.discard(bounds)
        if fails or len(asked) > self._widest or self._bad.intersection(asked):
            raise transient_error(f"No answer for {first} to {last}.")
        counted = asked[self._of_the_asked]
        days = [day for day in self._days if day in counted]
        rows = [usage(date=str(march(day)), sms=1) for day in days[: self._oldest][-self._newest :]]
        return EXTRACTOR.totals(response(f"{SEVEN}/analytics", rows, start=str(first), end=str(last)))

    def sms(self, first: int, last: int) -> dict[int, int | str]:
        """What is found of each day: its SMS, or "failed"."""
        days = self._by_date.read(march(first), march(last))
        return {
            (day - march(1)).days + 1: "failed" if isinstance(row, AirbyteTracedException) else row["sms"]
            for day, row in sorted(days.items())
        }


def answered(*rows: Any, first: int = 9, last: int = 9) -> dict[date, Any]:
    def ask(start: date, end: date) -> Totals:
        return EXTRACTOR.totals(response(f"{SEVEN}/analytics", list(rows), start=str(start), end=str(end)))

    return DailyTotals(ask, CONFIG, fresh_state()).read(march(first), march(last))


# One answer


def test_given_all_days_when_read_then_one_request_is_enough():
    server = Server(range(1, 10))

    assert server.sms(1, 9) == dict.fromkeys(range(1, 10), 1)
    assert server.asked == [(1, 9)]


def test_given_two_rows_of_a_day_when_read_then_they_are_added_without_noise():
    [row] = answered(
        usage(date="2026-03-09", sms=1, usage_eur=0.1), usage(date="2026-03-09", sms=2, usage_eur=0.2)
    ).values()

    assert (row["sms"], row["usage_eur"]) == (3, 0.3)


@pytest.mark.parametrize("foreign", ["2026-03-08", "2026-03-10", "2026-02-30", "yesterday"])
def test_given_a_day_that_was_not_requested_when_read_then_the_response_is_invalid(foreign):
    with pytest.raises(
        AirbyteTracedException, match=rf"it reports {foreign}, but 2026-03-09 to 2026-03-09 was requested"
    ):
        answered(usage(date=foreign), usage(date="2026-03-09"))


@pytest.mark.parametrize(
    ("row", "problem"),
    [(usage(sms=1), "a row has no 'date'"), (usage(date=None, sms=1), "date is null"), ([], "a row is a list")],
)
def test_given_a_row_without_a_day_when_read_then_the_response_is_invalid(row, problem):
    with pytest.raises(AirbyteTracedException, match=problem):
        answered(row)


def test_given_one_day_that_is_wrong_then_it_alone_fails_and_is_named():
    days = answered(usage(date="2026-03-08", sms=1), usage(date="2026-03-09", sms=-1), first=8)

    assert days[march(8)]["sms"] == 1
    assert "sms of 2026-03-09 is negative" in days[march(9)].message
    assert days[march(9)].failure_type is FailureType.system_error


@pytest.mark.parametrize(("day", "partial"), [(9, False), (10, True)])
def test_given_a_day_when_read_then_it_is_partial_only_if_it_is_running(day, partial):
    [row] = answered(usage(date=str(march(day))), first=day, last=day).values()

    assert row["is_partial"] is partial


# Ranges that fail


def test_given_a_server_that_rejects_wide_ranges_then_narrower_ones_are_requested():
    server = Server(range(-30, 10), widest=4)

    assert server.sms(-3, 9) == dict.fromkeys(range(-3, 10), 1)
    assert server.asked == [(-3, 9), (9, 9), (4, 9), (9, 9), (7, 9), (4, 6), (-3, 3), (9, 9), (1, 3), (-3, 0)]


def test_given_a_server_that_rejected_a_wide_range_then_the_next_ones_are_narrower():
    server = Server(range(-30, 10), widest=7)
    server.sms(-5, 9)
    assert server.asked == [(-5, 9), (9, 9), (3, 9), (-5, 2), (9, 9), (-1, 2), (-5, -2)]
    server.asked.clear()

    assert server.sms(-20, -6) == dict.fromkeys(range(-20, -5), 1)
    assert server.asked == [(-12, -6), (-16, -13), (-20, -17)]


def test_given_a_server_that_rejected_nothing_then_a_wider_range_is_requested_whole():
    server = Server(range(-30, 10))
    server.sms(6, 9)
    server.asked.clear()

    server.sms(-20, 5)
    assert server.asked == [(-20, 5)]


def test_given_a_range_that_failed_for_one_bad_day_then_the_next_is_requested_whole():
    server = Server(range(-30, 10), bad=[4])
    server.sms(-3, 9)
    server.asked.clear()

    assert server.sms(-16, -4) == dict.fromkeys(range(-16, -3), 1)
    assert server.asked == [(-16, -4)]


@pytest.mark.parametrize("bad", [[-3], [2], [4, 5], [8], [-3, 8], [9], range(-2, 10)], ids=str)
def test_given_days_whose_ranges_fail_when_read_then_they_alone_fail(bad):
    server = Server(range(-30, 10), bad=bad)

    assert server.sms(-3, 9) == {**dict.fromkeys(range(-3, 10), 1), **dict.fromkeys(bad, "failed")}


def test_given_a_server_without_any_response_then_a_year_fails_after_four_requests():
    server = Server(range(-364, 10), bad=range(-364, 10))

    with pytest.raises(AirbyteTracedException, match="No answer for 2025-03-10 to 2026-03-09"):
        server.sms(-355, 9)

    assert server.asked == [(-355, 9), (9, 9), (-173, -173), (-355, -355)]


def test_given_a_key_that_is_rejected_then_a_year_fails_after_two_requests():
    asked = []

    def refuse(*bounds: date) -> Totals:
        asked.append(bounds)
        raise config_error("Enter another key.")

    with pytest.raises(AirbyteTracedException, match="Enter another key"):
        DailyTotals(refuse, CONFIG, fresh_state()).read(march(-355), march(9))

    assert asked == [(march(-355), march(9)), (march(9), march(9))]


def test_given_a_server_of_single_days_when_its_last_one_fails_then_it_alone_fails():
    server = Server(range(-30, 10), widest=1, bad=[3])
    server.sms(4, 9)
    server.asked.clear()

    assert server.sms(-3, 3) == {**dict.fromkeys(range(-3, 3), 1), 3: "failed"}
    assert server.asked[:3] == [(3, 3), (0, 0), (2, 2)]


def test_given_a_response_for_some_days_when_the_rest_fails_then_it_is_bisected():
    server = Server(range(-30, 10), newest=4, fails_once=[(-3, 5)])

    assert server.sms(-3, 9) == dict.fromkeys(range(-3, 10), 1)
    assert server.asked[:4] == [(-3, 9), (-3, 5), (9, 9), (2, 5)]


def test_given_a_bad_newest_day_then_each_failure_is_followed_by_a_good_day():
    server = Server(range(-30, 10), bad=[9])
    server.sms(-3, 9)
    assert server.asked[:8] == [(-3, 9), (9, 9), (3, 3), (4, 9), (3, 3), (7, 9), (3, 3), (9, 9)]


def test_given_a_short_range_that_failed_once_then_wide_ones_are_still_requested():
    server = Server(range(-30, 10), fails_once=[(8, 9)])
    server.sms(-10, 7)
    assert server.sms(8, 9) == {8: 1, 9: 1}
    server.asked.clear()

    server.sms(-24, -11)
    assert server.asked == [(-24, -11)]


# Days that an answer leaves out


def test_given_a_server_that_returns_only_its_newest_days_then_the_rest_is_requested():
    server = Server(range(-30, 10), newest=4)

    assert server.sms(-3, 9) == dict.fromkeys(range(-3, 10), 1)
    assert server.asked == [(-3, 9), (-3, 5), (-3, 1), (-3, -3)]


def test_given_a_server_that_returns_only_its_oldest_days_then_the_rest_is_requested():
    server = Server(range(-30, 10), oldest=4)

    assert server.sms(-3, 9) == dict.fromkeys(range(-3, 10), 1)
    assert server.asked == [(-3, 9), (1, 9), (5, 9), (9, 9)]


@pytest.mark.parametrize("cap", [{"newest": 30}, {"oldest": 30}], ids=str)
def test_given_a_capped_server_then_a_year_costs_as_many_requests_as_narrow_ranges(cap):
    server = Server(range(-364, 10), **cap)

    assert server.sms(-355, 9) == dict.fromkeys(range(-355, 10), 1)
    # 365 days, 30 in an answer.
    assert len(server.asked) == 13


def test_given_days_before_the_accounts_first_one_then_they_are_zero_with_one_info(caplog):
    caplog.set_level("INFO")
    server = Server(range(7, 10))

    assert server.sms(1, 9) == {**dict.fromkeys(range(1, 7), 0), **dict.fromkeys(range(7, 10), 1)}
    # The rest again, its last day, and as many days before it as one answer named.
    assert server.asked == [(1, 9), (1, 6), (6, 6), (-1, 1)]
    assert caplog.messages == ["seven.io reports no day before 2026-03-07: earlier days get zero rows."]


def test_given_a_whole_range_before_the_accounts_first_day_then_it_is_all_zero():
    server = Server(range(7, 10))

    assert server.sms(-9, 3) == dict.fromkeys(range(-9, 4), 0)
    assert server.asked == [(-9, 3), (3, 3), (9, 9), (-10, -9)]


def test_given_a_server_of_narrow_ranges_and_a_young_account_then_an_info_reports_it(
    caplog,
):
    caplog.set_level("INFO")
    server = Server(range(7, 10), widest=4)

    assert server.sms(-3, 9) == {**dict.fromkeys(range(-3, 7), 0), **dict.fromkeys(range(7, 10), 1)}
    assert [bounds for bounds in server.asked if bounds[0] < -3] == [(-5, -3)]
    assert caplog.messages == ["seven.io reports no day before 2026-03-07: earlier days get zero rows."]


def test_given_a_capped_server_and_a_young_account_then_both_are_recognized():
    server = Server(range(3, 10), newest=3)

    assert server.sms(1, 9) == {1: 0, 2: 0, **dict.fromkeys(range(3, 10), 1)}


def test_given_a_server_that_counts_the_oldest_days_then_a_young_account_is_found():
    server = Server(range(5, 10), of_the_asked=slice(2))

    assert server.sms(1, 9) == {**dict.fromkeys(range(1, 5), 0), **dict.fromkeys(range(5, 10), 1)}


@pytest.mark.parametrize("named", [[10], []], ids=["it is named", "it is not"])
@pytest.mark.parametrize("counted", [slice(1), slice(-1, None)], ids=["the oldest", "the newest"])
def test_given_a_server_that_counts_one_day_and_a_running_day_then_all_are_found(named, counted):
    server = Server([*range(1, 10), *named], of_the_asked=counted)

    assert server.sms(1, 10) == dict.fromkeys([*range(1, 10), *named], 1)


def test_given_a_server_that_counts_the_oldest_day_then_the_running_day_is_found():
    server = Server(range(5, 11), of_the_asked=slice(1))

    assert server.sms(1, 10) == {**dict.fromkeys(range(1, 5), 0), **dict.fromkeys(range(5, 11), 1)}


def test_given_a_response_without_days_then_no_day_is_zero():
    server = Server([])

    assert server.sms(7, 9) == dict.fromkeys((7, 8, 9), "failed")


def test_given_days_that_are_left_out_after_a_day_that_is_named_then_they_fail():
    server = Server([0, 8, 9])

    assert server.sms(1, 9) == {**dict.fromkeys(range(1, 8), "failed"), 8: 1, 9: 1}


def test_given_days_between_others_that_are_missing_then_they_alone_fail():
    server = Server([1, 2, 5, 6, 7, 8, 9])

    days = DailyTotals(server, CONFIG, fresh_state()).read(march(1), march(9))

    assert server.asked == [(1, 9), (3, 4), (4, 4)]
    assert [day for day, row in days.items() if isinstance(row, AirbyteTracedException)] == [march(3), march(4)]
    assert "does not report 2026-03-03 to 2026-03-04" in days[march(3)].message


@pytest.mark.parametrize("widest", [3, 4, 1000])
def test_given_missing_days_across_the_edge_of_two_requests_then_none_is_zero(widest):
    server = Server([*range(-30, -1), *range(7, 10)], widest=widest)

    assert server.sms(-3, 9) == {-3: 1, -2: 1, **dict.fromkeys(range(-1, 7), "failed"), 7: 1, 8: 1, 9: 1}


@pytest.mark.parametrize("widest", [6, 1000])
def test_given_missing_days_across_the_edge_of_two_windows_then_none_is_zero(widest):
    server = Server([*range(-30, -1), *range(4, 10)], widest=widest)

    assert server.sms(1, 9) == {**dict.fromkeys((1, 2, 3), "failed"), **dict.fromkeys(range(4, 10), 1)}
    assert server.sms(-9, 0) == {**dict.fromkeys(range(-9, -1), 1), **dict.fromkeys((-1, 0), "failed")}


@pytest.mark.parametrize("fails_once", [(4, 4), (1, 4), (-4, 1)])
def test_given_a_day_before_the_account_that_fails_once_then_no_later_day_is_lost(fails_once):
    server = Server(range(5, 10), fails_once=[fails_once])

    found = server.sms(1, 9)

    assert {day: sms for day, sms in found.items() if day >= 5} == dict.fromkeys(range(5, 10), 1)
    assert {sms for day, sms in found.items() if day < 5} <= {0, "failed"}


def test_given_days_that_may_be_missing_or_before_the_account_then_they_fail():
    server = Server(range(5, 10), bad=range(-30, 1))

    assert server.sms(1, 9) == {**dict.fromkeys(range(1, 5), "failed"), **dict.fromkeys(range(5, 10), 1)}


def test_given_a_server_of_single_days_and_a_young_account_then_it_has_zero_rows():
    server = Server(range(5, 10), widest=1)

    assert server.sms(-3, 9) == {**dict.fromkeys(range(-3, 5), 0), **dict.fromkeys(range(5, 10), 1)}


UP_TO = st.integers(1, 25)


@settings(max_examples=300 * ROUNDS, deadline=None, derandomize=ROUNDS == 1)
@given(
    began=st.integers(-12, 9),
    lacking=st.sets(st.integers(-12, 8), max_size=4),
    bad=st.sets(st.integers(-9, 9), max_size=2),
    most=st.fixed_dictionaries({"newest": UP_TO, "oldest": UP_TO, "widest": UP_TO}),
    oldest_counted=st.one_of(st.just(25), UP_TO),
    split=st.integers(-8, 9),
    newest_first=st.booleans(),
)
def test_given_any_server_and_missing_or_failed_days_then_no_value_is_wrong_or_lost(
    began, lacking, bad, most, oldest_counted, split, newest_first
):
    assume(not lacking or oldest_counted == 25)
    named = set(range(began, 10)) - lacking
    server = Server(named, of_the_asked=slice(oldest_counted), bad=bad, **most)
    windows = [(-9, split - 1), (split, 9)]
    found = {}
    for first, last in windows[:: -1 if newest_first else 1]:
        try:
            found |= server.sms(first, last)
        except AirbyteTracedException:
            found |= dict.fromkeys(range(first, last + 1), "failed")
            assert {first, (first + last) // 2, last} <= bad

    assert found.keys() == set(range(-9, 10))
    for day, sms in found.items():
        if day in bad:
            assert sms == "failed"
        elif day in named:
            assert sms == 1
        elif day > min(named, default=10):
            first = split if day >= split else -9
            assert sms == "failed" or not named.intersection(range(first, day))
        else:
            assert sms == 0 or bad or 9 not in named


def test_given_no_yesterday_when_read_then_it_fails():
    assert Server(range(1, 9)).sms(7, 9) == {7: 1, 8: 1, 9: "failed"}


def test_given_no_running_day_when_read_then_it_is_left_out():
    server = Server(range(1, 10))

    assert server.sms(8, 10) == {8: 1, 9: 1}
    assert server.asked == [(8, 10), (10, 10)]


# Days that the provider reported before


def failed_days(server: Server, first: int, last: int) -> list[int]:
    return [day for day, sms in server.sms(first, last).items() if sms == "failed"]


def test_given_missing_days_that_were_reported_before_then_they_are_not_zero():
    server = Server(range(5, 10), state=fresh_state(date="2026-03-08", first_reported="2026-02-01"))

    assert server.sms(1, 9) == {**dict.fromkeys(range(1, 5), "failed"), **dict.fromkeys(range(5, 10), 1)}


def test_given_missing_days_that_were_reported_before_then_the_error_names_them():
    state = fresh_state(date="2026-03-08", first_reported="2026-02-01")

    error = DailyTotals(Server(range(5, 10)), CONFIG, state).read(march(1), march(9))[march(2)]

    assert isinstance(error, DayNotReportedError)
    assert error.failure_type is FailureType.transient_error
    assert "2026-03-01 to 2026-03-04" in error.message


def test_given_missing_days_before_the_first_reported_one_then_only_they_are_zero():
    server = Server(range(5, 10), state=fresh_state(date="2026-03-08", first_reported="2026-03-03"))

    assert server.sms(1, 9) == {1: 0, 2: 0, 3: "failed", 4: "failed", **dict.fromkeys(range(5, 10), 1)}


def test_given_a_state_of_an_earlier_version_then_missing_days_that_were_read_fail():
    server = Server(range(8, 10), state=fresh_state(date="2026-03-05"))

    # The account is older than what it has read, so the two days after that are missing as well.
    assert failed_days(server, 1, 9) == [1, 2, 3, 4, 5, 6, 7]


def test_given_a_response_that_lists_only_yesterday_then_no_known_day_is_zero():
    server = Server([9], state=fresh_state(date="2026-03-08", first_reported="2026-03-01"))

    assert server.sms(7, 9) == {7: "failed", 8: "failed", 9: 1}


def test_given_days_that_only_this_sync_reported_then_earlier_ones_may_be_zero():
    state = fresh_state()
    server = Server(range(5, 10), state=state)

    assert server.sms(1, 9)[1] == 0
    assert state.checkpoint()["first_reported"] == "2026-03-05"


def test_given_a_day_that_fails_and_none_that_is_reported_then_no_day_is_zero():
    server = Server([], bad=[8])

    assert failed_days(server, 1, 9) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
