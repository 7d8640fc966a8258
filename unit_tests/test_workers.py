from __future__ import annotations

import threading
from concurrent.futures import wait
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from source_sms_providers.workers import WorkersOfEach

SECONDS = 60
"""Longer than any machine takes, and shorter than for ever."""
PROVIDERS = {"analytics": "seven.io", "balance": "seven.io", "credits": "SMSFactor"}


@dataclass
class Day:
    """A partition, as far as it matters here."""

    of: str

    def stream_name(self) -> str:
        return self.of


def stream(name: str) -> SimpleNamespace:
    return SimpleNamespace(name=name)


@pytest.fixture
def workers():
    workers = WorkersOfEach(2, PROVIDERS)
    yield workers
    workers.shutdown(wait=True)


def test_given_a_provider_whose_workers_all_wait_when_the_other_has_a_task_then_it_is_done(workers):
    goes_on = threading.Event()
    waiting = [workers.submit(lambda _: goes_on.wait(SECONDS), Day("analytics")) for _ in range(5)]

    assert workers.submit(lambda day: day.of, Day("credits")).result(SECONDS) == "credits"
    assert not any(each.done() for each in waiting)

    goes_on.set()
    assert all(each.result(SECONDS) for each in waiting)


def test_given_streams_and_days_when_handed_in_then_those_of_a_provider_share_its_workers(workers):
    meet = threading.Barrier(2, timeout=SECONDS)
    tasks = [workers.submit(lambda *_: meet.wait() >= 0, about) for about in (stream("balance"), Day("analytics"))]

    assert [each.result(SECONDS) for each in tasks] == [True, True]


def test_given_a_stream_that_keeps_all_workers_of_its_provider_when_another_one_has_a_task_then_it_waits(workers):
    goes_on, begun = threading.Event(), threading.Barrier(3, timeout=SECONDS)
    for _ in range(2):
        workers.submit(lambda _: (begun.wait(), goes_on.wait(SECONDS)), Day("analytics"))
    begun.wait()

    waiting = workers.submit(lambda day: day.of, Day("balance"))

    assert wait([waiting], timeout=0.2).done == set()
    goes_on.set()
    assert waiting.result(SECONDS) == "balance"


def test_given_a_shutdown_when_tasks_wait_for_a_worker_then_they_are_cancelled():
    workers = WorkersOfEach(1, PROVIDERS)
    goes_on = threading.Event()
    begun = threading.Event()
    first = workers.submit(lambda _: (begun.set(), goes_on.wait(SECONDS)), Day("credits"))
    second = workers.submit(lambda _: None, Day("credits"))
    begun.wait(SECONDS)

    workers.shutdown(wait=False, cancel_futures=True)
    goes_on.set()

    assert first.result(SECONDS)
    assert second.cancelled()
