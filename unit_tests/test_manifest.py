from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import jsonschema
import pytest
import yaml

from source_sms_providers.config import credentials
from source_sms_providers.source import MANIFEST, SourceSmsProviders
from unit_tests.connector import config

REPOSITORY = Path(__file__).parents[1]
SCHEMAS = sorted((REPOSITORY / "schemas").glob("*.json"))
READ_ENDPOINTS = {
    "/balance",
    "/pricing",
    "/analytics",
    "/credits",
    "/metrics/consumption",
    "/subaccounts",
    "/sub-accounts",
}
KEYS = {
    "balance": ["date"],
    "pricing": ["date", "country_code", "mcc", "network_name"],
    "analytics": ["date"],
    "analytics_by_country": ["date", "country"],
    "analytics_by_label": ["date", "label"],
    "analytics_by_subaccount": ["date", "account"],
    "analytics_by_subaccount_and_country": ["date", "account_id", "country"],
    "subaccount_balances": ["date", "account_id"],
    "credits": ["date"],
    "consumption": ["date", "account_id", "country"],
    "subaccount_credits": ["date", "account_id"],
}


@cache
def manifest() -> dict[str, Any]:
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


@cache
def resolved_manifest() -> Mapping[str, Any]:
    """What the CDK makes of the streams: references resolved, parameters handed down."""
    return SourceSmsProviders(config=config()).resolved_manifest["streams"]


def declared_streams() -> dict[str, dict[str, Any]]:
    definitions = manifest()["definitions"]
    return {**definitions["seven"]["streams"], **definitions["smsfactor"]["streams"]}


def settings() -> dict[str, dict[str, Any]]:
    return manifest()["spec"]["connection_specification"]["properties"]


