"""Each fault over a real socket, seen by the HTTP library that the connector uses."""

from __future__ import annotations

import base64
import json
import socket
import time

import pytest
import requests

from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.faults import BadRule, Rule
from integration_tests.sandbox.messages import Request
from integration_tests.sandbox.settings import SEVEN_KEY
from integration_tests.sandbox.tests.asking import ask_seven, seven_json


def get(sandbox: Sandbox, path: str = "/analytics", timeout: float = 5, **params: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"X-Api-Key": SEVEN_KEY, "Accept": "application/json"}
        return session.get(
            sandbox.seven_base_url + path,
            headers=headers,
            params=params,
            timeout=timeout,
            allow_redirects=False,
        )


@pytest.mark.parametrize(
    ("kind", "symptom"),
    [
        ("reset_before_headers", "reset by peer"),
        ("reset_in_headers", "reset by peer"),
        ("reset_in_body", "reset by peer"),
        ("close_in_body", "IncompleteRead"),
        ("chunk_cut", "ended prematurely"),
    ],
)
def test_given_a_cut_connection_then_the_caller_fails_and_the_log_has_no_status(sandbox, kind, symptom):
    sandbox.fault(kind)

    with pytest.raises(requests.RequestException, match=symptom):
        get(sandbox)

    (entry,) = sandbox.requests()
    assert (entry["status"], entry["finished"]) == (None, None)
    assert get(sandbox).status_code == 200


def test_given_a_status_fault_then_its_code_headers_and_body_come(sandbox):
    sandbox.fault("status", code=503, headers={"Retry-After": "2"}, body="busy")

    answer = get(sandbox)

    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (503, "2", "busy")
    assert sandbox.requests()[0]["status"] == 503


def test_given_a_body_fault_then_exactly_those_bytes_come(sandbox):
    sandbox.fault("body", body="700")
    sandbox.fault("body", body_b64=base64.b64encode(b"\xff\x00").decode(), content_type="text/html")

    assert get(sandbox).text == "700"
    second = get(sandbox)
    assert (second.content, second.headers["Content-Type"]) == (b"\xff\x00", "text/html")


def test_given_a_redirect_then_its_location_comes(sandbox):
    sandbox.fault("redirect", location="http://127.0.0.1:1/", code=307)

    answer = get(sandbox)

    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:1/")


def test_given_half_a_gzip_stream_then_less_text_comes_without_a_transfer_error(sandbox):
    sandbox.fault("gzip_cut")

    answer = get(sandbox)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert ask_seven("analytics").body.startswith(answer.content)
    assert len(answer.content) < len(ask_seven("analytics").body)


