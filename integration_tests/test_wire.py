"""What breaks on the way is asked for again within a bound, and a key goes to its provider alone."""

from __future__ import annotations

import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from integration_tests.at import run_at
from integration_tests.command import fork, start
from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import configured_catalog
from integration_tests.sync import Sync, catalog, check, stream_messages, sync, without_nulls
from source_sms_providers.check import MAX_OUTAGE_SECONDS
from source_sms_providers.http import account, client, requester
from source_sms_providers.session import SyncSession

TODAY = date(2026, 3, 10)
START = date(2026, 3, 5)
SEVEN_DAILY = (
    "analytics",
    "analytics_by_country",
    "analytics_by_label",
    "analytics_by_subaccount",
    "analytics_by_subaccount_and_country",
)
DAILY = (*SEVEN_DAILY, "consumption")
ONCE_OR_EVER: list[dict[str, Any]] = [
    {"kind": "reset_before_headers"},
    {"kind": "reset_in_headers"},
    {"kind": "reset_in_body"},
    {"kind": "close_in_body"},
    {"kind": "chunk_cut"},
    {"kind": "gzip_cut"},
    {"kind": "json_cut"},
    {"kind": "stall_before_headers", "seconds": 60},
    {"kind": "stall_in_body", "seconds": 60},
    {"kind": "drip", "bytes_per_second": 20},
    {"kind": "drip_headers", "bytes_per_second": 20},
    {"kind": "status", "code": 429},
    {"kind": "status", "code": 500},
    {"kind": "status", "code": 502},
    {"kind": "status", "code": 503},
    {"kind": "status", "code": 504},
]


