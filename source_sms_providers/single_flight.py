"""Single-flight cache."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import clone_error

Key = TypeVar("Key")
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Computes the value of each key once: the first caller computes it, the others wait for it.

    An AirbyteTracedException is kept like a value, and each caller gets a clone. Any other exception reaches
    everyone who waits and is not kept. Beyond `max_size`, the least recently used value is dropped.
    """

    def __init__(self, max_size: float = math.inf) -> None:
        self._max_size = max_size
        self._lock = threading.Lock()
        self._values: dict[Key, Future[Value]] = {}

    def get(self, key: Key, compute: Callable[[], Value]) -> Value:
        """Return the value of `key`, or raise the AirbyteTracedException that `compute` raised."""
        with self._lock:
            known = self._values.pop(key, None)
            value: Future[Value] = known or Future()
            # A dict keeps the order of insertion: the most recently used key is the last one.
            self._values[key] = value
            if len(self._values) > self._max_size:
                del self._values[next(iter(self._values))]
        if known is None:
            self._compute(key, value, compute)
        if error := value.exception():
            # An exception that is raised again keeps every traceback it came through.
            raise clone_error(error) if isinstance(error, AirbyteTracedException) else error
        return value.result()

    def _compute(self, key: Key, value: Future[Value], compute: Callable[[], Value]) -> None:
        try:
            value.set_result(compute())
        except BaseException as error:
            value.set_exception(error)
            if not isinstance(error, AirbyteTracedException):
                with self._lock:
                    if self._values.get(key) is value:
                        del self._values[key]
