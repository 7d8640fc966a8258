from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timezone
from typing import Any

from airbyte_cdk.models import ConfiguredAirbyteCatalog

from source_sms_providers.errors import config_error

KEYS = {"seven.io API key": "seven_api_key", "SMSFactor API token": "smsfactor_api_token"}


def validate(config: Mapping[str, Any]) -> None:
    """Refuses what the JSON schema of the settings cannot: it knows neither the calendar nor "one of two".

    Raises AirbyteTracedException (config_error).
    """
    keys = {title: (config.get(name) or "").strip() for title, name in KEYS.items()}
    if not any(keys.values()):
        raise config_error(
            "Enter a seven.io API key or an SMSFactor API token, or both: without one there is nothing to read."
        )
    for title, key in keys.items():
        # Anything else cannot be sent in a header, and the error of the HTTP library would show it.
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise config_error(f"The {title} holds a blank or another character that no key has. Copy it again.")
    try:
        start = date.fromisoformat(config["start_date"])
    except ValueError:
        raise config_error("The start date is no day of the calendar. Enter one as YYYY-MM-DD.") from None
    if start > datetime.now(timezone.utc).date():
        raise config_error("The start date is in the future. Enter today's date or an earlier one.")


def validate_catalog(catalog: ConfiguredAirbyteCatalog, offered: Collection[str]) -> None:
    """Refuses a connection that selects what the settings hold no key for: it would sync nothing, in silence."""
    selected = [stream.stream.name for stream in catalog.streams]
    if missing := [name for name in selected if name not in offered]:
        raise config_error(
            f"The connection selects {', '.join(missing)}, for which the settings hold no key. Enter the key, or leave "
            "these streams out of the connection."
        )