def test_given_cut_json_then_half_the_text_comes(sandbox):
    sandbox.fault("json_cut")
    body = ask_seven("analytics").body

    assert get(sandbox).content == body[: len(body) // 2]


@pytest.mark.parametrize("kind", ["stall_before_headers", "stall_in_body"])
def test_given_a_stall_then_only_a_caller_that_waits_gets_the_right_response(sandbox, kind):
    sandbox.fault(kind, seconds=0.3)
    sandbox.fault(kind, seconds=60)
    started = time.monotonic()

    assert get(sandbox).content == ask_seven("analytics").body
    assert time.monotonic() - started >= 0.3
    with pytest.raises(requests.RequestException, match="timed out"):
        get(sandbox, timeout=0.2)


def test_given_a_caller_that_gave_up_then_its_request_is_no_longer_in_progress(sandbox):
    sandbox.fault("stall_before_headers", seconds=60)
    with pytest.raises(requests.Timeout):
        get(sandbox, timeout=1)
    time.sleep(1)

    get(sandbox)

    assert sandbox.stats()["max_parallel"] == 1


def test_given_a_request_in_progress_when_reset_then_the_next_is_the_only_one(sandbox):
    sandbox.fault("stall_before_headers", seconds=60)
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(b"GET /api/analytics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not sandbox.stats()["count"]:
            time.sleep(0.01)
        sandbox.reset()

        get(sandbox)

    assert sandbox.stats()["max_parallel"] == 1


def test_given_a_drip_then_the_right_response_arrives_at_that_speed(sandbox):
    body = ask_seven("analytics", start="2026-03-10").body
    sandbox.fault("drip", bytes_per_second=len(body) * 2)
    started = time.monotonic()

    assert get(sandbox, start="2026-03-10").content == body
    assert 0.4 < time.monotonic() - started < 2


def test_given_a_huge_response_then_that_many_bytes_arrive_and_end_in_order(sandbox):
    sandbox.fault("huge", bytes=1_234_567)

    answer = get(sandbox)

    assert len(answer.content) == 1_234_567
    assert answer.content.startswith(b'[{"date":')


@pytest.mark.parametrize("charset", ["latin-1", "utf-16"])
def test_given_another_character_set_then_the_same_text_comes_in_it(sandbox, charset):
    sandbox.fault("latin1", charset=charset)

    content = get(sandbox, "/analytics/label", subaccounts="all").content

    assert "Rechnung/März" in content.decode(charset)
    assert json.loads(content.decode(charset)) == seven_json("analytics/label", subaccounts="all")


def test_given_an_edit_then_the_right_response_arrives_changed(sandbox):
    sandbox.fault(
        "edit",
        set={"0.sms": float("nan"), "*.hlr": -1, "1.new": "x"},
        delete=["*.date", "99.sms"],
        append_row={"": {"date": "2020-01-01", "sms": 3}},
    )

    answer = get(sandbox, start="2026-03-09")
    first, second, third = json.loads(answer.content)

    assert b'"sms":NaN' in answer.content
    assert (first["hlr"], second["hlr"], second["new"]) == (-1, -1, "x")
    assert "date" not in first
    assert third == {"sms": 3, "hlr": -1}


def test_given_an_edit_below_keys_then_only_those_places_change(sandbox):
    sandbox.fault("edit", set={"countries.*.networks.*.price": None}, append_row={"countries.0.networks": {"mcc": "1"}})

    (country,) = get(sandbox, "/pricing", country="AT").json()["countries"]

    assert {network["price"] for network in country["networks"]} == {None}
    assert country["networks"][-1]["mcc"] == "1"


def test_given_a_path_query_and_skip_then_only_later_matching_requests_fail(sandbox):
    sandbox.fault("status", code=500, path="/api/ana", query={"start": "2026-03-02"}, skip=1, times=2)

    assert get(sandbox, "/balance").status_code == 200
    assert get(sandbox, start="2026-03-03").status_code == 200
    struck = [get(sandbox, start="2026-03-02", end="2026-03-02").status_code for _ in range(4)]

    assert struck == [200, 500, 500, 200]
    assert sandbox.faults()[0]["struck"] == 2


@pytest.mark.parametrize("bounds", [("start", "end"), ("date_start", "date_end")])
@pytest.mark.parametrize(("last", "is_struck"), [("2026-03-07", False), ("2026-03-08", True)])
def test_given_a_number_of_days_then_requests_for_more_are_struck(bounds, last, is_struck):
    rule = Rule.from_json({"kind": "status", "code": 500, "days_over": 7})

    assert rule.matches(Request("GET", "/", dict(zip(bounds, ("2026-03-01", last), strict=True)), {})) is is_struck


def test_given_a_number_of_days_then_a_request_without_days_is_not_struck(sandbox):
    sandbox.fault("status", code=500, days_over=7)

    assert get(sandbox, "/balance").status_code == 200
    assert get(sandbox, start="2026-03-01", end="2026-03-08").status_code == 500


def test_given_two_rules_then_the_first_with_strikes_left_is_played(sandbox):
    sandbox.fault("status", code=500)
    sandbox.fault("status", code=502, times=None)

    assert [get(sandbox).status_code for _ in range(3)] == [500, 502, 502]
    sandbox.clear_faults()
    assert get(sandbox).status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "explode"},
        {"kind": "status"},
        {"kind": "drip", "bytes_per_second": 1, "speed": 2},
        {"kind": "json_cut", "times": 0},
        {"kind": "json_cut", "skip": -1},
        {"kind": "json_cut", "query": "start"},
        {"kind": "json_cut", "days_over": "7"},
        "json_cut",
    ],
)
def test_given_an_impossible_rule_then_it_is_rejected(rule):
    with pytest.raises(BadRule):
        Rule.from_json(rule)
