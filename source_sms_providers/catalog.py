"""Streams that a connection selects, and that the source does not offer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStream,
    AirbyteStreamStatus,
    ConfiguredAirbyteCatalog,
    StreamDescriptor,
)
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.config import KEYS
from source_sms_providers.errors import config_error


def split(
    catalog: ConfiguredAirbyteCatalog, offered: Collection[str]
) -> tuple[ConfiguredAirbyteCatalog, list[AirbyteStream]]:
    """The part of the catalog that is offered, and the streams that are not."""
    there = [configured for configured in catalog.streams if configured.stream.name in offered]
    missing = [configured.stream for configured in catalog.streams if configured not in there]
    return ConfiguredAirbyteCatalog(there), missing


def why_missing(stream: str, all_streams: Collection[str], config: Mapping[str, Any]) -> AirbyteTracedException:
    """What to do about a stream that is not offered; `all_streams` are those that there are with every key."""
    if stream in all_streams:
        keys = " or the ".join(title for title, name in KEYS.items() if not config.get(name))
        return config_error(
            f"The settings hold no key for the stream '{stream}'. Enter the {keys}, or leave the stream out of the "
            "connection."
        )
    return config_error(f"There is no stream '{stream}'. Refresh the schema of the connection, which leaves it out.")


def with_missing(
    messages: Iterable[AirbyteMessage], missing: Iterable[tuple[AirbyteStream, AirbyteTracedException]]
) -> Iterator[AirbyteMessage]:
    """Tells first which streams are missing, and why; raises one of the reasons after the last message."""
    error = None
    for stream, error in missing:
        yield error.as_airbyte_message(StreamDescriptor(name=stream.name))
        yield as_airbyte_message(stream, AirbyteStreamStatus.INCOMPLETE)
    yield from messages
    if error:
        raise error
