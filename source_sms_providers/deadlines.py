from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator


class Deadlines:
    """Calls what a deadline has run out for, all from one thread: a `threading.Timer` starts one each."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def unless_left_in(self, seconds: float, act: Callable[[], None]) -> Iterator[None]:
        """Calls `act`, which must not raise, once if the block is not left in so many seconds."""
        key, moment = object(), time.monotonic() + seconds
        with self._changed:
            self._due[key] = moment, act
            # None lives on in a process that was forked.
            if self._thread is None or not self._thread.is_alive():
                self._wakes_at = -math.inf
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif moment < self._wakes_at:
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(key, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                late = [key for key, (moment, _) in self._due.items() if moment <= now]
                acts = [self._due.pop(key)[1] for key in late]
                self._wakes_at = min((moment for moment, _ in self._due.values()), default=math.inf)
                if not acts:
                    self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)
            for act in acts:
                act()
