"""The files that a command line names. Each function raises AirbyteTracedException (config_error) with a sentence that
names the file and shows nothing of it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from airbyte_cdk.models import (
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error


def read_config(config_path: str) -> dict[str, Any]:
    config = _read_json("settings", config_path)
    if not isinstance(config, dict):
        raise _file_error("settings", config_path, "is not a JSON object. Correct it.")
    return config


def read_catalog(catalog_path: str) -> ConfiguredAirbyteCatalog:
    catalog = _read_json("catalog", catalog_path)
    try:
        return ConfiguredAirbyteCatalogSerializer.load(catalog)
    except ValueError:
        problem = "is not a configured catalog. Give each entry of 'streams' a 'stream' as discover prints it, a "
        raise _file_error("catalog", catalog_path, f"{problem}'sync_mode' and a 'destination_sync_mode'.") from None


def read_state(state_path: str | None) -> list[AirbyteStateMessage]:
    """A list of states, or a single one, each with or without the message around it; none without a file."""
    if not state_path:
        return []
    saved = _read_json("state", state_path, empty=[])
    try:
        states = saved if isinstance(saved, list) else [saved] if saved else []
        messages = [AirbyteStateMessageSerializer.load(each.get("state", each)) for each in states]
        if all(message.stream for message in messages):
            return messages
        raise ValueError
    except (ValueError, TypeError, AttributeError):
        problem = "is not a state of this connector. Name the last STATE messages of a sync, or omit --state."
        raise _file_error("state", state_path, problem) from None


def _read_json(kind: str, path: str, empty: Any = None) -> Any:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        if not text.strip() and empty is not None:
            return empty
        return json.loads(text)
    except OSError as error:
        raise _file_error(kind, path, f"cannot be read: {error.strerror}. Check its path.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        problem = f"is not valid JSON: {error.msg} at {place}. Correct it." if text.strip() else "is empty. Fill it in."
        raise _file_error(kind, path, problem) from None
    except (ValueError, RecursionError):
        raise _file_error(kind, path, "is not valid JSON in UTF-8. Correct it.") from None


def _file_error(kind: str, path: str, problem: str) -> AirbyteTracedException:
    # A name that the locale cannot decode holds surrogates, which no message can carry.
    return config_error(f"The {kind} file {os.fsencode(path).decode(errors='replace')} {problem}")
