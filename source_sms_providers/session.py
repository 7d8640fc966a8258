"""What the threads of one sync share."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import Queue
from typing import Any, TypeVar

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.http.account import AccountState
from source_sms_providers.single_flight import SingleFlight

Item = TypeVar("Item")
Result = TypeVar("Result")

READ_AHEAD_DAYS = 400
"""How many days of a stream may be read ahead of the day that is written: some 10 MB of rows if each has 30 groups.
With a narrow bound, a few days that never answer would hold up all others."""
LIVENESS_SECONDS = 0.5
"""How often a waiting thread looks whether Python exits."""
MAX_QUEUED_MESSAGES = 10_000
ROOM_SECONDS = 0.01


class SyncCancelled(Exception):
    """The sync was cancelled: nobody waits for the result."""


class SyncSession:
    """Cancellation, worker pools and account states of one sync.

    A session is cancelled by `cancel`, or when Python exits: it then waits for worker threads, and these must not wait
    for a consumer that is gone. Any thread may consume, each message in another one. A cancelled session lets no
    request begin; requests under way end by their own deadline.

    Attributes:
        concurrency: maximum concurrent requests per account
        accounts: what is known of each account, by provider and key
        failures: why each failed stream failed
        queue: the messages that the consumer has not taken yet
    """

    def __init__(self, concurrency: int = 1) -> None:
        self.concurrency = concurrency
        self.accounts = SingleFlight[Hashable, AccountState]()
        self.failures: list[AirbyteTracedException] = []
        self.queue = Queue[Any]()
        self._pools = SingleFlight[Hashable, WorkerPool]()
        self._open_pools: list[WorkerPool] = []
        self._cancelled = threading.Event()
        self._probe = ThreadPoolExecutor(1)

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()
        self._probe.shutdown(wait=False)
        for pool in self._open_pools:
            pool.shutdown()

    def wait(self, seconds: float) -> None:
        """Raises SyncCancelled as soon as the session is cancelled."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not self.cancelled:
            self._cancelled.wait(min(left, LIVENESS_SECONDS))
            try:
                self._probe.submit(int)
            except RuntimeError:
                # Python exits, and accepts no job any more.
                self.cancel()
        if self.cancelled:
            raise SyncCancelled

    def wait_for_room(self) -> None:
        """Waits while the consumer is slow. The queue itself has no bound: a full one would hold a thread for ever
        after the consumer has left.
        """
        while self.queue.qsize() > MAX_QUEUED_MESSAGES:
            self.wait(ROOM_SECONDS)

    def pool(self, provider: Hashable) -> WorkerPool:
        """The threads of one provider: no provider waits for another one's pause, outage or slowness."""
        return self._pools.get(provider, self._make_pool)

    def _make_pool(self) -> WorkerPool:
        pool = WorkerPool(self.concurrency)
        self._open_pools.append(pool)
        if self.cancelled:
            pool.shutdown()
        return pool


class WorkerPool:
    """Threads for the days of a provider's streams, and others for the parts of a day, so that a day never waits for
    a thread that waits for it. The account's slots bound the requests of both.
    """

    def __init__(self, concurrency: int) -> None:
        self._days = ThreadPoolExecutor(concurrency)
        self._parts = ThreadPoolExecutor(concurrency)

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        with _cancellation():
            return self._days.submit(job)

    def in_order(self, jobs: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The results in the order of the jobs, which run ahead of the result that is taken."""
        ahead = deque[Future[Result]]()
        for job in jobs:
            ahead.append(self.submit(job))
            while ahead and (ahead[0].done() or len(ahead) > READ_AHEAD_DAYS):
                yield _result(ahead.popleft())
        while ahead:
            yield _result(ahead.popleft())

    def map(self, make: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results of parts of a day, made side by side. Raises the first error."""
        with _cancellation():
            return list(self._parts.map(make, items))

    def shutdown(self) -> None:
        for pool in (self._days, self._parts):
            pool.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[Result]) -> Result:
    with _cancellation():
        return future.result()


@contextlib.contextmanager
def _cancellation() -> Iterator[None]:
    try:
        yield
    except (CancelledError, RuntimeError) as error:
        # A pool that was shut down raises one of these, to new jobs and to those that wait.
        if isinstance(error, RuntimeError) and "shutdown" not in str(error):
            raise
        raise SyncCancelled from None


class DedupLogFilter(logging.Filter):
    """Lets each warning into the log once: a counter that no row has would fill it with thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        message = record.getMessage()
        is_new = message not in self._seen
        self._seen.add(message)
        return is_new
