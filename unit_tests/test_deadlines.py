from __future__ import annotations

import multiprocessing
import threading
import time

import pytest

from source_sms_providers.deadlines import Deadlines


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines()


def test_given_a_block_that_is_left_in_time_then_nothing_is_called(deadlines):
    called = threading.Event()

    with deadlines.unless_left_in(0.05, called.set):
        pass

    assert not called.wait(0.2)


def test_given_a_block_that_is_not_left_then_its_action_is_called_once(deadlines):
    calls: list[float] = []

    with deadlines.unless_left_in(0.05, lambda: calls.append(time.monotonic())):
        began = time.monotonic()
        time.sleep(0.3)

    assert [0.0 < moment - began < 0.3 for moment in calls] == [True]


def test_given_a_time_that_is_over_then_the_action_is_called_at_once(deadlines):
    called = threading.Event()

    with deadlines.unless_left_in(-1, called.set):
        assert called.wait(5)


def test_given_a_longer_deadline_before_it_then_the_shorter_one_is_not_late(deadlines):
    late, soon = threading.Event(), threading.Event()

    with deadlines.unless_left_in(60, late.set):
        time.sleep(0.1)
        with deadlines.unless_left_in(0.05, soon.set):
            assert soon.wait(5)

    assert not late.is_set()


def test_given_several_that_are_late_then_each_is_called(deadlines):
    called = [threading.Event() for _ in range(3)]

    with (
        deadlines.unless_left_in(0.05, called[0].set),
        deadlines.unless_left_in(0.1, called[1].set),
        deadlines.unless_left_in(0.05, called[2].set),
    ):
        assert [each.wait(5) for each in called] == [True] * 3


def test_given_many_blocks_then_one_thread_watches_them(deadlines):
    before = threading.active_count()
    for _ in range(100):
        with deadlines.unless_left_in(60, lambda: None):
            pass

    assert threading.active_count() == before + 1


def test_given_a_process_forked_while_one_is_watched_then_it_watches_its_own(deadlines):
    fork = multiprocessing.get_context("fork")
    called = fork.Event()

    def child() -> None:
        with deadlines.unless_left_in(60, lambda: None):
            time.sleep(0.1)
            with deadlines.unless_left_in(0.05, called.set):
                called.wait(5)

    with deadlines.unless_left_in(60, lambda: None):
        time.sleep(0.1)
        process = fork.Process(target=child)
        process.start()
        process.join(10)

    assert called.is_set()
