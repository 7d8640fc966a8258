"""The program and the Terraform file of examples/ ask a self-managed Airbyte for what its published API takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hcl2
import jsonschema
import pytest
import yaml

REPOSITORY = Path(__file__).parent.parent
METADATA = yaml.safe_load((REPOSITORY / "metadata.yaml").read_text(encoding="utf-8"))["data"]
MANIFEST = yaml.safe_load((REPOSITORY / "source_sms_providers/manifest.yaml").read_text(encoding="utf-8"))
CONFIG = {"start_date": "2026-01-01", "seven_api_key": "key-of-the-test", "countries": ["DE"]}
DEFINITION = {
    "name": "SMS Providers",
    "dockerRepository": METADATA["dockerRepository"],
    "dockerImageTag": METADATA["dockerImageTag"],
    "documentationUrl": METADATA["documentationUrl"],
}
SOURCE = {"name": "SMS Providers", "workspaceId": "w-1", "definitionId": "d-1", "configuration": CONFIG}
CONNECTION = {
    "name": "SMS Providers",
    "sourceId": "s-1",
    "destinationId": "to-1",
    "namespaceDefinition": "custom_format",
    "namespaceFormat": "sms_shop",
    "schedule": {"scheduleType": "cron", "cronExpression": "0 17 6 * * ? UTC"},
    "configurations": {
        "streams": [
            {"name": "balance", "syncMode": "incremental_deduped_history"},
            {"name": "analytics", "syncMode": "incremental_deduped_history"},
        ]
    },
}
ANSWERS: dict[str, Any] = {
    "POST /api/public/v1/applications/token": {"access_token": "t-1", "token_type": "Bearer", "expires_in": 180},
    "POST /api/public/v1/workspaces/w-1/definitions/sources": {"id": "d-1", **DEFINITION},
    "POST /api/public/v1/sources": {"sourceId": "s-1"},
    "GET /api/public/v1/streams?sourceId=s-1&destinationId=to-1": [
        {"streamName": "analytics", "syncModes": ["incremental_deduped_history"]},
        {"streamName": "balance", "syncModes": ["incremental_deduped_history"]},
        {"streamName": "not_suggested", "syncModes": ["incremental_deduped_history"]},
    ],
    "POST /api/public/v1/connections": {"connectionId": "c-1"},
}


class FakeAirbyte(ThreadingHTTPServer):
    """Answers what the program asks, and keeps it: (method and path, Authorization, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeAirbyte.Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str | None, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        server: FakeAirbyte

        def answer(self) -> None:
            what = f"{self.command} {self.path}"
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
            self.server.asked.append((what, self.headers["Authorization"], body))
            self.send_response(200 if what in ANSWERS else 404)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWERS.get(what)).encode())

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            pass


