from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType

from source_sms_providers.errors import config_error
from source_sms_providers.http.account import AccountState, FairSemaphore
from source_sms_providers.session import SyncSession
from unit_tests.providers import SEVEN, SMSFACTOR, canned, canned_json
from unit_tests.requesters import ask, build, definition, failure_of, requester

BALANCE = f"{SEVEN}/balance"
ANALYTICS = f"{SEVEN}/analytics"
CREDITS = f"{SMSFACTOR}/credits"
CONSUMPTION = f"{SMSFACTOR}/metrics/consumption"
GOOD = canned("seven/balance.json")
PATIENCE = 180.0
LONG = 30.0
"""Seconds that no test waits for."""


@pytest.fixture
def together() -> dict[str, Any]:
    """The settings of requesters that belong to one command."""
    return {"_session": SyncSession(concurrency=2)}


def silent(waiting: Any, seconds: float) -> Callable[[requests.PreparedRequest], bytes]:
    """No answer for so many seconds, if they are waited for."""

    def answer(request: Any) -> bytes:
        waiting.pass_by(min(seconds, request.timeout.read_timeout))
        raise requests.exceptions.ReadTimeout

    return answer


def days(first: int, last: int) -> Iterator[str]:
    return (f"2026-01-{day:02}" for day in range(first, last + 1))


# Turns and quiet


def test_given_a_retry_after_when_another_worker_sends_a_request_then_it_waits_too(providers, waiting, together):
    providers.answer(BALANCE, GOOD)
    providers.answer_in_turn(
        ANALYTICS, {"status_code": 429, "headers": {"Retry-After": "20"}}, canned("seven/analytics_by_date.json")
    )
    waiting.during_the_next(lambda: ask("balance", **together))

    ask("analytics", **together)

    assert waiting.seconds == [20.25, 20]


def test_given_a_pause_that_grows_meanwhile_then_the_request_waits_for_all_of_it(providers, waiting, together):
    providers.answer(BALANCE, GOOD)
    providers.answer_in_turn(ANALYTICS, {"status_code": 429, "headers": {"Retry-After": "20"}}, b"[]")
    account = requester("balance", **together).account
    waiting.during_the_next(lambda: account.pause(50))

    ask("analytics", **together)

    assert sum(waiting.seconds) == 50


def test_given_two_pauses_then_the_longer_one_holds(waiting):
    account = AccountState(1)

    for seconds in (50, 20):
        account.pause(seconds)

    assert account.pause_remaining() == 50


def test_given_a_rate_limit_without_a_time_then_each_pause_is_twice_as_long(waiting):
    account = AccountState(1)
    pauses = []

    for _ in range(8):
        account.back_off()
        pauses.append(account.pause_remaining())
        waiting.pass_by(account.pause_remaining())

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_given_workers_that_are_limited_together_then_there_is_one_pause(waiting):
    account = AccountState(8)

    for _ in range(8):
        account.back_off()

    assert account.pause_remaining() == 1


def test_given_a_good_response_after_a_pause_then_the_next_pause_is_short_again(waiting):
    account = AccountState(1)
    for _ in range(3):
        account.back_off()
        waiting.pass_by(account.pause_remaining())

    account.record_success("/any")
    account.back_off()

    assert account.pause_remaining() == 1


def test_given_a_good_response_during_a_pause_then_the_pause_holds(waiting):
    account = AccountState(1)
    account.back_off()

    account.record_success("/any")

    assert account.pause_remaining() == 1
    waiting.pass_by(1)
    account.back_off()
    assert account.pause_remaining() == 2


def test_given_a_pause_when_slots_are_reserved_then_they_follow_it_one_by_one(waiting):
    account = AccountState(4)
    account.pause(10)

    assert [account.reserve_slot(1000) for _ in range(4)] == pytest.approx([10, 10.25, 10.5, 10.75])


def test_given_good_responses_after_a_pause_then_the_rate_grows_back(waiting):
    account = AccountState(4)
    account.pause(1)
    waiting.pass_by(1)
    for _ in range(40):
        account.record_success("/any")

    account.reserve_slot(1000)

    assert account.reserve_slot(1000) == pytest.approx(0.001, rel=0.1)


@pytest.mark.parametrize(("rate", "waits"), [(10, [0.1, 0.1]), (4, [0.25, 0.25]), (float("inf"), [])])
def test_given_a_rate_when_requests_come_at_once_then_each_waits_for_its_slot(
    providers, waiting, together, rate, waits
):
    providers.answer(BALANCE, GOOD)

    for _ in range(3):
        ask("balance", requests_per_second=rate, **together)

    assert waiting.seconds == pytest.approx(waits)


