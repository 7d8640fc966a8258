from __future__ import annotations

import concurrent.futures
import socket
import subprocess
import sys
import time
import urllib.parse

import pytest
import requests

from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import SEVEN_KEY, SMSFACTOR_TOKEN
from integration_tests.sandbox.tests.asking import SETTINGS, TODAY, ask_seven, ask_smsfactor

SEVEN_HEADERS = {"X-Api-Key": SEVEN_KEY, "Accept": "application/json"}
SMSFACTOR_HEADERS = {"Authorization": f"Bearer {SMSFACTOR_TOKEN}", "Accept": "application/json"}


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_given_the_server_then_both_providers_respond_as_their_modules_do(sandbox, session):
    seven = session.get(sandbox.seven_base_url + "/analytics", headers=SEVEN_HEADERS)
    smsfactor = session.get(sandbox.smsfactor_base_url + "/metrics/consumption", headers=SMSFACTOR_HEADERS)

    assert seven.content == ask_seven("analytics").body
    assert seven.headers["Content-Type"] == "application/json"
    assert seven.headers["Transfer-Encoding"] == "chunked"
    assert smsfactor.content == ask_smsfactor("metrics/consumption").body
    assert smsfactor.headers["Content-Encoding"] == "gzip"
    assert smsfactor.headers["Content-Type"] == "application/json; charset=utf-8"


def test_given_a_caller_without_gzip_then_smsfactor_responds_uncompressed(sandbox, session):
    headers = {**SMSFACTOR_HEADERS, "Accept-Encoding": "identity"}

    assert "Content-Encoding" not in session.get(sandbox.url + "/credits", headers=headers).headers


def test_given_a_request_then_the_log_holds_what_was_sent(sandbox, session):
    session.get(sandbox.seven_base_url + "/analytics", headers=SEVEN_HEADERS, params={"start": "2026-03-01"})

    (entry,) = sandbox.requests()
    assert (entry["n"], entry["method"], entry["path"]) == (1, "GET", "/api/analytics")
    assert entry["query"] == {"start": "2026-03-01"}
    assert entry["headers"]["X-Api-Key"] == SEVEN_KEY
    assert (entry["status"], entry["parallel"]) == (200, 1)
    assert 0 <= entry["started"] <= entry["finished"]


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
def test_given_another_method_then_it_is_rejected_and_logged(sandbox, session, method):
    answer = session.request(method, sandbox.url + "/send", headers=SMSFACTOR_HEADERS, data="text=hello")

    assert answer.status_code == 405
    assert sandbox.requests()[0]["method"] == method
    assert session.get(sandbox.url + "/credits", headers=SMSFACTOR_HEADERS).json()["status"] == 1


def test_given_four_requests_at_once_then_the_log_counts_them_as_parallel(sandbox, session):
    sandbox.set(latency=0.3)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: session.get(sandbox.url + "/credits"), range(4)))

    assert sandbox.stats() == {"count": 4, "max_parallel": 4, "paths": {"/credits": 4}}


def test_given_requests_one_after_another_on_new_connections_then_none_is_parallel(sandbox, session):
    for _ in range(50):
        session.get(sandbox.url + "/credits", headers={"Connection": "close"})

    assert sandbox.stats()["max_parallel"] == 1


def test_given_a_rejected_knob_then_no_knob_changes_and_the_reason_is_a_sentence(sandbox):
    with pytest.raises(ValueError, match="There is no knob 'colour'"):
        sandbox.set(latency=1, colour="red")

    assert sandbox.settings() == SETTINGS


@pytest.mark.parametrize(
    ("method", "endpoint", "body", "status"),
    [
        ("PATCH", "settings", "{", 400),
        ("PATCH", "settings", "[]", 400),
        ("POST", "faults", '{"kind":"status"}', 400),
        ("GET", "nothing", "", 404),
    ],
)
def test_given_an_impossible_control_request_then_the_error_explains_why(
    sandbox, session, method, endpoint, body, status
):
    answer = session.request(method, f"{sandbox.url}/__sandbox/{endpoint}", data=body)

    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_given_changes_when_reset_then_all_is_as_at_the_start(sandbox, session):
    sandbox.set(activity="dormant")
    sandbox.fault("status", code=500)
    session.get(sandbox.url + "/credits", headers=SMSFACTOR_HEADERS)

    sandbox.reset()

    assert (sandbox.settings(), sandbox.faults(), sandbox.requests()) == (SETTINGS, [], [])


def test_given_the_sandbox_then_its_config_points_a_connector_at_it(sandbox):
    assert sandbox.config(countries=["FR"]) == {
        "start_date": "2026-03-07",
        "seven_api_key": SEVEN_KEY,
        "smsfactor_api_token": SMSFACTOR_TOKEN,
        "seven_base_url": f"{sandbox.url}/api",
        "smsfactor_base_url": sandbox.url,
        "requests_per_second": 1_000_000,
        "countries": ["FR"],
    }
    assert sandbox.today().isoformat() == TODAY


def test_given_300_grouped_days_then_none_takes_a_tenth_of_a_second_on_average(sandbox):
    host, port = urllib.parse.urlsplit(sandbox.url).netloc.split(":")
    request = (
        "GET /api/analytics?group_by=country&subaccounts=all&start={day}&end={day} HTTP/1.1\r\n"
        f"Host: x\r\nX-Api-Key: {SEVEN_KEY}\r\n\r\n"
    )
    started = time.monotonic()

    with socket.create_connection((host, int(port))) as connection:
        for n in range(300):
            connection.sendall(request.format(day=f"2026-0{n % 2 + 1}-{n % 28 + 1:02}").encode())
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += connection.recv(65536)

    # A quiet machine takes a hundredth of that.
    assert time.monotonic() - started < 30


def test_given_a_stalled_response_when_the_sandbox_stops_then_it_does_not_wait(session):
    with Sandbox(today=TODAY) as sandbox, concurrent.futures.ThreadPoolExecutor(1) as pool:
        sandbox.fault("stall_before_headers", seconds=600)
        waiting = pool.submit(session.get, sandbox.url + "/credits", timeout=30)
        while not sandbox.requests():
            time.sleep(0.01)
        started = time.monotonic()
        sandbox.__exit__()
        stopped_after = time.monotonic() - started
        assert isinstance(waiting.exception(), requests.ConnectionError)

    assert stopped_after < 2


def test_given_a_bad_knob_on_the_command_line_then_it_ends_with_a_sentence():
    command = [sys.executable, "-m", "integration_tests.sandbox", "--port=0", "--set=latency=-1"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=10)

    assert ended.returncode == 2
    assert "Knob latency must not be negative." in ended.stderr
