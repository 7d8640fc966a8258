from __future__ import annotations

import threading

import pytest

from source_sms_providers.session import SyncCancelled, SyncSession
from unit_tests.providers import SEVEN
from unit_tests.requesters import ask

SECONDS = 60
"""Longer than any machine takes, and shorter than for ever."""


def test_given_a_command_that_is_over_then_no_request_begins_and_no_wait_lasts():
    command = SyncSession()
    command.end()

    with pytest.raises(SyncCancelled):
        command.wait(SECONDS)


def test_given_a_wait_when_the_command_ends_then_it_ends_too():
    command = SyncSession()
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(SyncCancelled):
            command.wait(SECONDS)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    command.end()

    assert ended.wait(SECONDS / 2)


def test_given_a_command_that_is_over_when_a_requester_is_to_ask_then_nothing_is_asked(providers):
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")
    command = SyncSession()
    command.end()

    with pytest.raises(SyncCancelled):
        ask("balance", _session=command)

    assert providers.asked == []


def test_given_a_command_that_ends_while_an_answer_is_awaited_when_it_is_bad_then_it_is_not_asked_again(providers):
    command = SyncSession()
    providers.answer(f"{SEVEN}/balance", lambda _: command.end() or b"", status=503)

    with pytest.raises(SyncCancelled):
        ask("balance", _session=command)

    assert len(providers.asked) == 1


# Side by side


def test_given_items_when_each_is_made_then_the_results_are_in_their_order():
    assert SyncSession(parallel_requests=2).each(str, range(9)) == [str(n) for n in range(9)]


def test_given_as_many_items_as_parallel_requests_when_each_is_made_then_they_are_made_side_by_side():
    meet = threading.Barrier(3, timeout=SECONDS)

    SyncSession(parallel_requests=3).each(lambda _: meet.wait(), range(3))


def test_given_an_item_that_fails_when_each_is_made_then_its_error_is_raised_and_no_further_one_begins():
    begun = []

    def make(item: int) -> None:
        begun.append(item)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        SyncSession().each(make, range(1000))

    assert len(begun) < 1000


def test_given_a_command_that_ends_meanwhile_when_each_is_made_then_the_rest_is_not():
    command = SyncSession()
    begun = []

    def make(item: int) -> None:
        begun.append(item)
        command.end()

    with pytest.raises(SyncCancelled):
        command.each(make, range(9))

    assert begun == [0]


def test_given_a_command_that_is_over_when_each_is_to_be_made_then_none_is():
    command = SyncSession()
    command.end()

    with pytest.raises(SyncCancelled):
        command.each(pytest.fail, ["An item was made."])
