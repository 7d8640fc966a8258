"""The settings: normalized, completed, validated."""

import copy
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import InitVar, dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytz  # type: ignore[import-untyped]
from airbyte_cdk.sources.declarative.models.declarative_component_schema import Spec
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)

from source_sms_providers.errors import config_error
from source_sms_providers.parsing import UNSTORABLE

EARLIEST_START = date(2000, 1, 1)
"""Before the providers existed; each day since the start date may cost a request."""
EXTRA_COUNTRY_CODES = ("AC", "AN", "XK")
"""Codes in use for countries, and in price lists, that ISO 3166 does not list (any more)."""
MAX_SHOWN_CHARACTERS = 60


def normalize(config: Mapping[str, Any], specification: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as the `spec` of the manifest normalizes and completes them."""
    normalized = copy.deepcopy(dict(config))
    ModelToComponentFactory().create_component(Spec, specification, {}).transform_config(normalized)
    return normalized


@dataclass
class NormalizeConfig(ConfigTransformation):
    """Removes surrounding spaces, trailing slashes of URLs, and settings that are null or empty, as form tools send
    them; writes whole numbers as such and countries in upper case; adds the defaults.
    """

    parameters: InitVar[Mapping[str, Any]]

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._defaults = parameters

    def transform(self, config: MutableMapping[str, Any]) -> None:
        for name in list(config):
            value = _normalized(config[name])
            if name.endswith("_base_url") and isinstance(value, str):
                value = value.rstrip("/")
            if name == "countries" and isinstance(value, list):
                value = [code.upper() if isinstance(code, str) else code for code in value]
            config[name] = value
            if value in (None, "", []):
                del config[name]
        for name, value in self._defaults.items():
            config.setdefault(name, value)


def _normalized(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [inner for inner in map(_normalized, value) if inner not in (None, "")]
    # JSON schema takes 8.0 for a whole number, Python's range does not.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def validate(config: Mapping[str, Any], specification: Mapping[str, Any]) -> None:
    """Checks normalized settings against their JSON schema, and for what it cannot say.

    Raises AirbyteTracedException (config_error) with a sentence for each setting that is wrong.
    """
    errors = list(jsonschema.Draft7Validator(specification).iter_errors(config))
    problems = [_schema_problem(error, specification["properties"]) for error in errors]
    problems += _problems(_well_formed(config, errors), config.keys(), specification)
    if problems:
        raise config_error(" ".join(dict.fromkeys(problems)))


def _well_formed(config: Mapping[str, Any], errors: Iterable[jsonschema.ValidationError]) -> dict[str, Any]:
    """The settings, and the entries of lists, that the schema accepts: only of these can more be said."""
    wrong = {tuple(error.path) for error in errors}
    return {
        name: [entry for n, entry in enumerate(value) if (name, n) not in wrong] if isinstance(value, list) else value
        for name, value in config.items()
        if (name,) not in wrong
    }


def credentials(specification: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """Setting -> title of the secrets of each provider, by the provider's group in the form."""
    found = defaultdict[str, dict[str, str]](dict)
    for name, setting in specification["properties"].items():
        if setting.get("airbyte_secret"):
            found[setting["group"]][name] = setting["title"]
    return found


def _problems(config: Mapping[str, Any], given: Collection[str], specification: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong beyond the schema in well-formed settings; `given` are the names of all."""
    providers = credentials(specification).values()
    if not any(titles.keys() & {*given} for titles in providers):
        yield f"Enter the {', or the '.join(' and the '.join(titles.values()) for titles in providers)}."
    for titles in providers:
        missing = [title for name, title in titles.items() if name not in given]
        if 0 < len(missing) < len(titles):
            yield f"The {' and the '.join(missing)} is missing. Enter it, or remove the provider's other credentials."
        for name, title in titles.items():
            key = config.get(name, "")
            # Anything else cannot be sent in a header, and the error of the HTTP library would show it.
            if not (key.isascii() and key.isprintable()) or " " in key:
                yield f"The {title} contains a space or an invalid character. Copy it again."
    if UNSTORABLE.search(config.get("seven_label", "")):
        yield "The 'seven.io label' contains an invalid character. Type it again."
    unknown = countries_of(config).difference(pytz.country_names, EXTRA_COUNTRY_CODES)
    if unknown:
        yield f"'Countries': {', '.join(sorted(unknown))} is not an ISO 3166 country code. Correct or remove it."
    if "start_date" not in config:
        return
    try:
        start = date.fromisoformat(config["start_date"])
    except ValueError:
        yield f"'Start date': {config['start_date']} is not a valid date."
        return
    if start < EARLIEST_START:
        yield f"'Start date': {start} is too early. Enter {EARLIEST_START} or a later day."
    # Tomorrow in UTC is today already in the east.
    if start > datetime.now(timezone.utc).date() + timedelta(days=1):
        yield f"'Start date': {start} is in the future. Enter today's date or an earlier day."


def _schema_problem(error: jsonschema.ValidationError, properties: Mapping[str, Any]) -> str:
    if error.validator == "required":
        missing = next(properties[name] for name in error.validator_value if name not in error.instance)
        return f"'{missing['title']}' is missing. It must be {_requirement(missing)}."
    name, *place_in_list = error.path
    setting = properties[name]
    # Keys are secret, and a URL may hold one.
    is_secret = setting.get("airbyte_secret") or name.endswith("_base_url")
    value = "it" if is_secret else repr(error.instance)[:MAX_SHOWN_CHARACTERS]
    return f"'{setting['title']}': {value} must be {_requirement(setting['items'] if place_in_list else setting)}."


def _requirement(setting: Mapping[str, Any]) -> str:
    """What a setting must be, whichever part of it a value breaks."""
    if "enum" in setting:
        return f"one of {', '.join(setting['enum'])}"
    if "pattern" in setting:
        return f"a text like {setting['pattern_descriptor']}"
    if "minimum" in setting:
        return f"a whole number from {setting['minimum']} to {setting['maximum']}"
    requirements = {"string": "a text", "boolean": "true or false", "array": "a list", "number": "a number above 0"}
    return requirements[setting["type"]]


def countries_of(config: Mapping[str, Any]) -> set[str]:
    """The codes of the countries that the settings limit streams to, in upper case; none if they do not."""
    return set(config.get("countries", ()))
