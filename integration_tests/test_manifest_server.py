"""The manifests of `connector-builder/` in the back end of the Connector Builder, which `make test CDK=…` installs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine

from integration_tests.sandbox.client import Sandbox
from integration_tests.test_connector_builder import MANIFESTS, START, TODAY, expected, in_order, manifest, streams_of

pytest.importorskip("ddtrace", reason="the CDK's extra manifest-server is not installed")
uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the back end, which needs no settings."""
    from airbyte_cdk.manifest_server.app import app

    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            assert thread.is_alive(), "The server did not start."
            time.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1/manifest"
    finally:
        running.should_exit = True
        thread.join()


def ask(url: str, **body: Any) -> dict[str, Any]:
    with time_machine.travel(f"{TODAY}T12:00Z"):
        response = requests.post(url, json=body, timeout=120)
    assert response.status_code == 200, response.text
    return dict(response.json())


@pytest.mark.parametrize("name", MANIFESTS)
def test_given_a_manifest_when_resolved_then_it_has_all_streams(server: str, name: str) -> None:
    streams = ask(f"{server}/resolve", manifest=manifest(name))["manifest"]["streams"]

    assert {stream["name"] for stream in streams} == streams_of(name).keys()


@pytest.mark.parametrize("name", MANIFESTS)
def test_given_a_manifest_when_checked_and_discovered_then_it_succeeds(
    server: str, sandbox: Sandbox, name: str
) -> None:
    sandbox.set(today=str(TODAY))
    config = sandbox.config(start_date=str(START))

    checked = ask(f"{server}/check", manifest=manifest(name), config=config)
    catalog = ask(f"{server}/discover", manifest=manifest(name), config=config)["catalog"]

    assert checked["success"], checked
    assert {stream["name"] for stream in catalog["streams"]} == streams_of(name).keys()


@pytest.mark.parametrize(
    ("name", "stream"), [(name, stream) for name in MANIFESTS for stream in sorted(streams_of(name))]
)
def test_given_a_stream_when_test_read_then_it_holds_the_packages_records(
    server: str, sandbox: Sandbox, name: str, stream: str
) -> None:
    sandbox.set(today=str(TODAY))
    config = sandbox.config(start_date=str(START))
    limits = {"record_limit": 5000, "page_limit": 20, "slice_limit": 20}

    read = ask(f"{server}/test_read", manifest=manifest(name), config=config, stream_name=stream, **limits)

    assert [log for log in read["logs"] if log["level"] in ("ERROR", "FATAL")] == []
    records = [record for part in read["slices"] for page in part["pages"] for record in page["records"]]
    wanted = expected(sandbox, config, TODAY - timedelta(days=1))[stream]
    assert in_order(records, stream) == in_order(wanted, stream)