def test_given_a_rate_when_the_other_account_is_requested_then_it_has_its_own_rate(providers, waiting, together):
    providers.answer(BALANCE, GOOD)
    providers.answer(CREDITS, "smsfactor/credits.json")

    ask("balance", requests_per_second=1, **together)
    ask("credits", requests_per_second=1, **together)

    assert waiting.seconds == []


def test_given_a_number_of_workers_then_the_rate_is_ten_times_that_number(providers, waiting, together):
    providers.answer(BALANCE, GOOD)

    for _ in range(2):
        ask("balance", requests_per_second=None, num_workers=2, **together)

    assert waiting.seconds == pytest.approx([0.05])


# Outage


def test_given_three_requests_that_fail_for_long_then_the_account_is_not_given_up(waiting):
    account = AccountState(1)

    for _ in range(10):
        for url in ("first", "second", "third"):
            account.record_failure(url, "It fails.", PATIENCE)
        waiting.pass_by(PATIENCE)

    assert account.circuit_error("/any") is None


def test_given_four_requests_that_fail_then_the_account_is_given_up_once_that_lasts(waiting):
    account = AccountState(1)

    for url in ("first", "second", "third", "fourth"):
        account.record_failure(url, "It fails.", PATIENCE)
    waiting.pass_by(PATIENCE - 0.5)
    account.record_failure("fourth", "It fails.", PATIENCE)
    assert account.circuit_error("/any") is None

    waiting.pass_by(0.5)
    account.record_failure("fourth", "It fails for long.", PATIENCE)
    account.record_failure("fifth", "It fails for longer.", PATIENCE)
    assert account.circuit_error("/any").message == "It fails for long."


def test_given_a_good_response_among_failures_then_the_outage_begins_after_it(waiting):
    account = AccountState(1)
    for url in ("first", "second", "third"):
        account.record_failure(url, "It fails.", PATIENCE)
    waiting.pass_by(PATIENCE)
    account.record_success("/any")

    for url in ("fourth", "fifth", "sixth", "seventh"):
        account.record_failure(url, "It fails.", PATIENCE)
        waiting.pass_by(1)

    assert account.circuit_error("/any") is None


def test_given_one_day_without_any_response_then_the_other_days_arrive(providers, waiting, together):
    providers.answer(CONSUMPTION, "smsfactor/consumption.json")
    providers.answer(f"{CONSUMPTION}?date_start=2026-01-02", silent(waiting, 30))

    failure = failure_of("consumption", "2026-01-02", **together)

    assert failure.message == "SMSFactor did not answer in time. The next sync tries again."
    assert [ask("consumption", day, **together).status_code for day in days(3, 9)] == [200] * 7


def test_given_a_dead_host_and_one_worker_then_the_circuit_opens_in_time(providers, waiting, together):
    providers.answer(CONSUMPTION, silent(waiting, 60))
    started = waiting.monotonic()

    for day in days(1, 31):
        failure_of("consumption", day, **together)

    assert waiting.monotonic() - started <= 3 * PATIENCE + 60


def test_given_a_host_that_fails_at_once_and_one_worker_then_the_circuit_opens(providers, waiting, together):
    providers.answer(CONSUMPTION, b"", status=503)
    started = waiting.monotonic()

    for day in days(1, 31):
        failure_of("consumption", day, **together)

    assert PATIENCE <= waiting.monotonic() - started < PATIENCE + 16


def test_given_a_request_without_response_then_it_ends_with_the_outage_limit(providers, waiting, together):
    providers.answer(BALANCE, silent(waiting, 60))
    started = waiting.monotonic()

    failure_of("balance", **together)

    assert waiting.monotonic() - started <= PATIENCE
    assert len(providers.requests) == 3


def test_given_an_open_circuit_when_sent_then_nothing_is_sent_or_waited_for(providers, waiting, together):
    providers.answer(CONSUMPTION, b"", status=503)
    for day in days(1, 10):
        failure_of("consumption", day, **together)
    asked, waited = len(providers.requests), len(waiting.seconds)

    failures = [failure_of("consumption", day, requests_per_second=1, **together) for day in days(11, 14)]

    assert (len(providers.requests), len(waiting.seconds)) == (asked, waited)
    assert {failure.failure_type for failure in failures} == {FailureType.transient_error}