def mappings(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping in the manifest."""
    if isinstance(node, Mapping):
        yield node
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for child in children:
        yield from mappings(child)


def test_given_the_manifest_then_it_is_ascii_for_any_encoding_of_the_locale():
    assert MANIFEST.read_bytes().isascii()


# Requests


def test_given_the_manifest_then_every_method_is_get():
    assert {node["http_method"] for node in mappings(manifest()) if "http_method" in node} == {"GET"}


def test_given_the_manifest_then_only_endpoints_that_read_are_requested():
    urls = [node["url"] for node in mappings(manifest()["definitions"]) if "url" in node]

    assert {url.rpartition("}}")[2] for url in urls} == READ_ENDPOINTS


def test_given_the_manifest_then_no_key_is_sent_in_a_query():
    parameters = [node["request_parameters"] for node in mappings(manifest()) if "request_parameters" in node]

    assert parameters
    assert not re.search("api_key|api_token", json.dumps(parameters))


def test_given_the_manifest_then_every_requester_is_the_one_that_only_reads():
    requesters = [node for node in mappings(manifest()) if "http_method" in node]

    assert {node["class_name"] for node in requesters} == {"source_sms_providers.http.requester.ReadOnlyRequester"}


def test_given_a_component_of_ours_then_it_declares_only_what_its_class_has():
    """The CDK drops the rest in silence."""
    components = [node for node in mappings(resolved_manifest()) if "class_name" in node]

    assert components
    for component in components:
        module, _, name = component["class_name"].rpartition(".")
        known = get_type_hints(getattr(import_module(module), name)).keys()
        declared = component.keys() - {"type", "class_name", "$parameters"} - component.get("$parameters", {}).keys()
        assert declared - known == set(), component["class_name"]


# Streams


def test_given_the_manifest_then_it_offers_the_streams():
    offered = [reference["$ref"] for group in manifest()["streams"] for reference in group["streams"]]

    assert {reference.rpartition("/")[2] for reference in offered} == set(KEYS) == set(declared_streams())


@pytest.mark.parametrize("stream", KEYS)
def test_given_a_stream_then_it_has_its_primary_key(stream):
    assert declared_streams()[stream]["primary_key"] == KEYS[stream]


def test_given_the_manifest_then_every_cursor_is_the_date():
    cursors = [node for node in mappings(manifest()) if node.get("type") == "DatetimeBasedCursor"]

    assert {cursor["cursor_field"] for cursor in cursors} == {"date"}


def test_given_the_connection_test_then_it_names_a_stream_of_each_provider():
    assert manifest()["check"] == {"type": "CheckStream", "stream_names": ["analytics", "consumption"]}


def test_given_the_connection_test_then_it_reads_streams_without_own_permission():
    streams = (stream for group in resolved_manifest() for stream in group["streams"])

    assert {stream["name"] for stream in streams if not stream["retriever"].get("is_checked", True)} == {
        "analytics_by_subaccount_and_country",
        "subaccount_balances",
        "subaccount_credits",
    }


def test_given_the_manifest_then_it_declares_no_concurrency_to_the_cdk():
    assert "concurrency_level" not in manifest()


# Settings


def test_given_the_settings_then_they_are_a_valid_schema():
    jsonschema.Draft7Validator.check_schema(manifest()["spec"]["connection_specification"])


def test_given_the_settings_then_only_the_start_date_is_required():
    assert manifest()["spec"]["connection_specification"]["required"] == ["start_date"]


def test_given_the_settings_then_only_what_is_for_tests_is_hidden():
    assert {name for name, setting in settings().items() if setting.get("airbyte_hidden")} == {
        "seven_base_url",
        "requests_per_second",
        "max_outage_seconds",
    }


@pytest.mark.parametrize("name", ["requests_per_second", "max_outage_seconds"])
def test_given_a_hidden_setting_with_a_computed_default_then_a_form_sends_none(name):
    assert "default" not in settings()[name]


def test_given_the_groups_of_the_providers_then_they_state_that_one_is_enough():
    groups = manifest()["spec"]["connection_specification"]["groups"]

    assert [group["id"] for group in groups if "one of the two providers is enough" in group["title"]] == [
        "seven",
        "smsfactor",
    ]


def test_given_the_settings_then_only_the_keys_are_secret():
    assert {name for name, setting in settings().items() if setting.get("airbyte_secret")} == {
        "seven_api_key",
        "smsfactor_api_token",
    }


def test_given_the_streams_then_each_condition_names_all_credentials_of_one_provider():
    providers = credentials(manifest()["spec"]["connection_specification"]).values()
    conditions = [set(re.findall(r"'(\w+)'", group["condition"])) for group in manifest()["streams"]]

    assert conditions == [set(titles) for titles in providers]


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("https://gateway.seven.io/api", True),
        ("https://api.whitelabel.example", True),
        ("http://localhost:8400/api", True),
        ("http://127.0.0.1:8400", True),
        ("http://[::1]:8400", True),
        ("http://gateway.seven.io/api", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://user@evil.example", False),
        ("https://evil.example/?a=b", False),
        ("ftp://localhost", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("name", ["seven_base_url", "smsfactor_base_url"])
def test_given_a_base_url_then_keys_travel_encrypted_or_stay_on_this_machine(name, url, valid):
    assert bool(re.search(settings()[name]["pattern"], url)) is valid


# Schemas


def schema(stream: str) -> dict[str, Any]:
    return json.loads((REPOSITORY / "schemas" / f"{stream}.json").read_text(encoding="utf-8"))


def test_given_the_schemas_then_there_is_one_a_stream():
    assert {path.stem for path in SCHEMAS} == set(KEYS)


@pytest.mark.parametrize("stream", KEYS)
def test_given_a_schema_then_it_is_valid_draft_07_and_open_to_new_fields(stream):
    jsonschema.Draft7Validator.check_schema(schema(stream))

    assert schema(stream)["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema(stream)["additionalProperties"] is True


@pytest.mark.parametrize("stream", KEYS)
def test_given_a_schema_then_it_and_each_field_are_described(stream):
    assert schema(stream)["description"].endswith(".")
    assert all(field["description"].endswith(".") for field in schema(stream)["properties"].values())


@pytest.mark.parametrize("stream", KEYS)
def test_given_a_schema_then_the_key_cannot_be_null_and_the_rest_can(stream):
    never_null = {name for name, field in schema(stream)["properties"].items() if "null" not in field["type"]}

    assert never_null == set(KEYS[stream])


def test_given_the_components_then_their_fields_can_be_read_on_python_3_10():
    """There a field that is not kept (InitVar) must not be a text, as `from __future__ import annotations` makes it."""
    for name in set(re.findall(r"class_name: (source_sms_providers\.\S+)", MANIFEST.read_text(encoding="ascii"))):
        module, _, of_class = name.rpartition(".")
        for each in getattr(import_module(module), of_class).__mro__:
            if each.__module__.startswith("source_sms_providers"):
                hints = vars(each).get("__annotations__", {})
                assert [field for field, hint in hints.items() if isinstance(hint, str) and "InitVar" in hint] == [], (
                    each
                )
