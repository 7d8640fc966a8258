from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakSet

from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource

from source_sms_providers.single_flight import SingleFlight

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
        self._places = SingleFlight[Hashable, Places]()
        self._side_by_side = ThreadPoolExecutor(parallel_requests)
        self._workers = workers
        self.receiving: set[socket.socket] = set()
        """The sockets that an answer is awaited of; a worker adds and takes away its own."""
        _RUNNING.add(self)

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def end(self) -> None:
        """Lets no request begin any more, and cuts off the answers that workers wait for."""
        self._over.set()
        for each in tuple(self.receiving):
            # By its number: what a socket is wrapped in for TLS may have no `shutdown`.
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(each.fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)
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

    @contextlib.contextmanager
    def request(self, account: Hashable) -> Iterator[None]:
        """To be held while a request is under way. Raises SyncCancelled in place of letting it begin."""
        with self._places.get(account, lambda: Places(self._parallel_requests)):
            if self.is_over:
                raise SyncCancelled
            yield

    def each(self, make: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
        """What `make` returns of each item, made side by side; if one fails, no further one begins, and its error is
        raised. `make` must not call this itself. Raises SyncCancelled if the command ends before all are made.
        """
        try:
            return list(self._side_by_side.map(make, items))
        except (CancelledError, RuntimeError):
            # What a pool that was shut down says to items that wait in it, and to new ones.
            if self.is_over:
                raise SyncCancelled from None
            raise


class Places:
    """A semaphore that is given in the order of those who ask for it.

    One of Python's goes to whoever runs: a thread that waits for it may wait until the others have read all days, and
    no state passes its own.
    """

    def __init__(self, free: int) -> None:
        self._lock = threading.Lock()
        self._free = free
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


_RUNNING = WeakSet[SyncSession]()


def _end_all() -> None:
    for command in list(_RUNNING):
        command.end()


# Python waits for the CDK's workers before anything else that could be told of its end, and they for a consumer that
# has left with the generator still in a variable. The last that is registered goes first: before the pool's own wait.
threading._register_atexit(_end_all)  # type: ignore[attr-defined]