@pytest.fixture
def airbyte() -> Iterator[FakeAirbyte]:
    with FakeAirbyte() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def run_program(airbyte: FakeAirbyte, folder: Path, **named: str) -> str:
    """What it prints, in a copy of the repository with settings in secrets/."""
    (folder / "examples").mkdir()
    (folder / "secrets").mkdir()
    shutil.copy(REPOSITORY / "examples/self_managed_airbyte.py", folder / "examples")
    shutil.copy(REPOSITORY / "metadata.yaml", folder)
    (folder / "secrets/config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    yours = {"CLIENT_ID": "id-1", "CLIENT_SECRET": "secret-1"}
    places = {"WORKSPACE_ID": "w-1", "DESTINATION_ID": "to-1", "SCHEMA": "sms_shop"}
    return subprocess.run(
        [sys.executable, folder / "examples/self_managed_airbyte.py"],
        env={**os.environ, "AIRBYTE": airbyte.url, "NO_PROXY": "*", **yours, **places, **named},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_given_keys_when_the_program_runs_then_airbyte_has_a_connection(airbyte, tmp_path):
    printed = run_program(airbyte, tmp_path)

    grant = {"client_id": "id-1", "client_secret": "secret-1", "grant-type": "client_credentials"}
    assert airbyte.asked == [
        ("POST /api/public/v1/applications/token", None, grant),
        ("POST /api/public/v1/workspaces/w-1/definitions/sources", "Bearer t-1", DEFINITION),
        ("POST /api/public/v1/sources", "Bearer t-1", SOURCE),
        ("GET /api/public/v1/streams?sourceId=s-1&destinationId=to-1", "Bearer t-1", None),
        ("POST /api/public/v1/connections", "Bearer t-1", CONNECTION),
    ]
    assert printed.splitlines() == [
        "Definition d-1",
        "Source s-1",
        "Connection c-1: 2 streams, every day at 6:17 UTC",
    ]


def test_given_a_definition_when_the_program_runs_then_the_source_is_of_it(airbyte, tmp_path):
    run_program(airbyte, tmp_path, DEFINITION_ID="d-1")

    assert [what for what, _, _ in airbyte.asked if "definitions" in what] == []
    assert ("POST /api/public/v1/sources", "Bearer t-1", SOURCE) in airbyte.asked


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("CreateDefinitionRequest", DEFINITION),
        # Airbyte's client takes any configuration for that of a connector it knows.
        ("SourceCreateRequest", {**SOURCE, "configuration": {"sourceType": "airtable"}}),
        ("ConnectionCreateRequest", CONNECTION),
    ],
)
def test_given_the_models_of_airbytes_client_then_they_know_each_field_of_a_body(model, body):
    models, utils = pytest.importorskip("airbyte_api.models"), pytest.importorskip("airbyte_api.utils")
    kind = getattr(models, model)

    known = json.loads(utils.marshal_json(utils.unmarshal_json(json.dumps(body), kind), kind))

    assert {name: known.get(name) for name in body} == body


def test_given_the_configuration_of_the_source_then_the_form_accepts_it():
    jsonschema.validate(CONFIG, MANIFEST["spec"]["connection_specification"])


# The Terraform file


@pytest.fixture(scope="module")
def terraform() -> dict[str, Any]:
    """The file, without the quotes of its texts: kind of block -> name -> arguments, of resources by their kind."""
    options = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
    with (REPOSITORY / "examples/many_accounts.tf").open(encoding="utf-8") as file:
        return hcl2.load(file, serialization_options=options)


def test_given_the_terraform_file_then_its_streams_are_the_suggested_ones(terraform):
    suggested: dict[str, list[str]] = {"seven": [], "smsfactor": []}
    for stream in (stream["$ref"] for group in MANIFEST["streams"] for stream in group["streams"]):
        _, _, provider, _, name = stream.split("/")
        suggested[provider] += [name] if name in METADATA["suggestedStreams"]["streams"] else []

    assert terraform["locals"] == [{"streams": suggested}]


def test_given_the_terraform_file_when_it_is_read_then_it_adds_what_the_program_adds(terraform):
    definition, sources, connections = terraform["resource"]

    assert definition["airbyte_source_definition"]["sms_providers"] == {
        "workspace_id": "${var.workspace_id}",
        "name": DEFINITION["name"],
        "docker_repository": DEFINITION["dockerRepository"],
        "docker_image_tag": DEFINITION["dockerImageTag"],
        "documentation_url": DEFINITION["documentationUrl"],
    }
    assert sources["airbyte_source"]["account"] == {
        "for_each": "${var.accounts}",
        "workspace_id": "${var.workspace_id}",
        "definition_id": "${airbyte_source_definition.sms_providers.id}",
        "name": "SMS account ${each.key}",
        "configuration": "${jsonencode(merge(each.value.settings, var.keys[each.key]))}",
    }
    connection = connections["airbyte_connection"]["account"]
    assert connection["for_each"] == "${var.accounts}"
    assert connection["source_id"] == "${airbyte_source.account[each.key].source_id}"
    assert connection["namespace_format"] == "sms_${each.key}"
    assert 'sync_mode = "incremental_deduped_history"' in connection["configurations"]["streams"]


def test_given_the_terraform_file_then_terraform_shows_no_key_in_a_plan(terraform):
    hidden = [name for block in terraform["variable"] for name, said in block.items() if said.get("sensitive")]

    assert hidden == ["client_secret", "keys"]
