"""State that all workers of one account share."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import clone_error, transient_error
from source_sms_providers.http.client import HttpClient
from source_sms_providers.parsing import parse_strict_json
from source_sms_providers.single_flight import SingleFlight

RESPONSE_CACHE_SIZE = 400
"""Responses kept: one for each day of a year, and a few more. Those of ten years would take hundreds of MB."""
CIRCUIT_BREAKER_THRESHOLD = 4
"""Different requests that must fail in an outage before the account's circuit opens.

One more than the groupings that request the same day, so that one bad day is not an outage.
"""
REJECTIONS_THRESHOLD = 3
"""Rejections of the key, in a row, that open the circuit of an endpoint. One odd HTTP 403 must not."""
MAX_BACKOFF_SECONDS = 60.0
"""Longest pause after a rate limit that names no Retry-After. Windows of a minute are usual."""
SLOW_START_SECONDS = 0.25
"""Interval of requests after a pause. Each good response shortens it by a fifth."""


class AccountState:
    """Concurrency, rate, pauses, circuits, connections and cached responses of one account.

    An outage is the time since the first failure after the last good response. It passes only while a request,
    with its retries, is under way: a reader of stdout that stops for minutes is not an outage.
    """

    def __init__(self, concurrency: int) -> None:
        self.slots = FairSemaphore(concurrency)
        self._lock = threading.RLock()
        self._under_way = 0
        self._idle_since = 0.0
        self._next_slot = 0.0
        self._interval = 0.0
        self._paused_until = 0.0
        self._backoff = 0.0
        self._failing: set[str] = set()
        self._failing_since = 0.0
        self._rejections: dict[str, int] = {}
        self._circuits: dict[str, AirbyteTracedException] = {}
        self._problems: set[str] = set()
        self._clients = SingleFlight[str, HttpClient]()
        self._responses = SingleFlight[str, requests.Response](RESPONSE_CACHE_SIZE)

    @contextmanager
    def request_under_way(self) -> Iterator[None]:
        """Hold while a request and its retries run."""
        with self._lock:
            if not self._under_way:
                self._failing_since += time.monotonic() - self._idle_since
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._idle_since = time.monotonic()

    def reserve_slot(self, requests_per_second: float) -> float:
        """Reserve the next request slot and return the delay until it, in seconds."""
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next_slot)
            self._next_slot = slot + max(1 / requests_per_second, self._interval)
            return slot - now

    def pause(self, seconds: float) -> None:
        """Start no request for this many seconds, and then slowly."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)
            self._next_slot = max(self._next_slot, self._paused_until)
            self._interval = SLOW_START_SECONDS

    def back_off(self) -> None:
        """Pause twice as long as the last time, unless a good response came in between."""
        with self._lock:
            # Concurrent requests run into the limit together: during a pause, their responses say nothing new.
            if self._paused_until <= time.monotonic():
                self._backoff = min(2 * self._backoff or 1, MAX_BACKOFF_SECONDS)
                self.pause(self._backoff)

    def pause_remaining(self) -> float:
        """Seconds until the pause ends; negative if there is none."""
        return self._paused_until - time.monotonic()

    def record_success(self, endpoint: str) -> None:
        with self._lock:
            self._failing.clear()
            self._rejections.pop(endpoint, None)
            # During a pause, it is the response of an earlier request.
            if self._paused_until <= time.monotonic():
                self._backoff = 0.0
                self._interval *= 0.8

    def record_failure(self, url: str, sentence: str, max_outage: float) -> None:
        """Count a request without a good response. Opens the circuit of the account in an outage of this length."""
        with self._lock:
            if not self._failing:
                self._failing_since = time.monotonic()
            self._failing.add(url)
            if len(self._failing) >= CIRCUIT_BREAKER_THRESHOLD and self.outage() >= max_outage:
                self.open_circuit(transient_error(sentence))

    def outage(self) -> float:
        """Seconds since the first failure after the last good response. Call while a request is under way."""
        with self._lock:
            return time.monotonic() - self._failing_since if self._failing else 0.0

    def record_rejection(self, endpoint: str, error: AirbyteTracedException) -> None:
        """Count a rejection of the key. Opens the circuit of the endpoint after some in a row."""
        with self._lock:
            self._rejections[endpoint] = self._rejections.get(endpoint, 0) + 1
            if self._rejections[endpoint] >= REJECTIONS_THRESHOLD:
                self.open_circuit(error, endpoint)

    def open_circuit(self, error: AirbyteTracedException, endpoint: str = "") -> None:
        """Send no further request to an endpoint, or to any."""
        self._circuits.setdefault(endpoint, error)

    def circuit_error(self, endpoint: str) -> AirbyteTracedException | None:
        """Why no request is sent to this endpoint; None while its circuit is closed."""
        error = self._circuits.get("") or self._circuits.get(endpoint)
        return error and clone_error(error)

    def is_new(self, problem: str) -> bool:
        """Whether this problem was not seen before: an outage of ten years is logged once."""
        with self._lock:
            is_new = problem not in self._problems
            self._problems.add(problem)
            return is_new

    def client(self, url: str) -> HttpClient:
        """The client, with its pool of connections, for the host of a URL."""
        host = "/".join(url.split("/", 3)[:3])
        return self._clients.get(host, lambda: HttpClient(host))

    def cached(self, url: str, fetch: Callable[[], requests.Response]) -> requests.Response:
        """The response of one request for every stream that sends the same."""

        def unparsed() -> requests.Response:
            response = fetch()
            body = response.content
            # Parsed, it takes several times the memory.
            response.json = lambda **_: parse_strict_json(body)  # type: ignore[method-assign]
            return response

        return self._responses.get(url, unparsed)


class FairSemaphore:
    """Semaphore that serves threads in the order in which they asked.

    Python's own favours threads that already run: one read a whole year while another waited with an early day.
    """

    def __init__(self, value: int) -> None:
        self._lock = threading.Lock()
        self._value = value
        self._waiting = deque[threading.Event]()

    def __enter__(self) -> None:
        with self._lock:
            self._value -= 1
            if self._value >= 0:
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._value += 1
            if self._waiting:
                self._waiting.popleft().set()