def name(rule: dict[str, Any]) -> str:
    return " ".join(str(value) for value in rule.values())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(requester, "TOTAL_TIMEOUT_SECONDS", 1.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("rule", ONCE_OR_EVER, ids=name)
def test_given_a_failure_once_when_read_then_it_is_retried_and_all_records_arrive(
    sandbox: Sandbox, rule: dict[str, Any]
) -> None:
    sandbox.fault(**rule, query={"date_start": "2026-03-07"}, times=1)

    result = sync(sandbox.config(start_date=str(START)), ["consumption"], now=TODAY)

    assert result.error is None, result.sentence
    expected = expected_records(sandbox.settings(), {}, TODAY, START, TODAY - timedelta(days=1))["consumption"]
    assert without_nulls(result.records("consumption"), "consumption") == without_nulls(expected, "consumption")
    assert len(sandbox.requests()) == len({row["date"] for row in expected}) + 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("rule", ONCE_OR_EVER, ids=name)
def test_given_a_permanent_failure_when_read_then_it_soon_ends_as_a_transient_error(
    sandbox: Sandbox, rule: dict[str, Any]
) -> None:
    sandbox.fault(**rule, times=None)
    started = time.monotonic()

    result = sync(sandbox.config(start_date=str(START), max_outage_seconds=1), ["consumption"], now=TODAY)

    kind, sentence = result.failures()["consumption"]
    assert kind == "transient_error"
    assert sentence.startswith("SMSFactor ")
    assert sentence.endswith("The next sync tries again.")
    assert result.records("consumption") == []
    assert time.monotonic() - started < 10


def test_given_five_failures_in_a_row_then_the_sixth_try_is_the_last(sandbox: Sandbox, no_waiting: list[float]) -> None:
    sandbox.fault("status", code=503, path="/credits", times=5)
    assert sync(sandbox.config(), ["credits"], now=TODAY).error is None
    assert no_waiting == [1, 2, 4, 8, 16]

    sandbox.clear_requests()
    sandbox.fault("status", code=503, path="/credits", times=None)
    assert sync(sandbox.config(), ["credits"], now=TODAY).failures()["credits"][0] == "transient_error"
    assert len(sandbox.requests()) == 6


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_given_a_retry_after_when_read_then_no_worker_sends_a_request_before(sandbox: Sandbox, form: str) -> None:
    sandbox.set(latency=0.05)
    noon = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
    value = "3" if form == "seconds" else format_datetime(noon + timedelta(seconds=4), usegmt=True)
    sandbox.fault("status", code=429, headers={"Retry-After": value}, times=1)

    result = sync(sandbox.config(start_date="2026-01-20", num_workers=8), ["consumption"], now=noon)

    assert result.error is None
    log = sandbox.requests()
    refused = next(entry for entry in log if entry["status"] == 429)
    gap = [entry for entry in log if refused["finished"] + 0.5 < entry["started"] < refused["finished"] + 2]
    assert gap == []
    assert len({entry["query"]["date_start"] for entry in log}) == 49


def test_given_a_provider_that_requires_a_pause_then_the_other_is_read_meanwhile(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = SyncSession.wait
    smsfactor_is_read = threading.Event()

    def wait_until_then(command: SyncSession, seconds: float) -> None:
        assert smsfactor_is_read.wait(60), "SMSFactor was not read while seven.io wanted no request"
        wait(command, seconds)

    monkeypatch.setattr(SyncSession, "wait", wait_until_then)
    sandbox.fault("status", code=429, headers={"Retry-After": "1"}, query={"group_by": "date"}, times=1)
    config = sandbox.config(start_date="2026-01-20", num_workers=2)
    read = []

    for message in stream_messages(config, catalog(("analytics", "analytics_by_country", "consumption")), [], TODAY):
        if message["type"] == "RECORD":
            read.append(message["record"]["stream"])
        status = message.get("trace", {}).get("stream_status", {})
        if status.get("status") == "COMPLETE" and status["stream_descriptor"]["name"] == "consumption":
            smsfactor_is_read.set()

    assert read[0] == "consumption"
    assert read[-1] == "analytics_by_country"


def test_given_a_quick_provider_then_it_gets_ten_requests_a_second_and_worker(sandbox: Sandbox) -> None:
    config = sandbox.config(start_date="2026-01-01", num_workers=4, requests_per_second=None)

    result = sync(config, ["consumption"], now=TODAY)

    assert len(result.records("consumption")) > 0
    started = [entry["started"] for entry in sandbox.requests()]
    assert len(started) == 68
    # Each worker can be late for one turn, and so take it in the next second.
    assert max(sum(first <= other < first + 1 for other in started) for first in started) <= 10 * 4 + 4 + 1


def test_given_a_retry_after_of_an_hour_when_read_then_the_sync_ends_and_reports_why(sandbox: Sandbox) -> None:
    sandbox.fault("status", code=429, headers={"Retry-After": "3600"}, times=None)

    result = sync(sandbox.config(start_date=str(START)), ["consumption"], now=TODAY)

    kind, sentence = result.failures()["consumption"]
    assert kind == "transient_error"
    assert re.fullmatch(
        rf"SMSFactor is rate limiting us \(HTTP 429\) until {TODAY} \d\d:\d\d UTC\. The next sync tries again\.",
        sentence,
    )


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_given_a_closed_port_when_read_then_it_is_a_transient_error(sandbox: Sandbox) -> None:
    url = f"http://127.0.0.1:{closed_port()}"

    result = sync(sandbox.config(smsfactor_base_url=url, max_outage_seconds=2), ["credits", "consumption"], now=TODAY)

    assert {kind for kind, _ in result.failures().values()} == {"transient_error"}


def test_given_a_tls_failure_when_read_then_the_error_reports_it(sandbox: Sandbox) -> None:
    url = sandbox.url.replace("http://", "https://")

    result = sync(sandbox.config(smsfactor_base_url=url, max_outage_seconds=2), ["credits"], now=TODAY)

    kind, sentence = result.failures()["credits"]
    assert kind == "transient_error"
    assert "TLS failed" in sentence


@pytest.mark.parametrize("way", ["nobody listens", "silent", "drips"])
def test_given_a_dead_host_when_checked_then_it_is_reported_within_15_seconds(sandbox: Sandbox, way: str) -> None:
    settings: dict[str, Any] = {}
    if way == "nobody listens":
        settings = {"seven_base_url": f"http://127.0.0.1:{closed_port()}"}
    elif way == "silent":
        sandbox.fault("stall_before_headers", seconds=100, times=None)
    else:
        sandbox.fault("drip", bytes_per_second=1, times=None)
    started = time.monotonic()

    status, sentence, kind = check(sandbox.config(**settings), TODAY)

    assert (status, kind) == ("FAILED", "transient_error")
    assert sentence.startswith("seven.io ")
    assert time.monotonic() - started < 15


def test_given_an_outage_over_thousands_of_days_then_the_outage_limit_ends_the_sync(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("status", code=503, path="/metrics", times=None)
    started = time.monotonic()

    result = sync(
        sandbox.config(start_date="2023-03-10", max_outage_seconds=4, num_workers=2), ["consumption"], now=TODAY
    )

    assert time.monotonic() - started < 20
    assert len(sandbox.requests()) < 20
    assert result.failures()["consumption"][0] == "transient_error"
    traces = [m for m in result.messages if m["type"] == "TRACE" and m["trace"]["type"] == "ERROR"]
    assert len(traces) <= 2
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) <= 2
    assert result.state_day("consumption") == "2023-03-09"


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_given_one_day_without_good_response_when_read_then_all_other_days_arrive(
    sandbox: Sandbox, workers: int
) -> None:
    sandbox.fault("status", code=503, query={"date_start": "2026-03-06"}, times=None)

    result = sync(sandbox.config(start_date=str(START), num_workers=workers), ["consumption"], now=TODAY)

    assert result.failures()["consumption"][0] == "transient_error"
    assert {row["date"] for row in result.records("consumption")} == {
        *("2026-03-05", "2026-03-07", "2026-03-08", "2026-03-09")
    }


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("stream", ["balance", "credits"])
def test_given_a_redirect_when_read_then_nobody_else_gets_a_request(sandbox: Sandbox, code: int, stream: str) -> None:
    with Sandbox(today=str(TODAY)) as other:
        sandbox.fault("redirect", location=f"{other.url}/api/balance", code=code, times=None)

        result = sync(sandbox.config(), [stream], now=TODAY)

        assert other.requests() == []
    kind, sentence = result.failures()[stream]
    assert kind == "config_error"
    assert "redirect" in sentence
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://gateway.seven.io/api", True),
        ("https://sms.example.org:8443/api/", True),
        ("http://127.0.0.1:8400/api", True),
        ("http://localhost:8400", True),
        ("http://[::1]:8400/api", True),
        ("http://gateway.seven.io/api", False),
        ("http://127.0.0.1.example.org", False),
        ("http://localhost.example.org/api", False),
        ("http://10.0.0.1/api", False),
        ("ftp://gateway.seven.io", False),
        ("https://user:secret@gateway.seven.io", False),
        ("https://gateway.seven.io/api?x=1", False),
        ("gateway.seven.io", False),
    ],
)
def test_given_a_base_url_when_validated_then_plain_http_is_for_loopback_only(
    sandbox: Sandbox, url: str, allowed: bool
) -> None:
    import jsonschema

    from source_sms_providers import SourceSmsProviders

    spec = SourceSmsProviders().spec(requester.LOGGER).connectionSpecification
    for setting in ("seven_base_url", "smsfactor_base_url"):
        errors = list(jsonschema.Draft7Validator(spec).iter_errors(sandbox.config(**{setting: url})))
        assert (not errors) is allowed


