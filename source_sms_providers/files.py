"""The files that a command line names, as people and tools write them.

Each function raises AirbyteTracedException (config_error) with a sentence that names the file, and shows nothing of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airbyte_cdk.models import (
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    AirbyteStateType,
    AirbyteStreamState,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
    StreamDescriptor,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error
from source_sms_providers.parsing import kind


def read_config(config_path: str) -> dict[str, Any]:
    """The settings: an object."""
    config = _parsed("settings", config_path, _bytes("settings", config_path))
    if not isinstance(config, dict):
        raise _refused("settings", config_path, f"holds {kind(config)} where an object is due. Correct it.")
    return config


def read_catalog(catalog_path: str) -> ConfiguredAirbyteCatalog:
    """The streams to read, and how."""
    catalog = _parsed("catalog", catalog_path, _bytes("catalog", catalog_path))
    try:
        return ConfiguredAirbyteCatalogSerializer.load(catalog)
    except ValueError:
        raise _refused(
            "catalog",
            catalog_path,
            "is no configured catalog: an object whose 'streams' each hold 'stream', as discover prints it, "
            "'sync_mode' and 'destination_sync_mode'. Correct it.",
        ) from None


def read_state(state_path: str | None) -> list[AirbyteStateMessage]:
    """What an earlier sync saved, a message a stream; none without a file, or for an empty one.

    Read are the states of STATE messages, alone or in a list, with or without the message around them, and an object by
    stream as old versions of Airbyte write it: `{"analytics": {"date": …}}`.
    """
    if not state_path:
        return []
    body = _bytes("state", state_path)
    try:
        return _messages(_parsed("state", state_path, body) if body.strip() else None)
    except (ValueError, TypeError, KeyError):
        raise _refused(
            "state",
            state_path,
            "holds no state that this connector saved. Name a file with the last STATE messages of a sync, or leave "
            "--state out to start anew.",
        ) from None


def _refused(name: str, path: str, problem: str) -> AirbyteTracedException:
    # A name that the locale cannot decode holds surrogates, which no message can carry.
    return config_error(f"The {name} file {os.fsencode(path).decode(errors='replace')} {problem}")


def _bytes(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _refused(name, path, f"cannot be read: {error.strerror}. Check its path.") from None


def _parsed(name: str, path: str, body: bytes) -> Any:
    if not body.strip():
        raise _refused(name, path, "is empty. Fill it.")
    try:
        # Of bytes the parser finds out the encoding, and takes a byte order mark for none of the text.
        return json.loads(body)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _refused(name, path, f"is no JSON: {error.msg} at {place}. Correct it.") from None
    except (ValueError, RecursionError):
        raise _refused(name, path, "is no JSON in UTF-8. Correct it.") from None


def _messages(saved: Any) -> list[AirbyteStateMessage]:
    """Raises ValueError, TypeError or KeyError for what is none of the forms."""
    if isinstance(saved, list):
        return [message for each in saved for message in _messages(each)]
    if not saved and saved in (None, {}):
        return []
    if not isinstance(saved, dict):
        raise TypeError
    if saved.get("type") == "STATE":
        return _messages(saved["state"])
    if not {"type", "stream", "global", "data"} & saved.keys():
        return _by_stream(saved)
    message = AirbyteStateMessageSerializer.load(saved)
    if message.data:
        return _by_stream(message.data)
    if message.stream:
        return [_of(message.stream)]
    # What streams would share is none of this connector's.
    if message.global_ and not vars(message.global_.shared_state or AirbyteStateBlob()):
        return [_of(stream) for stream in message.global_.stream_states]
    raise ValueError


def _by_stream(states: Mapping[str, Any]) -> list[AirbyteStateMessage]:
    if any("date" not in state for state in states.values()):
        raise ValueError
    return [
        _of(AirbyteStreamState(StreamDescriptor(name=name), AirbyteStateBlob(state))) for name, state in states.items()
    ]


def _of(stream: AirbyteStreamState) -> AirbyteStateMessage:
    return AirbyteStateMessage(type=AirbyteStateType.STREAM, stream=stream)
