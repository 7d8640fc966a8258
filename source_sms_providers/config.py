from collections.abc import Collection, Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytz  # type: ignore[import-untyped]
from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)

from source_sms_providers.errors import config_error
from source_sms_providers.parsing import UNSTORABLE

KEYS = {"seven.io API key": "seven_api_key", "SMSFactor API token": "smsfactor_api_token"}
EARLIEST_START = date(2000, 1, 1)
"""Before both providers; each day since the start date takes requests."""
BESIDE_ISO_3166 = ("XK",)
"""Kosovo, as everybody writes it."""
OFTEN_MEANT = {"EL": "GR", "EN": "GB", "UK": "GB"}
"""Codes of languages, or of the European Union, that are taken for a country's."""


@dataclass
class NormalizeConfig(ConfigTransformation):
    """Makes settings what all else relies on: no blanks around a text, no slash at the end of a URL, whole numbers as
    such, nothing that is null or empty, and the defaults in place of what is not there.

    Tools that fill in settings send null or `""` for one that is not set, and `"FR\\n"` would select nothing, in
    silence.
    """

    parameters: InitVar[Mapping[str, Any]]

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._defaults = parameters

    def transform(self, config: MutableMapping[str, Any]) -> None:
        for name in list(config):
            config[name] = tidied(config[name])
            if name.endswith("_base_url") and isinstance(config[name], str):
                config[name] = config[name].rstrip("/")
            if config[name] in (None, "", []):
                del config[name]
        for name, value in self._defaults.items():
            config.setdefault(name, value)


def tidied(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [inner for inner in map(tidied, value) if inner not in (None, "")]
    # JSON schema takes 8.0 for a whole number, a range of Python does not.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def validate(config: Mapping[str, Any], specification: Mapping[str, Any]) -> None:
    """Refuses tidy settings that nothing can be read with, but for countries (`unknown_countries`).

    `specification` is their JSON schema, which knows neither the calendar nor "one of two". Raises
    AirbyteTracedException (config_error) with a sentence that names the setting.
    """
    if error := next(jsonschema.Draft7Validator(specification).iter_errors(config), None):
        raise config_error(_in_words(error, specification["properties"]))
    keys = {title: config.get(name, "") for title, name in KEYS.items()}
    if not any(keys.values()):
        raise config_error(
            "Enter a seven.io API key or an SMSFactor API token, or both: without one there is nothing to read."
        )
    for title, key in keys.items():
        # Anything else cannot be sent in a header, and the error of the HTTP library would show it.
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise config_error(f"The {title} holds a blank or another character that no key has. Copy it again.")
    if UNSTORABLE.search(config.get("seven_label", "")):
        raise config_error("The 'seven.io label' holds a character that cannot be sent. Type it anew.")
    try:
        start = date.fromisoformat(config["start_date"])
    except ValueError:
        raise config_error("The 'Start date' is no day of the calendar. Enter one as YYYY-MM-DD.") from None
    if start < EARLIEST_START:
        raise config_error(f"The 'Start date' is too early. Enter {EARLIEST_START} or a later day.")
    # Tomorrow in UTC is today already in the east.
    if start > datetime.now(timezone.utc).date() + timedelta(days=1):
        raise config_error("The 'Start date' is in the future. Enter today's date or an earlier one.")


def _in_words(error: jsonschema.ValidationError, properties: Mapping[str, Any]) -> str:
    if error.validator == "required":
        setting = next(properties[name] for name in error.validator_value if name not in error.instance)
        return f"The '{setting['title']}' is missing. It must be {_rule(setting)}."
    name, *place_in_list = error.path
    setting = properties[name]
    if place_in_list:
        return f"Each of the '{setting['title']}' must be {_rule(setting['items'])}."
    return f"The '{setting['title']}' must be {_rule(setting)}."


def _rule(setting: Mapping[str, Any]) -> str:
    """What a setting must be, whichever part of it a value breaks."""
    if "enum" in setting:
        return f"one of {', '.join(setting['enum'])}"
    if "pattern" in setting:
        return f"a text like {setting['pattern_descriptor']}"
    if "minimum" in setting:
        return f"a whole number from {setting['minimum']} to {setting['maximum']}"
    return {"string": "a text", "boolean": "true or false", "array": "a list", "number": "a number above 0"}[
        setting["type"]
    ]


def countries_of(config: Mapping[str, Any]) -> set[str]:
    """The codes of the countries that the settings limit streams to, in upper case; none if they do not."""
    return {code.upper() for code in config.get("countries", ())}


def unknown_countries(config: Mapping[str, Any]) -> set[str]:
    """The codes in the settings that ISO 3166 does not list, in upper case. A provider may know them all the same."""
    return countries_of(config).difference(pytz.country_names, BESIDE_ISO_3166)


def refuse_countries(codes: Collection[str]) -> None:
    """Raises AirbyteTracedException (config_error) if there are codes that nobody knows: they would select nothing."""
    if codes:
        unknown = sorted(codes)
        meant = [f"{code} for {pytz.country_names[code]}" for each in unknown for code in _meant(each)]
        perhaps = f"Perhaps you mean {' or '.join(meant)}. " if meant else ""
        raise config_error(
            f"The 'Countries' hold {', '.join(unknown)}, which neither ISO 3166 nor your providers know. {perhaps}"
            "Correct them, or leave 'Countries' empty for all countries."
        )


def _meant(code: str) -> Sequence[str]:
    if code in OFTEN_MEANT:
        return [OFTEN_MEANT[code]]
    return [known for known, name in pytz.country_names.items() if name.upper().startswith(code)]