def test_when_everything_is_read_then_only_gets_of_read_endpoints_are_sent(sandbox: Sandbox) -> None:
    config = sandbox.config(start_date="2026-03-01", seven_label="otp", smsfactor_sub_account_id="2001")
    check(config, TODAY)
    sync(config, now=TODAY)

    assert {(entry["method"], entry["path"]) for entry in sandbox.requests()} == {
        ("GET", "/api/balance"),
        ("GET", "/api/pricing"),
        ("GET", "/api/analytics"),
        ("GET", "/api/subaccounts"),
        ("GET", "/sub-accounts"),
        ("GET", "/credits"),
        ("GET", "/metrics/consumption"),
    }


@pytest.mark.parametrize("workers", [1, 2, 8, 32])
def test_given_a_number_of_workers_then_the_provider_sees_as_many_requests_at_once(
    sandbox: Sandbox, workers: int
) -> None:
    sandbox.set(latency=0.012 * workers)

    sync(sandbox.config(start_date="2025-10-10", num_workers=workers), ["consumption"], now=TODAY)

    assert sandbox.stats()["max_parallel"] == workers


# Connections


def assert_rows_are_right(result: Sync, sandbox: Sandbox, streams: Iterable[str], start: date) -> None:
    """Each row that arrived is the one that the provider means."""
    expected = expected_records(sandbox.settings(), {}, TODAY, start, TODAY - timedelta(days=1))
    for stream in streams:
        rows, right = (without_nulls(each, stream) for each in (result.records(stream), expected[stream]))
        assert [row for row in rows if row not in right] == [], stream


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("code", [102, 103, 199])
def test_given_interim_responses_when_read_then_they_are_skipped(sandbox: Sandbox, code: int, workers: int) -> None:
    start = TODAY - timedelta(days=12)
    sandbox.fault("interim", code=code, times=None)

    result = sync(sandbox.config(start_date=str(start), num_workers=workers), DAILY, now=TODAY)

    assert result.error is None, result.sentence
    assert_rows_are_right(result, sandbox, DAILY, start)
    assert all(len({row["date"] for row in result.records(stream)}) == 12 for stream in DAILY)


