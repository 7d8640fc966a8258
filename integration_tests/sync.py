"""A sync as Airbyte runs it: the connector in this process, the providers over real sockets, and a
destination that keeps the newest row of each primary key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone
from typing import Any

import time_machine
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteMessageSerializer,
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
    FailureType,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.streams import PRIMARY_KEYS, configured_catalog
from source_sms_providers import SourceSmsProviders

LOGGER = logging.getLogger("airbyte")


@dataclass
class Sync:
    """What one sync emitted."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    error: AirbyteTracedException | None = None

    @property
    def failure_type(self) -> FailureType | None:
        return self.error.failure_type if self.error else None

    @property
    def sentence(self) -> str:
        return str(self.error.message) if self.error else ""

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [
            message["record"]["data"]
            for message in self.messages
            if message["type"] == "RECORD" and message["record"]["stream"] == stream
        ]

    def failures(self) -> dict[str, tuple[str, str]]:
        """Stream -> the failure type and the sentence of its first error."""
        found: dict[str, tuple[str, str]] = {}
        for message in self.messages:
            if message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
                error = message["trace"]["error"]
                found.setdefault(error["stream_descriptor"]["name"], (error["failure_type"], error["message"]))
        return found

    @property
    def state(self) -> list[AirbyteStateMessage]:
        """The last state of each stream, as the platform feeds it to the next sync."""
        last = {
            message["state"]["stream"]["stream_descriptor"]["name"]: message["state"]
            for message in self.messages
            if message["type"] == "STATE"
        }
        return [AirbyteStateMessageSerializer.load(state) for state in last.values()]

    def state_day(self, stream: str) -> str:
        """The day that the stream's last state names."""
        states = [
            message["state"]["stream"]["stream_state"]["date"]
            for message in self.messages
            if message["type"] == "STATE" and message["state"]["stream"]["stream_descriptor"]["name"] == stream
        ]
        return str(states[-1][:10])


@dataclass
class Destination:
    """Keeps the newest row of each primary key, and the last state, as a deduping destination does."""

    tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    state: dict[str, AirbyteStateMessage] = field(default_factory=dict)

    def take(self, sync: Sync) -> None:
        for message in sync.messages:
            self.take_message(message)

    def take_message(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "RECORD":
            stream, row = message["record"]["stream"], message["record"]["data"]
            key = tuple(row[name] for name in PRIMARY_KEYS[stream])
            self.tables.setdefault(stream, {})[key] = row
        elif message["type"] == "STATE":
            stream = message["state"]["stream"]["stream_descriptor"]["name"]
            self.state[stream] = AirbyteStateMessageSerializer.load(dict(message["state"]))

    def state_day(self, stream: str) -> str:
        """The day that the stream's last state names; "" if there is none."""
        if stream not in self.state:
            return ""
        return str(vars(self.state[stream].stream.stream_state)["date"][:10])

    def rows(self, stream: str) -> list[dict[str, Any]]:
        return list(self.tables.get(stream, {}).values())


def catalog(streams: Iterable[str], sync_mode: str = "incremental") -> ConfiguredAirbyteCatalog:
    return ConfiguredAirbyteCatalogSerializer.load(configured_catalog(streams, sync_mode))


def sync(
    config: Mapping[str, Any],
    streams: Iterable[str] = tuple(PRIMARY_KEYS),
    state: Iterable[AirbyteStateMessage] = (),
    now: date | datetime | None = None,
    sync_mode: str = "incremental",
) -> Sync:
    """Runs a sync at a given moment (a date means its noon in UTC)."""
    if now is None:
        return sync_catalog(config, catalog(streams, sync_mode), list(state))
    moment = now if isinstance(now, datetime) else datetime.combine(now, time(12), timezone.utc)
    with time_machine.travel(moment):
        return sync_catalog(config, catalog(streams, sync_mode), list(state))


def check(
    config: Mapping[str, Any], now: date | datetime, source: type[SourceSmsProviders] = SourceSmsProviders
) -> tuple[str, str, str]:
    """Runs a check: its status, its sentence, and the failure type of the trace it sends (or "")."""
    moment = now if isinstance(now, datetime) else datetime.combine(now, time(12), timezone.utc)
    with time_machine.travel(moment):
        checked = source(config=config)
        status = checked.check(LOGGER, config)
    traces = [message.trace.error for message in checked.message_repository.consume_queue()]
    return status.status.value, status.message or "", "".join(trace.failure_type.value for trace in traces)


def stream_messages(
    config: Mapping[str, Any], selected: ConfiguredAirbyteCatalog, state: list[AirbyteStateMessage], now: date
) -> Iterator[dict[str, Any]]:
    """The messages of a sync one by one, as they are emitted."""
    with time_machine.travel(datetime.combine(now, time(12), timezone.utc)):
        for message in SourceSmsProviders(selected, config, state).read(LOGGER, config, selected, state):
            yield _plain(message)


def sync_catalog(
    config: Mapping[str, Any],
    selected: ConfiguredAirbyteCatalog,
    state: list[AirbyteStateMessage],
    source: type[SourceSmsProviders] = SourceSmsProviders,
) -> Sync:
    result = Sync()
    try:
        for message in source(selected, config, state).read(LOGGER, config, selected, state):
            result.messages.append(_plain(message))
    except AirbyteTracedException as error:
        result.error = error
    return result


def _plain(message: AirbyteMessage) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(AirbyteMessageSerializer.dump(message)))
    return plain


def without_nulls(rows: Iterable[Mapping[str, Any]], stream: str) -> list[dict[str, Any]]:
    """Rows as the protocol's serializer writes them, in the order of their keys: it leaves nulls out."""
    plain = [
        {name: value for name, value in row.items() if value is not None and name != "retrieved_at"} for row in rows
    ]
    return sorted(plain, key=lambda row: tuple(row[name] for name in PRIMARY_KEYS[stream]))
