"""What the form of the Airbyte UI makes of a spec, as rules: the form shows a spec that breaks one wrongly,
or not at all, and no validator of JSON schemas notices.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

EXPLAINED_BY = ("title", "description", "examples")
NOT_CHECKED = ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems")
SHOWN_AS_TEXT = ("anyOf", "allOf", "$ref", "not")
DATE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""The form explains this one by itself."""
SECRET_NAME = re.compile("key|token|password|secret")


def problems(specification: Mapping[str, Any]) -> list[str]:
    """What is wrong with a `connection_specification`, one sentence each; empty if the form can show it."""
    return list(_of_root(specification))


def _of_root(root: Mapping[str, Any]) -> Iterator[str]:
    properties, required = root.get("properties", {}), set(root.get("required", ()))
    groups = [group["id"] for group in root.get("groups", ())]
    for name in sorted(required - properties.keys()):
        yield f"{name} is required but not declared"
    if sorted(known.get("order", -1) for known in properties.values()) != list(range(len(properties))):
        yield "the orders are not 0, 1, 2, …"
    for group in groups:
        members = {name: known for name, known in properties.items() if known.get("group") == group}
        if not members:
            yield f"the group {group} is empty"
        elif not any(name in required or known.get("always_show") for name, known in members.items()):
            yield f"the group {group} collapses to its title: none of it is required or always shown"
    for name, known in properties.items():
        if known.get("group") not in groups:
            yield f"{name} is in no declared group"
        yield from _of_property(name, known, name in required)


def _of_property(name: str, known: Mapping[str, Any], required: bool) -> Iterator[str]:
    for word in EXPLAINED_BY:
        if not known.get(word):
            yield f"{name} has no {word}"
    for value in [*known.get("examples", ()), *([known["default"]] if "default" in known else [])]:
        if not jsonschema.Draft7Validator(known).is_valid(value):
            yield f"{name} has an example or default that it refuses"
    for word in SHOWN_AS_TEXT:
        if word in known:
            yield f"{name} is shown as a plain text box, for it has {word}"
    for word in NOT_CHECKED:
        if word in known:
            yield f"{name} has {word}, which the form does not check"
    if known.get("type") == "boolean" and "default" not in known:
        yield f"{name} cannot be submitted untouched: a boolean needs a default"
    if SECRET_NAME.search(name) and not known.get("airbyte_secret"):
        yield f"{name} is shown in clear: it is no airbyte_secret"
    yield from _of_text(name, known)
    if "oneOf" in known:
        yield from _of_choice(name, known, required)
    elif known.get("type") == "object":
        yield f"{name} is a plain object, whose title is not shown"
    if known.get("type") == "array":
        yield from _of_list(name, known.get("items", {}))


def _of_text(name: str, known: Mapping[str, Any]) -> Iterator[str]:
    pattern = known.get("pattern")
    if known.get("format") and not pattern:
        yield f"{name} has a format, which the form does not check, and no pattern"
    if pattern and not (pattern.startswith("^") and pattern.endswith("$")):
        yield f"{name} has a pattern that is not anchored: the form accepts it anywhere in the text"
    if pattern and pattern != DATE_PATTERN and not known.get("pattern_descriptor"):
        yield f"{name} has a pattern that nothing explains: it needs a pattern_descriptor"


def _of_choice(name: str, known: Mapping[str, Any], required: bool) -> Iterator[str]:
    options = known["oneOf"]
    if known.get("type") != "object":
        yield f"{name} breaks the page: a oneOf needs type object"
    shared = set.intersection(*(set(option.get("properties", {})) for option in options))
    if not any(all(option["properties"][key].get("const") for option in options) for key in shared):
        yield f"{name} breaks the page: its options share no property with a const"
    if not required and options[0].get("required"):
        yield f"{name} cannot be left empty: its first option is chosen, and asks for {options[0]['required'][0]}"
    for option in options:
        for key, inner in option.get("properties", {}).items():
            if "const" not in inner:
                yield from _of_inner(f"{name}.{key}", inner)


def _of_list(name: str, items: Mapping[str, Any]) -> Iterator[str]:
    if "oneOf" in items:
        yield f"{name} cannot be added to: its items have oneOf"
    inner = items.get("properties", {"": items})
    if any(known.get("airbyte_secret") or SECRET_NAME.search(key) for key, known in inner.items()):
        yield f"{name} shows its secrets in clear: secrets cannot be in a list"
    for key, known in inner.items():
        yield from _of_inner(f"{name}[].{key}".rstrip("."), known)


def _of_inner(name: str, known: Mapping[str, Any]) -> Iterator[str]:
    if "group" in known:
        yield f"{name} has a group, which counts at the root only"
    yield from _of_property(name, known, required=False)
