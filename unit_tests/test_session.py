from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from source_sms_providers import session as module
from source_sms_providers.session import DedupLogFilter, SyncCancelled, SyncSession, WorkerPool

SECONDS = 60
"""Longer than any machine takes, and shorter than for ever."""


def until(happened: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.001)


def in_thread(run: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.shutdown()


# Cancellation


def test_given_a_new_session_then_it_is_not_cancelled(session):
    assert not session.cancelled
    session.wait(0)


def test_given_a_cancelled_session_then_no_wait_lasts(session):
    session.cancel()

    with pytest.raises(SyncCancelled):
        session.wait(SECONDS)
    assert session.cancelled


def test_given_a_wait_when_the_session_is_cancelled_then_it_ends(session):
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(SyncCancelled):
            session.wait(SECONDS)
        ended.set()

    in_thread(wait)
    session.cancel()

    assert ended.wait(SECONDS)


def test_given_a_wait_when_its_seconds_are_over_then_it_ends(session):
    begun = time.monotonic()

    session.wait(0.05)

    assert time.monotonic() - begun >= 0.05


def test_given_a_thread_that_made_the_session_and_ended_then_others_go_on():
    made: list[SyncSession] = []
    in_thread(lambda: made.append(SyncSession())).join(SECONDS)
    [session] = made

    session.wait(0.01)

    assert not session.cancelled
    session.cancel()


def test_given_a_waiting_thread_when_python_exits_then_its_wait_ends(session, monkeypatch):
    monkeypatch.setattr(module, "LIVENESS_SECONDS", 0.01)
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)

    with pytest.raises(SyncCancelled):
        session.wait(SECONDS)
    assert session.cancelled


# A consumer that is slow


def test_given_a_queue_with_room_then_nobody_waits(session):
    for _ in range(module.MAX_QUEUED_MESSAGES):
        session.queue.put_nowait("a message")

    session.wait_for_room()


def test_given_a_queue_without_room_when_it_is_emptied_then_the_wait_ends(session, monkeypatch):
    monkeypatch.setattr(module, "MAX_QUEUED_MESSAGES", 1)
    for _ in range(3):
        session.queue.put("a message")
    ended = threading.Event()
    in_thread(lambda: (session.wait_for_room(), ended.set()))

    session.queue.get()
    assert not ended.wait(0.1)
    session.queue.get()

    assert ended.wait(SECONDS)


def test_given_a_queue_without_room_when_the_session_is_cancelled_then_the_wait_ends(session, monkeypatch):
    monkeypatch.setattr(module, "MAX_QUEUED_MESSAGES", 0)
    session.queue.put("a message")
    session.cancel()

    with pytest.raises(SyncCancelled):
        session.wait_for_room()


# Pools


def test_given_a_provider_then_all_its_streams_share_one_pool(session):
    assert session.pool("seven.io") is session.pool("seven.io")


def test_given_two_providers_then_neither_waits_for_the_other():
    session = SyncSession(1)
    ends = threading.Event()
    waiting = session.pool("seven.io").submit(partial(ends.wait, SECONDS))

    assert session.pool("SMSFactor").submit(lambda: "done").result(SECONDS) == "done"
    assert not waiting.done()
    ends.set()
    session.cancel()


@pytest.mark.parametrize("made_before", [True, False])
def test_given_a_cancelled_session_then_its_pools_begin_nothing(session, made_before):
    if made_before:
        session.pool("seven.io")
    session.cancel()
    pool = session.pool("seven.io")

    with pytest.raises(SyncCancelled):
        pool.submit(pytest.fail)
    with pytest.raises(SyncCancelled):
        next(pool.in_order([pytest.fail]))
    with pytest.raises(SyncCancelled):
        pool.map(pytest.fail, ["an item"])


# Results in the order of their jobs


def test_given_jobs_that_end_in_any_order_then_the_results_keep_the_job_order(pool):
    second_ended = threading.Event()

    def first() -> str:
        assert second_ended.wait(SECONDS)
        return "first"

    def second() -> str:
        second_ended.set()
        return "second"

    assert list(pool.in_order([first, second, lambda: "third"])) == ["first", "second", "third"]