def test_given_a_retry_after_that_is_too_long_then_no_other_day_is_sent(providers, waiting, together):
    providers.answer(CONSUMPTION, b"", status=429, Retry_After="3600")

    failures = [failure_of("consumption", day, **together) for day in days(1, 3)]

    assert len(providers.requests) == 1
    assert {failure.message for failure in failures} == {
        "SMSFactor is rate limiting us (HTTP 429) until 2026-03-10 13:00 UTC. The next sync tries again."
    }


def test_given_a_retry_after_below_the_outage_limit_then_all_days_arrive_after_it(providers, waiting, together):
    good = canned("smsfactor/consumption.json")
    providers.answer_in_turn(CONSUMPTION, {"status_code": 429, "headers": {"Retry-After": "170"}}, good)

    for day in days(1, 3):
        ask("consumption", day, **together)

    assert waiting.seconds[0] == 170
    assert len(providers.requests) == 1 + 3


def test_given_an_outage_of_one_account_when_the_other_is_requested_then_it_responds(providers, waiting, together):
    providers.answer(CONSUMPTION, b"", status=503)
    providers.answer(BALANCE, GOOD)

    for day in days(1, 10):
        failure_of("consumption", day, **together)

    assert ask("balance", **together).ok


def test_given_one_key_at_two_providers_then_they_are_two_accounts(together):
    declared = definition("balance")

    one, same, other = (
        build({**declared, "provider": provider}, **together).account for provider in ("one", "one", "other")
    )

    assert one is same
    assert one is not other


def test_given_an_outage_when_a_good_response_arrives_then_it_is_over(providers, waiting, together):
    providers.answer_in_turn(CONSUMPTION, *[{"status_code": 503}] * 3, canned("smsfactor/consumption.json"))
    ask("consumption", "2026-01-01", **together)

    waiting.pass_by(1000)

    assert ask("consumption", "2026-01-02", **together).ok


def test_given_a_slow_failure_after_good_responses_then_the_outage_starts_with_it(providers, waiting, together):
    def slow(_request: requests.PreparedRequest) -> bytes:
        waiting.pass_by(PATIENCE)
        ask("consumption", "2026-01-02", **together)
        raise requests.exceptions.ReadTimeout

    providers.answer(CONSUMPTION, b"", status=503)
    providers.answer(f"{CONSUMPTION}?date_start=2026-01-01", slow)
    for day in ("2026-01-02", "2026-01-06"):
        providers.answer(f"{CONSUMPTION}?date_start={day}", "smsfactor/consumption.json")

    for day in ("2026-01-01", *days(3, 5)):
        failure_of("consumption", day, **together)

    assert ask("consumption", "2026-01-06", **together).ok


def test_given_no_request_under_way_when_time_passes_then_the_outage_does_not_grow(waiting):
    """Workers wait for a reader of stdout that stopped: no request, no outage."""
    account = AccountState(1)

    for url in ("first", "second", "third", "fourth", "fifth"):
        with account.request_under_way():
            account.record_failure(url, "It fails.", PATIENCE)
        waiting.pass_by(PATIENCE)

    assert account.circuit_error("/any") is None


def test_given_a_request_under_way_when_time_passes_then_the_outage_grows(waiting):
    account = AccountState(1)

    with account.request_under_way():
        for url in ("first", "second", "third", "fourth", "fifth"):
            with account.request_under_way():
                account.record_failure(url, "It fails.", PATIENCE)
            waiting.pass_by(PATIENCE)

    assert account.circuit_error("/any").message == "It fails."


# Rejections


def reject(account: AccountState, endpoint: str, times: int) -> None:
    for _ in range(times):
        account.record_rejection(endpoint, config_error("Rejected."))


def test_given_three_rejections_in_a_row_then_the_endpoint_gets_no_request():
    account = AccountState(1)

    reject(account, "/analytics", 2)
    assert account.circuit_error("/analytics") is None
    reject(account, "/analytics", 1)

    assert account.circuit_error("/analytics").failure_type is FailureType.config_error
    assert account.circuit_error("/balance") is None


def test_given_a_good_response_between_rejections_then_they_are_counted_anew():
    account = AccountState(1)

    reject(account, "/analytics", 2)
    account.record_success("/analytics")
    reject(account, "/analytics", 2)

    assert account.circuit_error("/analytics") is None


def test_given_a_good_response_of_another_endpoint_then_rejections_still_count():
    account = AccountState(1)

    reject(account, "/analytics", 2)
    account.record_success("/balance")
    reject(account, "/analytics", 1)

    assert account.circuit_error("/analytics")


def test_given_an_open_circuit_when_its_error_is_raised_often_then_it_does_not_grow():
    account = AccountState(1)
    reject(account, "/analytics", 3)

    assert account.circuit_error("/analytics") is not account.circuit_error("/analytics")


