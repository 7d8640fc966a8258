"""What the probe asks, and how what it learns is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.interpolation.interpolated_boolean import InterpolatedBoolean
from airbyte_cdk.sources.declarative.models.declarative_component_schema import CustomRequester
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders
from source_sms_providers.check import MAX_OUTAGE_SECONDS
from source_sms_providers.config import validate
from source_sms_providers.retriever import fetch
from source_sms_providers.session import SyncSession

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
MOST_REQUESTS = 60
REQUESTS_PER_SECOND = 2
BETWEEN_TWO_READS = 60.0
"""Seconds within which an account that is in use sends a message."""
NO_KEY = "probe-no-such-key"
CANNOT_TELL = "cannot tell"


class Untold(Exception):
    """This account does not tell; the text says why, without anything of an answer."""


@dataclass(frozen=True)
class Verdict:
    """What an account shows.

    Attributes:
        shows: one of the texts that stand in the code, and nothing of an answer
        knob_value: what the sandbox's switch is to be set to, for a question that tells one
        disproves: the assumption of the connector that does not hold, or ""
        fits: what to enter into a setting of the connector, or ""
    """

    shows: str
    knob_value: Any = None
    disproves: str = ""
    fits: str = ""


def change(earlier: Any, read_again: Callable[[], Any]) -> Verdict:
    """Whether a second answer is the first one."""
    return Verdict("it did not change within minutes" if read_again() == earlier else "it changed within minutes")


def time_zone(
    used: Callable[[date, date], Decimal], read_again: Callable[[date, date], Decimal], today: date
) -> Verdict:
    """Whose days an account counts, told while tomorrow's has begun in Paris and Berlin, and not in UTC.

    `used` says what the days from one to another hold; it is asked for days of which the last has begun nowhere.
    """
    if datetime.now(ZoneInfo("Europe/Paris")).date() == today:
        raise Untold("it is told in the last hour of a day in UTC, from 22:00 on in summer: run the probe then")
    tomorrow = today + DAY
    if used(tomorrow, tomorrow + DAY):
        return Verdict("its days are those of Paris and Berlin: tomorrow's has begun before UTC's")
    earlier = used(today, tomorrow)
    time.sleep(BETWEEN_TWO_READS)
    if read_again(today, tomorrow) > earlier:
        return Verdict("its days are those of UTC: today's still grows")
    raise Untold("no message was sent meanwhile")


@dataclass(frozen=True)
class Question:
    """One undocumented behaviour.

    Attributes:
        about: what is asked, for the report
        read: asks, and reads the answers; raises Untold
        knob: the sandbox's switch that the verdict tells
    """

    about: str
    read: Callable[[Asker], Verdict]
    knob: str | None = None


@dataclass
class Asker:
    """Sends what the connector would send, with other parameters: its GET, its bounds of time, its care for keys.

    A request that is asked again is answered from memory, but for `fresh` ones. None is tried twice, so that each
    counts for one of MOST_REQUESTS.

    Raises AirbyteTracedException (config_error) for settings that nothing can be read with.
    """

    settings: Mapping[str, Any]
    requests: int = 0
    _answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pace = {"requests_per_second": REQUESTS_PER_SECOND, "max_outage_seconds": MAX_OUTAGE_SECONDS}
        entered = {name: value for name, value in self.settings.items() if value is not None}
        source = SourceSmsProviders(config={**pace, **entered})
        manifest = source.resolved_manifest
        validate(source.config, manifest["spec"]["connection_specification"])
        there = [each for each in manifest["streams"] if InterpolatedBoolean(each["condition"], {}).eval(source.config)]
        self._streams = {stream["name"]: stream for group in there for stream in group["streams"]}
        # One for all requests, which share the pace.
        self._config = {**source.config, "_session": SyncSession()}

    @property
    def today(self) -> date:
        """The day that the connector takes for today."""
        return date.fromisoformat(self._config["today"])

    @property
    def last_year(self) -> tuple[date, date]:
        """The first and the last of 365 days that have ended in any time zone."""
        return self.today - 2 * DAY - YEAR + DAY, self.today - 2 * DAY

    def reads(self, stream: str) -> bool:
        """Whether there is a key for it."""
        return stream in self._streams

    def answer(
        self, stream: str, first: date, last: date, path: str = "", fresh: bool = False, **parameters: str | None
    ) -> Any:
        """The JSON of the stream's request for these days, with these parameters set, or left out where they are None.

        Raises AirbyteTracedException for a request that gets no good answer, Untold when no request is left.
        """
        asked = (stream, first, last, path, *sorted(parameters.items()))
        if fresh or asked not in self._answers:
            self._answers[asked] = self._send(stream, first, last, path, parameters)
        return self._answers[asked]

    def answer_to_nobody(self, stream: str) -> Any:
        """The JSON that a key gets which does not exist."""
        requester = self._streams[stream]["retriever"]["requester"]
        unjudged = {**requester["error_handler"], "max_retries": 0, "response_filters": []}
        nobody = {**requester["authenticator"], "api_token": NO_KEY}
        changed = {**requester, "error_handler": unjudged, "authenticator": nobody}
        return self._sent(stream, changed, self.today, self.today)

    def refuses(self, stream: str, first: str, last: str) -> bool:
        """Whether days written so are refused as such."""
        try:
            self.answer(stream, self.today, self.today, start=first, end=last)
        except AirbyteTracedException as error:
            if error.failure_type is FailureType.transient_error:
                raise
            return True
        return False

    def answers(self, stream: str, filtered: bool = True) -> list[Any]:
        """All answers so far of a stream, or only those to requests without further parameters."""
        return [answer for asked, answer in self._answers.items() if asked[0] == stream and (filtered or not asked[4:])]

    def _send(self, stream: str, first: date, last: date, path: str, parameters: Mapping[str, str | None]) -> Any:
        usual = self._streams[stream]["retriever"]["requester"]
        texts = {**usual.get("request_parameters", {}), **parameters}
        dates = {name: day for name, day in usual.get("date_range_parameters", {}).items() if name not in parameters}
        changed = {
            **usual,
            "url": usual["url"] + path,
            "request_parameters": {name: text for name, text in texts.items() if text is not None},
            "date_range_parameters": {name: {"bound": each["bound"]} for name, each in dates.items()},
            "cache_responses": False,
            "error_handler": {**usual["error_handler"], "max_retries": 0},
        }
        return self._sent(stream, changed, first, last)

    def _sent(self, stream: str, requester: Mapping[str, Any], first: date, last: date) -> Any:
        if self.requests == MOST_REQUESTS:
            raise Untold(f"the {MOST_REQUESTS} requests are used up")
        self.requests += 1
        made = ModelToComponentFactory().create_component(CustomRequester, requester, self._config, name=stream)
        return fetch(made, first, last).json()
