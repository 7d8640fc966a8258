from __future__ import annotations

from typing import Any

import pytest
import yaml

from source_sms_providers.source import MANIFEST
from unit_tests.spec_form import problems


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", "title": "T", "description": "D", "examples": ["a"], **more}


def spec(*, required: tuple[str, ...] = ("name",), **properties: dict[str, Any]) -> dict[str, Any]:
    """A good spec, with properties of one's own behind `name`."""
    named = {"name": text(), **properties}
    return {
        "type": "object",
        "required": list(required),
        "groups": [{"id": "all", "title": "All"}],
        "properties": {
            name: {"group": "all", "order": order, **known} for order, (name, known) in enumerate(named.items())
        },
    }


def choice(*options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return text(**{"type": "object", "examples": [{"kind": "a"}], "oneOf": list(options), **more})


def option(kind: str, **more: Any) -> dict[str, Any]:
    return {"title": kind, "properties": {"kind": {"type": "string", "const": kind}}, **more}


def without(key: str, **known: Any) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name != key}


def test_given_the_settings_then_the_form_shows_them_as_meant():
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))

    assert problems(manifest["spec"]["connection_specification"]) == []


@pytest.mark.parametrize(
    "known",
    [
        text(pattern="^[a-z]$", pattern_descriptor="a letter"),
        text(format="date", pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-01-01"]),
        text(type="boolean", default=False, examples=[True]),
        text(type="array", examples=[["a"]], items=text()),
        choice(option("a"), option("b")),
    ],
    ids=["pattern", "date", "boolean", "list", "choice"],
)
def test_given_a_good_setting_then_there_is_no_problem(known):
    assert problems(spec(other=known)) == []


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (spec(other=without("title", **text())), "other has no title"),
        (spec(other=without("description", **text())), "other has no description"),
        (spec(other=text(examples=[])), "other has no examples"),
        (spec(other=text(order=0)), "the orders are not"),
        (spec(other=text(group="none")), "other is in no declared group"),
        ({**spec(), "groups": [{"id": "all"}, {"id": "more"}]}, "the group more is empty"),
        (spec(required=()), "the group all collapses to its title"),
        (spec(required=("name", "other")), "other is required but not declared"),
        (spec(other=text(type="integer")), "other has an example or default that it refuses"),
        (spec(other=text(default=1)), "other has an example or default that it refuses"),
        (spec(other=text(anyOf=[{}])), "other is shown as a plain text box, for it has anyOf"),
        (spec(other=text(allOf=[{}])), "other is shown as a plain text box, for it has allOf"),
        (spec(other=text(**{"not": {"type": "null"}})), "other is shown as a plain text box, for it has not"),
        (spec(other={**text(examples=[]), "$ref": "#/a"}), "other is shown as a plain text box, for it has $ref"),
        (spec(other=text(minLength=1)), "other has minLength, which the form does not check"),
        (spec(other=text(type="array", examples=[["a"]], items=text(), minItems=1)), "other has minItems"),
        (spec(other=text(type="boolean", examples=[True])), "other cannot be submitted untouched"),
        (spec(required=("name", "other"), other=text(type="boolean", examples=[True])), "other cannot be submitted"),
        (spec(api_key=text()), "api_key is shown in clear"),
        (spec(other=text(format="date")), "other has a format, which the form does not check"),
        (spec(other=text(pattern="a", pattern_descriptor="a")), "other has a pattern that is not anchored"),
        (spec(other=text(pattern="^a$")), "other has a pattern that nothing explains"),
        (spec(other=text(type="object", examples=[{}])), "other is a plain object"),
        (spec(other=without("type", **choice(option("a")))), "other breaks the page: a oneOf needs type object"),
        (spec(other=choice(option("a"), option(""))), "other breaks the page: its options share no property"),
        (spec(other=choice(option("a"), {"properties": {}})), "other breaks the page: its options share no property"),
        (spec(other=choice(option("a", required=["id"]))), "other cannot be left empty"),
        (spec(other=text(type="array", examples=[["a"]], items=text(oneOf=[{}]))), "other cannot be added to"),
        (
            spec(other=text(type="array", examples=[["a"]], items=text(airbyte_secret=True))),
            "other shows its secrets in clear",
        ),
        (
            spec(other=text(type="array", examples=[[]], items={"type": "object", "properties": {"token": text()}})),
            "other shows its secrets in clear",
        ),
        (spec(other=text(type="array", examples=[["a"]], items=text(group="all"))), "other[] has a group"),
        (spec(other=text(type="array", examples=[["a"]], items=text(title=""))), "other[] has no title"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_given_a_bad_spec_then_the_problem_is_named(bad, problem):
    assert any(found.startswith(problem) for found in problems(bad)), problems(bad)