def test_given_bad_requests_when_read_then_no_circuit_opens(providers, together):
    """A range that is too wide is one, and narrower ones follow it."""
    providers.answer(ANALYTICS, b"", status=400)
    for day in days(1, 5):
        failure_of("analytics_by_country", day, **together)

    assert len(providers.requests) == 5


# Concurrency


def test_given_a_concurrency_of_two_then_two_threads_get_in_and_the_third_waits():
    slots = FairSemaphore(2)
    is_in = threading.Event()

    def third() -> None:
        with slots:
            is_in.set()

    with slots:
        with slots:
            thread = threading.Thread(target=third, daemon=True)
            thread.start()
            assert not is_in.wait(0.1)
        assert is_in.wait(LONG)
    is_in.clear()
    threading.Thread(target=third, daemon=True).start()
    assert is_in.wait(LONG)


def test_given_threads_that_wait_then_they_get_in_in_their_order():
    slots, order, threads = FairSemaphore(1), [], []

    def enter(number: int) -> None:
        with slots:
            order.append(number)

    with slots:
        for number in range(5):
            threads.append(threading.Thread(target=enter, args=(number,), daemon=True))
            threads[-1].start()
            ends = time.monotonic() + LONG
            while len(slots._waiting) <= number and time.monotonic() < ends:
                time.sleep(0.001)
    # Who comes later, and runs already, does not overtake them.
    enter(5)
    for thread in threads:
        thread.join(LONG)

    assert order == [0, 1, 2, 3, 4, 5]


class Slots:
    """Counts how many are held."""

    held = 0

    def __enter__(self) -> None:
        self.held += 1

    def __exit__(self, *_: object) -> None:
        self.held -= 1


def test_given_a_request_then_it_holds_a_slot_only_while_it_is_sent(providers, waiting, together):
    asking, slots, seen = requester(**together), Slots(), []
    asking.account.slots = slots

    def content(_request: object, _context: object) -> bytes:
        seen.append(("sent", slots.held))
        waiting.during_the_next(lambda: seen.append(("waits", slots.held)))
        return GOOD

    providers.answer_in_turn(BALANCE, {"status_code": 503, "content": content}, {"content": content})

    assert asking.send_request().ok
    assert seen == [("sent", 1), ("waits", 0), ("sent", 1)]


# What is shared


def test_given_one_sync_when_two_streams_send_the_same_request_then_it_is_sent_once(providers, together):
    providers.answer(ANALYTICS, "seven/analytics_by_date.json")

    answers = [ask("analytics", **together).json() for _ in range(2)]

    assert len(providers.requests) == 1
    assert answers[0] == answers[1] == canned_json("seven/analytics_by_date.json")


@pytest.mark.parametrize("other", [{"seven_api_key": "other-key"}, {"seven_base_url": "https://other.example/api"}])
def test_given_another_account_when_it_sends_the_same_then_it_gets_its_own_response(providers, together, other):
    for url in (ANALYTICS, "https://other.example/api/analytics"):
        providers.answer(url, "seven/analytics_by_date.json")
    ask("analytics", **together)

    ask("analytics", **together, **other)

    assert len(providers.requests) == 2


def test_given_two_syncs_when_they_send_the_same_request_then_no_response_is_shared(providers):
    providers.answer(ANALYTICS, "seven/analytics_by_date.json")

    ask("analytics")
    ask("analytics")

    assert len(providers.requests) == 2


def test_given_a_cached_failure_when_others_want_it_then_it_is_not_sent_again(providers, together):
    providers.answer(ANALYTICS, b"", status=404)

    failures = [failure_of("analytics", **together) for _ in range(3)]

    assert len(providers.requests) == 1
    assert len({str(failure) for failure in failures}) == 1


def test_given_a_cached_response_when_it_is_read_twice_then_it_is_parsed_twice(providers, together):
    """It is kept as it came: parsed it takes several times the memory."""
    providers.answer(ANALYTICS, "seven/analytics_by_date.json")

    answer = ask("analytics", **together)

    assert answer.json() == answer.json()
    assert answer.json() is not answer.json()


def test_given_400_cached_responses_then_the_least_recently_used_one_is_dropped():
    account = AccountState(1)
    asked = []

    def asking(number: int) -> requests.Response:
        asked.append(number)
        return requests.Response()

    for number in (*range(400), 0, 400, 0, 2, 1):
        account.cached(str(number), lambda number=number: asking(number))

    assert asked == [*range(401), 1]
