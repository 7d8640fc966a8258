"""The connector as Airbyte runs it: a command in, messages out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import (
    AirbyteConnectionStatus,
    AirbyteErrorTraceMessage,
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    ConfiguredAirbyteCatalog,
    StreamDescriptor,
    SyncMode,
    Type,
)
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders

LOGGER = logging.getLogger("airbyte")

NOW = "2026-03-10T12:00:00Z"
SEVEN_KEY = "seven-key-6f1d2c3b4a59"
SMSFACTOR_TOKEN = "eyJ0eXAi.smsfactor-token.J9a8b7c6"


@dataclass
class Output:
    """What a command said."""

    messages: list[AirbyteMessage] = field(default_factory=list)
    failure: AirbyteTracedException | None = None
    """What ended the command, if anything did."""

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """In the order of their days, because several workers read at once."""
        found = [message.record.data for message in self.messages if message.record]
        return sorted(found, key=lambda record: record["date"])

    @property
    def days(self) -> list[str]:
        return [record["date"] for record in self.records]

    @property
    def states(self) -> list[dict[str, Any]]:
        return [vars(message.state.stream.stream_state) for message in self.messages if message.state]

    def weight(self, kind: Type) -> int:
        """The bytes of all messages of a kind, as they are printed."""
        lines = (AirbyteEntrypoint.airbyte_message_to_string(message) for message in self.messages)
        return sum(len(line) for line, message in zip(lines, self.messages, strict=True) if message.type is kind)

    @property
    def errors(self) -> list[AirbyteErrorTraceMessage]:
        """The errors of streams."""
        return [message.trace.error for message in self.messages if message.trace and message.trace.error]


def config(**settings: Any) -> dict[str, Any]:
    """Both providers, from three days before today on, asked as fast as can be."""
    both = {"seven_api_key": SEVEN_KEY, "smsfactor_api_token": SMSFACTOR_TOKEN, "start_date": "2026-03-07"}
    return {**both, "requests_per_second": float("inf"), **settings}


def catalog(*streams: str, sync_mode: SyncMode = SyncMode.incremental) -> ConfiguredAirbyteCatalog:
    builder = CatalogBuilder()
    for stream in streams:
        builder = builder.with_stream(stream, sync_mode)
    return builder.build()


def written(stream: str, *rows: list[Any], day: str = "2026-03-09") -> list[AirbyteStateMessage]:
    """The saved state of a stream that has read a day, with the default settings, and written these rows."""
    return state(stream, date=day, written={day: [*rows]})


def state(stream: str, **values: Any) -> list[AirbyteStateMessage]:
    """The saved state of a stream, as Airbyte hands it in."""
    saved = AirbyteStreamState(StreamDescriptor(name=stream), AirbyteStateBlob(**values))
    return [AirbyteStateMessage(type=AirbyteStateType.STREAM, stream=saved)]


def read(
    *streams: str,
    saved: list[AirbyteStateMessage] | None = None,
    sync_mode: SyncMode = SyncMode.incremental,
    **settings: Any,
) -> Output:
    selected = catalog(*streams, sync_mode=sync_mode)
    return read_with(SourceSmsProviders(selected, config(**settings), saved), selected, saved, **settings)


def read_with(
    source: SourceSmsProviders,
    selected: ConfiguredAirbyteCatalog,
    saved: list[AirbyteStateMessage] | None = None,
    **settings: Any,
) -> Output:
    output = Output()
    try:
        for message in source.read(LOGGER, config(**settings), selected, saved):
            output.messages.append(message)
    except AirbyteTracedException as failure:
        output.failure = failure
    return output


def full_refresh(*streams: str, **settings: Any) -> Output:
    return read(*streams, sync_mode=SyncMode.full_refresh, **settings)


def check(**settings: Any) -> AirbyteConnectionStatus:
    return SourceSmsProviders(config=config(**settings)).check(LOGGER, config(**settings))