@pytest.mark.parametrize("workers", [1, 8])
def test_given_one_early_hint_when_read_then_no_later_day_is_shifted(sandbox: Sandbox, workers: int) -> None:
    start = TODAY - timedelta(days=60)
    sandbox.fault("interim", times=1)

    result = sync(sandbox.config(start_date=str(start), num_workers=workers), ["consumption"], now=TODAY)

    assert result.error is None, result.sentence
    assert len({row["date"] for row in result.records("consumption")}) == 60
    assert_rows_are_right(result, sandbox, ["consumption"], start)


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("code", [204, 304, 404])
@pytest.mark.usefixtures("no_waiting")
def test_given_a_late_body_when_read_then_no_later_request_gets_it(sandbox: Sandbox, code: int, workers: int) -> None:
    start = TODAY - timedelta(days=12)
    for path in ("/api/analytics", "/metrics/consumption"):
        sandbox.fault("late_body", code=code, path=path, skip=workers, times=2)

    result = sync(sandbox.config(start_date=str(start), num_workers=workers), DAILY, now=TODAY)

    assert_rows_are_right(result, sandbox, DAILY, start)
    assert sum(rule["struck"] for rule in sandbox.faults()) == 4


def test_given_good_responses_when_read_then_their_connections_are_kept(sandbox: Sandbox) -> None:
    result = sync(sandbox.config(start_date="2026-01-01", num_workers=4), DAILY, now=TODAY)

    assert result.error is None, result.sentence
    # All streams of an account share its connections.
    assert len(sandbox.requests()) > 100
    assert len({entry["connection"] for entry in sandbox.requests()}) <= 2 * 4


# Rate limits


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "20"}], ids=["without Retry-After", "with Retry-After"])
@pytest.mark.parametrize("workers", [1, 8])
def test_given_a_limit_per_minute_when_read_then_the_sync_is_slower_and_succeeds(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, workers: int, headers: dict[str, str]
) -> None:
    """A limit of 60 a minute, 20 times as fast."""
    slowed(monkeypatch, 0.05)
    sandbox.fault("rate_limit", requests=60, seconds=3, headers=headers, times=None)
    config = sandbox.config(start_date=str(TODAY - timedelta(days=150)), num_workers=workers, max_outage_seconds=180)

    result = sync(config, ["consumption"], now=TODAY)

    assert result.error is None, result.sentence
    assert len({row["date"] for row in result.records("consumption")}) == 150
    refused = [entry for entry in sandbox.requests() if entry["status"] == 429]
    # Two windows are full: in each, what was under way and one request after each pause.
    assert len(refused) <= 2 * (workers + 10)
    if len(refused) < 2:
        pytest.skip("This machine is too busy to reach the limit.")