def test_given_no_jobs_then_there_are_no_results(pool):
    assert list(pool.in_order([])) == []


def test_given_a_slow_first_job_then_others_run_ahead_up_to_the_bound(pool, monkeypatch):
    monkeypatch.setattr(module, "READ_AHEAD_DAYS", 5)
    ends = threading.Event()
    made = []

    def jobs() -> Iterator[Callable[[], int]]:
        yield lambda: ends.wait(SECONDS) and 0
        for number in range(1, 20):
            made.append(number)
            yield lambda number=number: number

    results = pool.in_order(jobs())
    taken: list[int] = []
    taker = in_thread(lambda: taken.extend(results))
    until(lambda: len(made) >= 5)
    time.sleep(0.05)

    assert (made, taken) == ([1, 2, 3, 4, 5], [])
    ends.set()
    taker.join(SECONDS)
    assert taken == list(range(20))


def test_given_finished_results_then_they_are_returned_before_all_jobs_are_created(pool):
    made = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(10_000):
            made.append(number)
            yield lambda number=number: number

    results = pool.in_order(jobs())

    assert next(results) == 0
    assert len(made) <= module.READ_AHEAD_DAYS + 1


def test_given_a_job_that_raises_then_its_error_comes_at_its_place(pool):
    def fail() -> str:
        raise ValueError("no")

    results = pool.in_order([lambda: "first", fail])

    assert next(results) == "first"
    with pytest.raises(ValueError, match="no"):
        next(results)


def test_given_a_queued_job_when_cancelled_then_its_consumer_gets_the_cancellation():
    session = SyncSession(1)
    submitted, ends = threading.Event(), threading.Event()

    def jobs() -> Iterator[Callable[[], object]]:
        yield lambda: ends.wait(SECONDS)
        yield lambda: "never"
        submitted.set()

    results = session.pool("seven.io").in_order(jobs())
    outcomes: list[str] = []

    def take() -> None:
        try:
            outcomes.extend(str(result) for result in results)
        except SyncCancelled:
            outcomes.append("cancelled")

    taker = in_thread(take)
    assert submitted.wait(SECONDS)
    session.cancel()
    ends.set()
    taker.join(SECONDS)

    assert outcomes == ["True", "cancelled"]


def test_given_a_job_that_raises_a_runtime_error_then_it_is_not_a_cancellation(pool):
    def fail() -> None:
        raise RuntimeError("generator ignored GeneratorExit")

    with pytest.raises(RuntimeError, match="GeneratorExit"):
        list(pool.in_order([fail]))


# Parts of a day


def test_given_items_when_mapped_then_the_results_are_in_their_order(pool):
    assert pool.map(str, range(9)) == [str(n) for n in range(9)]


def test_given_as_many_items_as_threads_when_mapped_then_they_run_side_by_side(pool):
    meet = threading.Barrier(2, timeout=SECONDS)

    pool.map(lambda _: meet.wait(), range(2))


def test_given_an_item_that_fails_when_mapped_then_the_first_error_is_raised(pool):
    def make(item: int) -> int:
        if item:
            raise ValueError(f"item {item}")
        return item

    with pytest.raises(ValueError, match="item 1"):
        pool.map(make, range(3))


def test_given_day_jobs_that_map_over_parts_then_the_parts_have_their_own_threads(pool):
    results: list[list[str]] = []
    in_thread(lambda: results.extend(pool.in_order([lambda: pool.map(str, range(3))] * 4))).join(SECONDS)

    assert results == [["0", "1", "2"]] * 4


# Warnings


def passes(log_filter: DedupLogFilter, level: int, message: str, *arguments: object) -> bool:
    return bool(log_filter.filter(logging.LogRecord("airbyte", level, "", 0, message, arguments, None)))


def test_given_a_warning_that_is_repeated_then_it_is_logged_once():
    log_filter = DedupLogFilter()

    assert [passes(log_filter, logging.WARNING, "No '%s'.", name) for name in ("rcs", "rcs", "hlr", "rcs")] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.ERROR, logging.FATAL])
def test_given_any_other_message_that_is_repeated_then_each_is_logged(level):
    log_filter = DedupLogFilter()

    assert all(passes(log_filter, level, "Reading.") for _ in range(3))
