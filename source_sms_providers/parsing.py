"""Strict parsing of responses: anything that the API does not promise is an error, never zero records.

Both APIs are PHP: numbers and booleans come as strings in places, an empty map comes as `[]`. The samples in the
vendors' documentation show both.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import unexpected_response_error

LOGGER = logging.getLogger("airbyte")

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
"""A number in a text. PHP writes small ones as `5.6843418860808E-14`, and whole ones as `1.0E+25`."""
TOO_LARGE = 2**63
"""The first whole number that fits no destination's column."""
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What JSON can write and destinations cannot store: NUL, and one half of a character beyond U+FFFF."""
UNSTORABLE_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
REPLACEMENT = "\ufffd"


class FieldReader:
    """Reads the values of one response. Every error contains the provider, the endpoint and the field."""

    def __init__(self, provider: str, response: requests.Response) -> None:
        url = urlsplit(response.request.url or "")
        self._provider = provider
        # A response that our requester received names its endpoint: an account id may stand in the path.
        self._endpoint = getattr(response, "endpoint", url.path)
        # Without decoding, which takes as long as reading a row: dates need none.
        self.query = dict(pair.partition("=")[::2] for pair in url.query.split("&"))
        """The query parameters as they were sent, so that a row can be compared with the request."""

    def reject(self, problem: str) -> NoReturn:
        raise unexpected_response_error(self._provider, self._endpoint, problem)

    def mapping(self, value: Any, name: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.reject(f"{name} is {json_type_name(value)} where an object is due")
        return value

    def sequence(self, value: Any, name: str) -> Sequence[Any]:
        if not isinstance(value, list):
            self.reject(f"{name} is {json_type_name(value)} where a list is due")
        return value

    def field(self, holder: Mapping[str, Any], key: str, name: str) -> Any:
        if key not in holder:
            self.reject(f"{name} has no '{key}'")
        return holder[key]

    def optional(self, holder: Mapping[str, Any], key: str, name: str) -> Any:
        """A field without which the others are right all the same; None, with a warning, if it is not sent."""
        if key not in holder:
            self.warn_of_missing(key, name)
        return holder.get(key)

    def descriptive(self, holder: Mapping[str, Any], key: str, name: str, read: Callable[[Any, str], Any]) -> Any:
        """A field that only describes a row: null, with a warning, where it is missing or unreadable."""
        value = self.optional(holder, key, name)
        try:
            return None if value is None else read(value, key)
        except AirbyteTracedException:
            LOGGER.warning(
                "%s sends an unexpected '%s' in its %s: the column stays empty. Update the connector.",
                *(self._provider, key, name),
            )
            return None

    def if_sent(self, holder: Mapping[str, Any], key: str, name: str, read: Callable[[Any, str], Any]) -> Any:
        """A descriptive field that an older shape lacks: null where it is missing, with a warning where unreadable."""
        return self.descriptive(holder, key, name, read) if key in holder else None

    def warn_of_missing(self, key: str, name: str) -> None:
        LOGGER.warning("%s sends no '%s' in its %s: the column stays empty.", self._provider, key, name)

    def warn_of_unknown(self, holder: Mapping[str, Any], known: Set[str], name: str) -> None:
        """Names the fields that no column is made of."""
        if not holder.keys() <= known:
            LOGGER.warning(
                "%s sends %s in its %s, which this connector does not know and leaves out. Update the connector.",
                self._provider,
                ", ".join(sorted(holder.keys() - known)),
                name,
            )

    def number(self, value: Any, name: str) -> int | float:
        """A number that a destination can hold, also where it comes as a string: `12`, `0.075`, `"44.6310"`."""
        if isinstance(value, str) and NUMBER.fullmatch(value):
            value = Decimal(value)
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            self.reject(f"{name} is {json_type_name(value)} where a number is due")
        if not abs(value) < TOO_LARGE:
            self.reject(f"{name} is a number too large for any destination")
        return to_json_number(value) if isinstance(value, Decimal) else value

    def optional_number(self, holder: Mapping[str, Any], key: str) -> int | float | None:
        """A field's number; None if it is not there, null or empty."""
        return None if holder.get(key) in (None, "") else self.number(holder[key], key)

    def amount(self, value: Any, name: str) -> int | float:
        """A number of at least 0."""
        number = self.number(value, name)
        if number < 0:
            self.reject(f"{name} is negative")
        return number

    def count(self, value: Any, name: str) -> int:
        """A whole number of at least 0."""
        number = self.amount(value, name)
        if number != int(number):
            self.reject(f"{name} is a fraction where a whole number is due")
        return int(number)

    def text(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            self.reject(f"{name} is {json_type_name(value)} where a text is due")
        return value

    def optional_text(self, value: Any, name: str) -> str | None:
        return None if value is None else self.text(value, name)

    def php_text(self, value: Any, name: str) -> str:
        """A text in a form that PHP may give it: a whole number for digits, null or false for an empty one."""
        if value is None or value is False:
            return ""
        return str(value) if type(value) is int else self.text(value, name)

    def descriptions(self, value: Any, name: str) -> list[str] | None:
        """A list of texts in a form that PHP may give it: an object whose keys are indexes, or a single text."""
        if value is False:
            return None
        if isinstance(value, dict) and all(key.isdigit() for key in value):
            value = list(value.values())
        if not isinstance(value, list):
            text = self.php_text(value, name)
            return [text] if text else []
        return [self.php_text(each, name) for each in value]

    def description(self, value: Any, name: str) -> str | None:
        """A text that only describes; PHP writes one that is missing as false in places."""
        return None if value is False else self.php_text(value, name)

    def boolean(self, value: Any, name: str) -> bool:
        """A boolean, also where it comes as `0`, `1`, `"0"` or `"1"`."""
        if isinstance(value, bool) or value in (0, 1, "0", "1"):
            return bool(int(value))
        self.reject(f"{name} is {json_type_name(value)} where a yes or no is due")


def parse_strict_json(body: bytes) -> Any:
    """Parses a body that is one JSON document in UTF-8, with or without a byte order mark.

    Texts come as a destination can store them (`replace_unstorable`). Raises ValueError for anything else, also
    for what Python's parser lets pass: NaN, Infinity and an object that names a key twice.
    """
    value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    # Looking through the bytes costs a fiftieth of the parsing; looking through each value, more than all of it.
    return replace_unstorable(value) if UNSTORABLE_ESCAPE.search(body) else value


def replace_unstorable(value: Any) -> Any:
    """A JSON value with U+FFFD for each character of its texts and keys that no destination stores.

    Keys of one object that become equal stay distinct: another U+FFFD is appended to the later one.
    """
    if isinstance(value, str):
        return UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [replace_unstorable(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    mapping: dict[str, Any] = {}
    for key, inner in value.items():
        name = replace_unstorable(key)
        while name in mapping:
            name += REPLACEMENT
        mapping[name] = replace_unstorable(inner)
    return mapping


def to_json_number(number: Decimal) -> int | float:
    """The JSON number nearest to a decimal: `0.3`, not `0.30000000000000004`."""
    return int(number) if number == number.to_integral_value() else float(number)


def to_decimal(number: int | float) -> Decimal:
    """The decimal a JSON number was written as."""
    return Decimal(repr(number))


def json_type_name(value: Any) -> str:
    """Names a JSON value without showing it: it can be personal data."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("an object names a key twice")
    return mapping