def slowed(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Waits take this part of their time."""
    wait, time_module = SyncSession.wait, FactorTime(factor)
    monkeypatch.setattr(SyncSession, "wait", lambda session, seconds: wait(session, seconds * factor))
    monkeypatch.setattr(account, "time", time_module)


class FactorTime:
    """The clock of `account.py`: it runs as much faster as the waits are shorter."""

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def monotonic(self) -> float:
        return time.monotonic() / self._factor


def test_given_a_pause_when_it_ends_then_no_burst_follows(sandbox: Sandbox) -> None:
    sandbox.fault("rate_limit", requests=20, seconds=600, headers={"Retry-After": "1"}, times=None)
    config = sandbox.config(start_date=str(TODAY - timedelta(days=60)), num_workers=8, max_outage_seconds=4)

    sync(config, ["consumption"], now=TODAY)

    refused = [entry for entry in sandbox.requests() if entry["status"] == 429]
    # What was under way, and one or two after each of four pauses; a burst would be eight.
    assert 4 <= len(refused) <= 8 + 4 * 4


# Rejected keys


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "body", "body": '"900"'},
        {"kind": "body", "body": '"903"'},
        {"kind": "body", "body": '{"status":-1,"message":"x"}'},
        {"kind": "status", "code": 401},
        {"kind": "status", "code": 403, "body": "<html>Blocked</html>"},
    ],
    ids=name,
)
def test_given_a_key_that_is_rejected_when_read_then_the_provider_gets_few_requests(
    sandbox: Sandbox, rule: dict[str, Any], workers: int
) -> None:
    is_smsfactor = "status" in str(rule.get("body"))
    sandbox.fault(**rule, path="" if is_smsfactor else "/api", times=None)
    streams = ["credits", "consumption"] if is_smsfactor else ["balance", "pricing", *SEVEN_DAILY]

    result = sync(sandbox.config(start_date="2024-03-10", num_workers=workers), streams, now=TODAY)

    assert len(sandbox.requests()) <= 15
    assert {kind for kind, _ in result.failures().values()} == {"config_error"}
    assert set(result.failures()) == set(streams)


@pytest.mark.parametrize(
    ("stream", "body"), [("consumption", '{"status":-1,"message":"x"}'), ("analytics_by_country", '"900"')]
)
def test_given_a_key_that_is_revoked_when_read_then_few_requests_follow(
    sandbox: Sandbox, stream: str, body: str
) -> None:
    sandbox.fault("body", body=body, skip=100, times=None)

    result = sync(sandbox.config(start_date="2024-03-10"), [stream], now=TODAY)

    assert result.failures()[stream][0] == "config_error"
    assert len(sandbox.requests()) <= 100 + 15


def test_given_a_missing_permission_when_read_then_only_its_endpoint_ends(sandbox: Sandbox) -> None:
    sandbox.fault("body", body='"902"', path="/api/analytics", times=None)

    result = sync(sandbox.config(start_date="2024-03-10"), [*SEVEN_DAILY, "balance", "pricing"], now=TODAY)

    assert set(result.failures()) == set(SEVEN_DAILY)
    assert result.records("balance")
    assert result.records("pricing")
    assert len(sandbox.requests()) <= 17


def test_given_an_odd_403_when_read_then_the_other_days_arrive(sandbox: Sandbox) -> None:
    for day in ("2026-03-05", "2026-03-07"):
        sandbox.fault("status", code=403, query={"date_start": day, "date_end": day}, times=None)

    result = sync(sandbox.config(start_date=str(START), num_workers=1), ["consumption"], now=TODAY)

    assert {row["date"] for row in result.records("consumption")} == {"2026-03-06", "2026-03-08", "2026-03-09"}


# The command, its output and its environment


def command_files(folder: Path, config: dict[str, Any], *streams: str) -> list[str]:
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "catalog.json").write_text(json.dumps(configured_catalog(streams)), encoding="utf-8")
    return ["--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json")]


def days_answered(sandbox: Sandbox) -> int:
    """How many days of `consumption` were answered, each by a request of its own."""
    good = [entry["query"] for entry in sandbox.requests() if entry["status"] == 200]
    return len({query["date_start"] for query in good if query["date_start"] == query["date_end"]})


def test_given_a_reader_that_stops_when_requests_fail_then_they_are_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    """The pipe is full long before the first failure: a worker that logs its retry must not wait for the reader."""
    days = [TODAY - timedelta(days=ago) for ago in range(1, 301)]
    for day in days[:19]:
        sandbox.fault("status", code=503, query={"date_start": str(day), "date_end": str(day)}, times=1)
    config = sandbox.config(start_date=str(days[-1]))
    at = (sys.executable, "-m", "integration_tests.at", f"{TODAY}T12:00")

    with start("read", *command_files(tmp_path, config, "consumption"), by=at) as process:
        try:
            ends = time.monotonic() + 120
            while time.monotonic() < ends and days_answered(sandbox) < 300:
                time.sleep(0.5)
            answered = days_answered(sandbox)
            output = process.communicate(timeout=60)[0]
        finally:
            process.kill()

    assert answered == 300
    assert process.returncode == 0
    messages = [json.loads(line) for line in output.splitlines()]
    assert len({each["record"]["data"]["date"] for each in messages if each["type"] == "RECORD"}) == 300
    logged = [each["log"]["message"] for each in messages if each["type"] == "LOG"]
    assert len([line for line in logged if "temporarily unavailable" in line]) == 1


def no_temporary_folder(moment: str) -> None:
    def none_is_writable(*_: object, **__: object) -> str:
        raise FileNotFoundError("No usable temporary directory found")

    tempfile.gettempdir = tempfile.mkdtemp = none_is_writable  # type: ignore[assignment]
    run_at(moment)


@pytest.mark.parametrize("command", ["spec", "check", "read"])
def test_given_no_writable_temporary_folder_when_started_then_each_command_works(
    sandbox: Sandbox, tmp_path: Path, command: str
) -> None:
    arguments = command_files(tmp_path, sandbox.config(), "credits")
    needed = {"spec": 0, "check": 2, "read": 4}[command]

    done = fork(no_temporary_folder, f"{TODAY}T12:00", command, *arguments[:needed])

    assert done.code == 0, done.stdout
    expected = {"spec": "SPEC", "check": "CONNECTION_STATUS", "read": "RECORD"}[command]
    assert expected in {message["type"] for message in done.messages}


def test_given_a_name_that_does_not_resolve_in_the_cloud_then_the_error_is_transient(tmp_path: Path) -> None:
    """There the CDK looks names up itself, and calls one that it does not find an invalid URL."""
    settings = {"smsfactor_base_url": "https://nowhere.invalid", "max_outage_seconds": 1}
    config = {"smsfactor_api_token": "token", "start_date": "2026-03-01", **settings}

    done = fork(
        run_at,
        f"{TODAY}T12:00",
        "check",
        *command_files(tmp_path, config)[:2],
        environment={"DEPLOYMENT_MODE": "CLOUD"},
    )

    assert done.status["status"] == "FAILED"
    assert [kind for kind, _ in done.errors] == ["transient_error"]
    assert done.status["message"].startswith("SMSFactor could not be reached: its host name was not found")


# check


def test_given_a_host_that_needs_nine_seconds_when_checked_then_it_succeeds(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All times are a quarter."""
    monkeypatch.setattr("source_sms_providers.check.MAX_OUTAGE_SECONDS", MAX_OUTAGE_SECONDS / 4)
    sandbox.set(latency=9 / 4)
    config = sandbox.config()
    del config["seven_api_key"]

    assert check(config, TODAY)[:2] == ("SUCCEEDED", "")


def test_given_a_check_then_its_longest_request_leaves_three_seconds_of_fifteen() -> None:
    assert 9 < MAX_OUTAGE_SECONDS <= 12


# What a log may weigh


def test_given_an_outage_over_ten_years_when_read_then_the_log_is_short(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/api", "/metrics"):
        sandbox.fault("status", code=503, path=path, times=None)
    config = sandbox.config(start_date="2016-03-10", max_outage_seconds=3)

    sync(config, DAILY, now=TODAY)

    retries = [record for record in caplog.records if "temporarily unavailable" in record.getMessage()]
    assert len([record for record in retries if record.levelname == "INFO" and "retrying" in record.getMessage()]) == 2
