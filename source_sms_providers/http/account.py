"""What the workers of one account share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

import requests

from source_sms_providers.parsing import strict_json
from source_sms_providers.single_flight import SingleFlight

SHARED_ANSWERS = 400
"""How many are kept: those of the days of a year, and a few. Those of ten years may take hundreds of MB."""
FAILED_REQUESTS_OF_AN_OUTAGE = 4
"""One more than the groupings that ask for one day: a day that fails in each of them is no outage. The accounts of a
day are asked by one request each, and four of them that fail are one, if nothing else is answered meanwhile.
"""


class AccountState:
    """What the workers that ask one account know together: whose turn it is, until when to keep quiet,
    since when no good answer came, and the answers that are of use to several streams.

    A Retry-After meant for one worker is meant for all, and thousands of days that each wait for a
    dead host would keep a sync alive for hours.
    """

    def __init__(self, concurrency: int = 1) -> None:
        self.slots = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._next_turn = 0.0
        self._quiet_until = 0.0
        self._failing: set[str] = set()
        self._failing_since = 0.0
        self._given_up: str | None = None
        self._answers = SingleFlight[str, requests.Response](SHARED_ANSWERS)

    def seconds_to_turn(self, requests_per_second: float) -> float:
        """Takes the next turn to ask: how long to wait for it."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_turn)
            self._next_turn = turn + 1 / requests_per_second
            return turn - now

    def seconds_of_quiet(self) -> float:
        return self._quiet_until - time.monotonic()

    def keep_quiet(self, seconds: float) -> None:
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def failed(self, url: str, sentence: str, patience: float) -> None:
        """A request got no good answer. Gives the provider up, with this sentence, once it has answered none
        of FAILED_REQUESTS_OF_AN_OUTAGE different ones and none at all for `patience` seconds.
        """
        with self._lock:
            now = time.monotonic()
            if not self._failing:
                self._failing_since = now
            self._failing.add(url)
            if len(self._failing) >= FAILED_REQUESTS_OF_AN_OUTAGE and now - self._failing_since >= patience:
                self._given_up = self._given_up or sentence

    def answered(self) -> None:
        with self._lock:
            self._failing.clear()

    def give_up(self, sentence: str) -> None:
        self._given_up = sentence

    def given_up(self) -> str | None:
        """Why the provider is not asked any more, or None."""
        return self._given_up

    def shared(self, url: str, ask: Callable[[], requests.Response]) -> requests.Response:
        """The answer of one request for all who ask the same."""

        def unparsed() -> requests.Response:
            response = ask()
            body = response.content
            # Kept as it came: parsed it takes several times the memory.
            response.json = lambda **_: strict_json(body)  # type: ignore[method-assign]
            return response

        return self._answers.get(url, unparsed)


AccountStates = SingleFlight[Hashable, AccountState]
"""What is known of each account that one command asks; the source puts one into the settings as `_providers`."""
