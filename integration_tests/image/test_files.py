"""The files that describe the connector to Airbyte agree with each other and with the connector."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from integration_tests.streams import SUGGESTED

REPOSITORY = Path(__file__).parents[2]


def text(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


METADATA: dict[str, Any] = yaml.safe_load(text("metadata.yaml"))
MANIFEST: dict[str, Any] = yaml.safe_load(text("source_sms_providers/manifest.yaml"))
DATA: dict[str, Any] = METADATA["data"]
DOCKERFILE = text("Dockerfile")
DOCUMENT = text("docs/integrations/sources/sms-providers.md")
TELLING = ("config_error", "transient_error", "InvalidResponse", "LOGGER.warning")
STREAMS = [stream["$ref"].split("/")[-1] for group in MANIFEST["streams"] for stream in group["streams"]]


def test_the_metadata_fits_the_model_of_airbyte() -> None:
    models = pytest.importorskip("airbyte_connector_models.metadata.v0.connector_metadata_definition_v0")
    models.ConnectorMetadataDefinitionV0.model_validate(METADATA)


def test_the_image_is_built_on_the_base_that_the_metadata_names() -> None:
    assert re.findall(r"^ARG BASE_IMAGE=(.+)$", DOCKERFILE, re.M) == [DATA["connectorBuildOptions"]["baseImage"]]


def test_airbytes_pipeline_publishes_nothing_to_the_python_index() -> None:
    assert DATA["remoteRegistries"]["pypi"]["enabled"] is False


def test_no_line_is_what_airbytes_check_takes_for_a_plain_http_request() -> None:
    """Its rules or stricter: it leaves out tests, pictures, and two addresses that are never asked from afar."""
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    files = [
        file
        for file in tracked.splitlines()
        if not {"unit_tests", "integration_tests"} & set(Path(file).parts) and not file.endswith(".svg")
    ]
    lines = [(file, line) for file in files for line in text(file).splitlines() if "# ignore-https-check" not in line]
    harmless = re.compile(r"http://(json-schema\.org|localhost)")
    assert [line for line in lines if "http://" in harmless.sub("", line[1])] == []


@pytest.mark.parametrize(
    ("path", "lines"),
    # A new stream may add ten lines.
    [("CONTRIBUTING.md", 250), ("docs/integrations/sources/sms-providers.md", 340 + 10 * len(STREAMS))],
)
def test_a_page_is_no_longer_than_people_read(path: str, lines: int) -> None:
    assert len(text(path).splitlines()) <= lines


def test_the_name_of_a_test_has_at_most_80_characters() -> None:
    files = subprocess.check_output(["git", "ls-files", "*/test_*.py"], text=True, cwd=REPOSITORY).split()
    assert [name for path in files for name in re.findall(r"def (test_\w{76,})", text(path))] == []


def test_the_prerequisites_name_each_required_setting() -> None:
    specification = MANIFEST["spec"]["connection_specification"]
    prerequisites = DOCUMENT.split("\n## Prerequisites\n")[1].split("\n## ")[0].lower()
    titles = [specification["properties"][name]["title"].lower() for name in specification["required"]]
    assert [title for title in titles if title not in prerequisites] == []


def test_the_documentation_lists_each_setting_that_the_form_shows() -> None:
    settings = MANIFEST["spec"]["connection_specification"]["properties"].values()
    rows = DOCUMENT.split("\n| Setting | ")[1].split("\n\n")[0].splitlines()[2:]
    titles = [setting["title"] for setting in settings if not setting.get("airbyte_hidden")]
    assert sorted(row.split(" | ")[0].removeprefix("| ") for row in rows) == sorted(titles)


def test_the_platform_lets_the_connector_reach_the_hosts_it_requests() -> None:
    settings = MANIFEST["spec"]["connection_specification"]["properties"]
    urls = [setting["default"] for name, setting in settings.items() if name.endswith("_base_url")]
    assert DATA["allowedHosts"]["hosts"] == [urlsplit(url).hostname for url in urls]


def test_all_streams_are_in_the_catalogs_and_all_but_subaccount_ones_are_suggested() -> None:
    assert sorted(DATA["suggestedStreams"]["streams"]) == sorted(SUGGESTED)
    catalog = json.loads(text("integration_tests/configured_catalog.json"))
    assert sorted(stream["stream"]["name"] for stream in catalog["streams"]) == sorted(STREAMS)
    for name in ("abnormal_state", "sample_state"):
        states = json.loads(text(f"integration_tests/{name}.json"))
        assert sorted(state["stream"]["stream_descriptor"]["name"] for state in states) == sorted(STREAMS)


def test_the_icon_is_there() -> None:
    assert text(DATA["icon"]).startswith("<svg ")


@pytest.mark.parametrize("stream", STREAMS)
def test_the_documentation_explains_each_column(stream: str) -> None:
    # What many streams have stands once: before the first of them, or in `analytics`.
    shared = ["analytics"] if stream.startswith("analytics_") else []
    sections = DOCUMENT.split("\n## Supported streams\n")[1].split("\n### ")[0]
    for name in [*shared, stream]:
        assert f"\n### {name}\n" in DOCUMENT, f"The user's page has no section {name}."
        sections += DOCUMENT.split(f"\n### {name}\n")[1].split("\n### ")[0].split("\n## ")[0]
    columns = json.loads(text(f"schemas/{stream}.json"))["properties"]
    assert [column for column in columns if f"`{column}`" not in sections] == []


def test_the_documentation_holds_each_error_and_warning() -> None:
    assert [sentence for sentence in sorted(sentences()) if sentence not in DOCUMENT] == []


def test_the_documentation_holds_no_error_or_warning_that_does_not_exist() -> None:
    texts = [text for path in (REPOSITORY / "source_sms_providers").rglob("*.py") for text in constants(path)]
    code = " ".join([*texts, *error_messages(MANIFEST)])
    cells = [
        line.split(" | ")[0].strip("| ")
        for line in DOCUMENT.split("\n### Errors\n")[1].splitlines()
        if line[:2] == "| "
    ]
    pieces = [
        piece.removesuffix("The next sync tries again.") for cell in cells for piece in re.split(r"\*.+?\*", cell)
    ]
    stripped = [piece.strip(" (),.'") for piece in pieces]
    assert [piece for piece in stripped if len(piece) > 12 and piece not in code] == []


def sentences() -> set[str]:
    """What the user can be told, in the pieces between its values."""
    told = [piece for error in error_messages(MANIFEST) for piece in re.split(r"\{\{.*?\}\}", error)]
    for path in (REPOSITORY / "source_sms_providers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in TELLING:
                texts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                told += [piece for value in texts for piece in re.split(r"%s|%d|%\.0f", str(value))]
    return {piece.strip(" (),.'") for piece in told if len(piece) > 12}


def constants(path: Path) -> Iterator[str]:
    """All texts of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def error_messages(part: Any) -> Iterator[str]:
    """All `error_message` in a part of the manifest."""
    if isinstance(part, dict):
        yield from [part["error_message"]] if "error_message" in part else []
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from error_messages(inner)
