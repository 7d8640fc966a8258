from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource

from source_sms_providers.single_flight import SingleFlight

if TYPE_CHECKING:
    from source_sms_providers.http.account import AccountState

Item = TypeVar("Item")
Made = TypeVar("Made")


class SyncCancelled(Exception):
    """Nobody waits any more for what a worker was about to do."""


class SyncSession:
    """One read, as the threads that work for it see it: whether it is over, and how many requests of an account may be
    under way.

    Whoever takes the messages may leave at any time. The CDK does not tell its workers: they would ask on until its
    queue is full, and wait in it for ever.
    """

    def __init__(self, parallel_requests: int = 1, workers: ConcurrentSource | None = None) -> None:
        self._over = threading.Event()
        self._parallel_requests = parallel_requests
        self._side_by_side = ThreadPoolExecutor(parallel_requests)
        self._workers = workers
        self.concurrency = parallel_requests
        self.accounts: SingleFlight[Hashable, AccountState] = SingleFlight()
        _RUNNING.add(self)

    @property
    def cancelled(self) -> bool:
        return self._over.is_set()

    def end(self) -> None:
        """Lets no request begin any more."""
        self._over.set()
        self._side_by_side.shutdown(wait=False, cancel_futures=True)
        if self._workers:
            self._workers._threadpool._threadpool.shutdown(wait=False, cancel_futures=True)
            queue = self._workers._queue
            with queue.mutex:
                queue.maxsize = sys.maxsize
                queue.not_full.notify_all()

    def wait(self, seconds: float) -> None:
        """Raises SyncCancelled as soon as the command is over."""
        if self._over.wait(seconds):
            raise SyncCancelled

    def each(self, make: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
        """What `make` returns of each item, made side by side; if one fails, no further one begins, and its error is
        raised. `make` must not call this itself. Raises SyncCancelled if the command ends before all are made.
        """
        try:
            return list(self._side_by_side.map(make, items))
        except (CancelledError, RuntimeError):
            # What a pool that was shut down says to items that wait in it, and to new ones.
            if self.cancelled:
                raise SyncCancelled from None
            raise


_RUNNING = WeakSet[SyncSession]()


def _end_all() -> None:
    for command in list(_RUNNING):
        command.end()


# Python waits for the CDK's workers before anything else that could be told of its end, and they for a consumer that
# has left with the generator still in a variable. The last that is registered goes first: before the pool's own wait.
threading._register_atexit(_end_all)  # type: ignore[attr-defined]
