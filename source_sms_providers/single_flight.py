"""Values that many threads want, and one of them makes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import clone_error

Key = TypeVar("Key")
Value = TypeVar("Value")
_NOTHING: Any = object()


class SingleFlight(Generic[Key, Value]):
    """The value of each key, made by the first who wants it while the others wait.

    An AirbyteTracedException is kept as a value is: each who wants it gets a fresh one, for an exception
    grows with each time that it is raised. Of more than `most` the one that nobody wanted for the longest time is made
    anew.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._making: dict[Key, threading.Lock] = {}
        self._made: dict[Key, Value | AirbyteTracedException] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """What `make` returned, or raised, the first time."""
        # Mostly there, and then no other thread need be waited for.
        made: Value | AirbyteTracedException = self._made.get(key, _NOTHING) if self._most == math.inf else _NOTHING
        if made is _NOTHING:
            made = self._make(key, make)
        if isinstance(made, AirbyteTracedException):
            raise clone_error(made)
        return made

    def _make(self, key: Key, make: Callable[[], Value]) -> Value | AirbyteTracedException:
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                kept = [self._made.pop(key)] if key in self._made else []
            made: Value | AirbyteTracedException
            try:
                made = kept[0] if kept else make()
            except AirbyteTracedException as error:
                made = clone_error(error)
            with self._lock:
                self._made[key] = made
                if len(self._made) > self._most:
                    del self._made[next(iter(self._made))]
        return made
