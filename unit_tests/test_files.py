from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteStateMessageSerializer, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.files import read_catalog, read_config, read_state

SETTINGS = {"start_date": "2026-01-01", "seven_label": "Rechnung/März"}
READ = {"date": "2026-03-09", "written": {"2026-03-09": [[["DE"], [1, 2]]]}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def refusal(read: Any, file: Path) -> str:
    """The sentence after the name of the file."""
    with pytest.raises(AirbyteTracedException) as raised:
        read(str(file))
    assert raised.value.failure_type is FailureType.config_error
    assert f" file {file} " in raised.value.message
    return raised.value.message.partition(f" file {file} ")[2]


# Any of the files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_given_utf_8_with_or_without_its_mark_when_read_then_the_text_is_the_same(file, encoding):
    file.write_text(json.dumps(SETTINGS, ensure_ascii=False), encoding=encoding)

    assert read_config(str(file)) == SETTINGS


@pytest.mark.parametrize("read", [read_config, read_catalog, read_state])
def test_given_a_comma_too_many_when_read_then_the_place_is_named(file, read):
    file.write_text('{\n  "a": 1,\n}')

    problem = refusal(read, file)

    # Python 3.13 points at the comma, earlier ones at what follows it.
    assert re.fullmatch(r"is not valid JSON: .+ at line (2, column 9|3, column 1)\. Correct it\.", problem)


@pytest.mark.parametrize("read", [read_config, read_catalog, read_state])
def test_given_no_file_when_read_then_the_error_reports_it(file, read):
    assert refusal(read, file) == "cannot be read: No such file or directory. Check its path."


@pytest.mark.parametrize("read", [read_config, read_catalog, read_state])
@pytest.mark.parametrize(
    "body",
    [b'{"a": "\xe4"}', b"[" * 100_000, '{"a": 1}'.encode("utf-16")],
    ids=["Latin letters", "no end of brackets", "UTF-16"],
)
def test_given_a_file_that_is_not_json_when_read_then_it_is_rejected(file, read, body):
    file.write_bytes(body)

    assert refusal(read, file) == "is not valid JSON in UTF-8. Correct it."


@pytest.mark.parametrize("read", [read_config, read_catalog])
@pytest.mark.parametrize("body", ["", " \n"])
def test_given_an_empty_file_when_read_then_the_error_reports_it(file, read, body):
    file.write_text(body)

    assert refusal(read, file) == "is empty. Fill it in."


# Settings


def test_given_settings_that_are_a_list_when_read_then_they_are_rejected(file):
    file.write_text("[]")

    assert refusal(read_config, file) == "is not a JSON object. Correct it."


# Catalog


@pytest.mark.parametrize(
    "catalog",
    [
        [],
        {"type": "CATALOG", "catalog": {"streams": []}},
        {"streams": [{"name": "balance", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}]},
    ],
    ids=["a list", "a message", "streams that are not configured"],
)
def test_given_an_invalid_configured_catalog_when_read_then_it_is_rejected(file, catalog):
    file.write_text(json.dumps(catalog))

    assert refusal(read_catalog, file).startswith("is not a configured catalog. ")


# State


def of_stream(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}


@pytest.mark.parametrize(
    "saved",
    [
        [of_stream("analytics", READ)],
        of_stream("analytics", READ),
        {"type": "STATE", "state": of_stream("analytics", READ)},
        [{"type": "STATE", "state": of_stream("analytics", READ)}],
    ],
    ids=lambda saved: json.dumps(saved)[:60],
)
def test_given_a_state_with_or_without_its_message_then_it_is_that_of_its_stream(file, saved):
    file.write_text(json.dumps(saved), encoding="utf-8-sig")

    [message] = read_state(str(file))

    assert AirbyteStateMessageSerializer.dump(message) == of_stream("analytics", READ)


def test_given_states_of_two_streams_when_read_then_each_is_its_own(file):
    second = {"type": "STATE", "state": of_stream("consumption", {"date": "2026-03-01"})}
    file.write_text(json.dumps([of_stream("analytics", READ), second]))

    assert [AirbyteStateMessageSerializer.dump(message) for message in read_state(str(file))] == [
        of_stream("analytics", READ),
        of_stream("consumption", {"date": "2026-03-01"}),
    ]


@pytest.mark.parametrize("body", ["", "\n", "{}", "[]", "null"])
def test_given_nothing_that_was_saved_when_read_then_there_is_no_state(file, body):
    file.write_text(body)

    assert read_state(str(file)) == []


@pytest.mark.parametrize(
    "saved",
    [
        5,
        "2026-03-09",
        {"date": "2026-03-09"},
        {"analytics": {"cursor": "2026-03-09"}},
        {"analytics": ["date"]},
        {"analytics": "date"},
        {"type": "STATE"},
        {"type": "STREAM"},
        {"type": "RECORD", "record": {}},
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": "analytics"}, "stream_state": 5}},
        {"type": "GLOBAL", "global": {"shared_state": {"cdc": 1}, "stream_states": []}},
        {"type": "LEGACY", "data": {"analytics": READ}},
        {"analytics": READ},
        [of_stream("analytics", READ), 5],
    ],
    ids=json.dumps,
)
def test_given_an_invalid_stream_state_when_read_then_it_is_rejected(file, saved):
    file.write_text(json.dumps(saved))

    assert refusal(read_state, file).startswith("is not a state of this connector. ")
