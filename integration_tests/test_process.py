"""The command as a process: it ends when nobody waits for it, and starts wherever it is put."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from airbyte_cdk.models import Type

from integration_tests.at import run_at
from integration_tests.command import COMMAND, ROOT, SECONDS, fork, run, start
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import configured_catalog
from integration_tests.sync import LOGGER, catalog, stream_messages, sync
from source_sms_providers import SourceSmsProviders
from source_sms_providers.http import client

TODAY = date(2026, 3, 10)
NOON = f"{TODAY}T12:00"
MANY_DAYS = "2000-01-01"
WORKERS = 8

Leave = Callable[[subprocess.Popen[bytes]], object]
WAYS_TO_LEAVE: dict[str, tuple[Leave, int]] = {
    "SIGINT": (lambda process: process.send_signal(signal.SIGINT), -signal.SIGINT),
    "SIGTERM": (lambda process: process.send_signal(signal.SIGTERM), -signal.SIGTERM),
    "the reader goes": (lambda process: process.stdout.close(), 1),
}
"""Way -> how it is done, and the exit code of the process."""


@pytest.fixture
def real_time(sandbox: Sandbox) -> Sandbox:
    """The providers at the real date, as the command sees it."""
    sandbox.set(today=None)
    return sandbox


def files(folder: Path, config: dict[str, Any], *streams: str) -> list[str]:
    """The arguments of a read; of a check or discover the first two."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "catalog.json").write_text(json.dumps(configured_catalog(streams)), encoding="utf-8")
    return ["--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json")]


def until(condition: Callable[[], bool]) -> None:
    """Waits for it, long enough for any machine."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.05)


def no_more_is_asked(sandbox: Sandbox) -> Callable[[], bool]:
    """Whether the log has stood still since it was looked at a second ago."""
    seen = [-1]

    def stands_still() -> bool:
        time.sleep(1)
        seen.append(sandbox.stats()["count"])
        return seen[-1] == seen[-2] > 100

    return stands_still


def amid_records(process: subprocess.Popen[bytes], sandbox: Sandbox) -> None:
    for _ in range(300):
        assert process.stdout.readline()


def while_the_provider_is_silent(process: subprocess.Popen[bytes], sandbox: Sandbox) -> None:
    until(lambda: sandbox.stats()["count"] >= 1)


def while_nobody_reads(process: subprocess.Popen[bytes], sandbox: Sandbox) -> None:
    until(no_more_is_asked(sandbox))


@pytest.mark.parametrize("way", WAYS_TO_LEAVE)
@pytest.mark.parametrize("moment", [amid_records, while_the_provider_is_silent, while_nobody_reads])
def test_given_a_read_of_many_days_when_it_is_stopped_then_the_process_ends_at_once(
    real_time: Sandbox, tmp_path: Path, way: str, moment: Callable[..., None]
) -> None:
    leave, code = WAYS_TO_LEAVE[way]
    if moment is while_the_provider_is_silent:
        real_time.fault("stall_before_headers", seconds=1000, times=None)
    else:
        real_time.set(latency=0.002)
    arguments = files(tmp_path, real_time.config(start_date=MANY_DAYS), "consumption")
    with start("read", *arguments) as process:
        moment(process, real_time)
        leave(process)
        try:
            # Three times what is promised, for a machine that is busy.
            assert process.wait(15) == code
        finally:
            process.kill()
        if way != "the reader goes":
            assert process.stderr.read() == b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_given_the_first_process_of_a_container_when_signaled_then_it_ends_too(
    real_time: Sandbox, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    in_container = ["unshare", "--pid", "--fork", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*in_container, "true"], check=False).returncode:
        pytest.skip("This user cannot make a first process.")
    real_time.fault("stall_before_headers", seconds=1000, times=None)
    arguments = files(tmp_path, real_time.config(), "balance")
    with start("read", *arguments, by=[*in_container, str(COMMAND)]) as outside:
        while_the_provider_is_silent(outside, real_time)
        try:
            os.kill(int(Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text()), number)
            assert outside.wait(15) == code
        finally:
            outside.kill()


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")}


@pytest.mark.parametrize("is_full", [False, True])
def test_given_a_consumer_that_closes_the_read_then_workers_stop_requesting_and_end(
    sandbox: Sandbox, is_full: bool
) -> None:
    of_others = workers()
    sandbox.set(latency=0 if is_full else 0.05)
    messages = stream_messages(sandbox.config(start_date=MANY_DAYS), catalog(["consumption"]), [], TODAY)
    for _ in range(100):
        next(messages)
    if is_full:
        until(no_more_is_asked(sandbox))
    asked = sandbox.stats()["count"]
    assert workers() - of_others

    messages.close()

    until(lambda: not workers() - of_others)
    assert sandbox.stats()["count"] <= asked + 2 * WORKERS


def test_given_a_stalled_provider_when_the_consumer_stops_then_its_workers_end(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_others = workers()
    monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", 1.0)
    windows = 6
    sandbox.fault("stall_before_headers", seconds=1000, times=None, skip=windows + 30)
    messages = stream_messages(sandbox.config(start_date=MANY_DAYS), catalog(["consumption"]), [], TODAY)
    next(message for message in messages if message["type"] == "RECORD")
    until(lambda: sandbox.stats()["count"] > windows + 30)
    assert workers() - of_others

    messages.close()

    # Requests under way end by their own bound, and no other begins.
    until(lambda: not workers() - of_others)
    asked = sandbox.stats()["count"]
    time.sleep(0.2)
    assert sandbox.stats()["count"] == asked


def test_given_a_consumer_with_one_thread_per_message_then_all_messages_arrive(sandbox: Sandbox) -> None:
    """As an event loop does that takes each one in an executor."""
    # Long enough that no message waits for its thread, and that a worker looks whether it is still there.
    sandbox.set(latency=0.02)
    config = sandbox.config(start_date="2026-03-01")
    messages = stream_messages(config, catalog(["consumption"]), [], TODAY)
    taken: list[dict[str, Any]] = []
    ended = threading.Event()

    def take() -> None:
        message = next(messages, None)
        ended.set() if message is None else taken.append(message)

    while not ended.is_set():
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()

    expected = sync(config, ["consumption"], now=TODAY).records("consumption")
    assert [message["record"]["data"] for message in taken if message["type"] == "RECORD"] == expected


@pytest.mark.parametrize(("leaving", "code"), [("break", 0), ("raise ValueError", 1)])
def test_given_a_program_that_leaves_the_read_in_a_variable_then_it_ends(
    sandbox: Sandbox, leaving: str, code: int
) -> None:
    program = f"""
import json, logging, sys
from integration_tests.sync import catalog
from source_sms_providers import SourceSmsProviders
from source_sms_providers.http import client
config, selected = json.loads(sys.argv[1]), catalog(["consumption"])
messages = SourceSmsProviders(selected, config).read(logging.getLogger("airbyte"), config, selected)
for message in messages:
    if message.record:
        {leaving}
"""
    sandbox.set(latency=0.05)
    config = json.dumps(sandbox.config(start_date=MANY_DAYS))

    done = subprocess.run([sys.executable, "-c", program, config], cwd=ROOT, timeout=SECONDS, check=False)

    assert done.returncode == code
    assert sandbox.stats()["count"] < 1000


@pytest.mark.parametrize("waits_for", ["room", "a pause"])
def test_given_a_program_that_leaves_while_a_thread_waits_then_it_ends(sandbox: Sandbox, waits_for: str) -> None:
    program = """
import json, logging, sys, time
from integration_tests.sync import catalog
from source_sms_providers import SourceSmsProviders, session
session.MAX_QUEUED_MESSAGES = 10
config, selected = json.loads(sys.argv[1]), catalog(["consumption"])
messages = SourceSmsProviders(selected, config).read(logging.getLogger("airbyte"), config, selected)
next(message for message in messages if message.record)
# Long enough for threads to wait.
time.sleep(1)
"""
    if waits_for == "a pause":
        sandbox.fault("status", code=429, headers={"Retry-After": "170"}, skip=100, times=None)
    config = json.dumps(sandbox.config(start_date="2025-01-01"))

    done = subprocess.run([sys.executable, "-c", program, config], cwd=ROOT, timeout=SECONDS, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("workers", [1, 3])
def test_given_more_days_than_the_cdk_can_queue_then_all_arrive_in_few_requests(
    sandbox: Sandbox, tmp_path: Path, workers: int
) -> None:
    sandbox.set(activity="dormant")
    config = sandbox.config(start_date="2020-03-10", num_workers=workers)
    arguments = files(tmp_path, config, "analytics_by_country", "analytics_by_label")
    # The CDK's own bound is 10,000, and for which number of days beyond it is met, chance decides.
    program = """
import sys
from airbyte_cdk.sources.concurrent_source.thread_pool_manager import ThreadPoolManager
from integration_tests.at import run_at
assert ThreadPoolManager.__init__.__defaults__ == (10_000,)
ThreadPoolManager.__init__.__defaults__ = (100,)
# Threads that switch seldom make all the days before one of them can wait.
sys.setswitchinterval = lambda _: None
run_at(sys.argv.pop(1))
"""

    done = run("read", *arguments, by=[sys.executable, "-c", program, NOON])

    assert (done.code, done.stderr) == (0, "")
    for stream in ("analytics_by_country", "analytics_by_label"):
        days = sorted(record["date"] for record in done.records(stream))
        assert days == [str(date(2020, 3, 10) + timedelta(days=n)) for n in range(2191)]
    assert sandbox.stats()["paths"] == {"/api/analytics": 7}


def a_german_locale(folder: Path) -> dict[str, str]:
    if not shutil.which("localedef"):
        pytest.skip("This computer cannot make locales.")
    subprocess.run(["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(folder / "de_DE.ISO-8859-1")], check=True)
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.ISO-8859-1"}


PLACES: dict[str, Callable[[Path], dict[str, str]]] = {
    "an empty environment": lambda _: {},
    "a home that cannot be written": lambda _: {"HOME": "/proc"},
    "a standard output of Windows": lambda _: {"PYTHONIOENCODING": "cp1252"},
    "a locale of ASCII": lambda _: {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a German locale of Latin letters": a_german_locale,
}


@pytest.mark.parametrize("place", PLACES)
def test_given_any_place_when_read_then_files_and_messages_are_utf_8(
    real_time: Sandbox, tmp_path: Path, place: str
) -> None:
    arguments = files(tmp_path, real_time.config(seven_label="Rechnung/März"), "analytics_by_label")

    done = run("read", *arguments, environment=PLACES[place](tmp_path))

    assert (done.code, done.stderr) == (0, "")
    labels = {record["label"] for record in done.records("analytics_by_label")}
    assert "Rechnung/März" in labels
    assert labels <= {"Rechnung/März", ""}


def test_given_a_user_unknown_to_the_system_when_each_command_runs_then_it_works(real_time: Sandbox) -> None:
    as_stranger = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    stranger = [*as_stranger, str(COMMAND)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if not shutil.which("setpriv") or subprocess.run([*as_stranger, "test", "-x", COMMAND], check=False).returncode:
            pytest.skip("Needs root, and a checkout that all users can read.")
        arguments = files(folder, real_time.config(), "balance")

        assert run("spec", by=stranger).code == 0
        assert run("check", *arguments[:2], by=stranger).status == {"status": "SUCCEEDED"}
        assert run("discover", *arguments[:2], by=stranger).code == 0
        assert len(run("read", *arguments, by=stranger).records("balance")) == 1


def test_given_optional_settings_as_null_when_a_command_runs_then_they_are_not_set(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    spec = SourceSmsProviders().spec(LOGGER).connectionSpecification
    arguments = files(tmp_path, {**dict.fromkeys(spec["properties"]), **sandbox.config()}, "balance")

    assert fork(run_at, NOON, "check", *arguments[:2]).status == {"status": "SUCCEEDED"}
    assert fork(run_at, NOON, "discover", *arguments[:2]).code == 0
    assert len(fork(run_at, NOON, "read", *arguments).records("balance")) == 1


ONE_COMMA_TOO_MANY = b'{\n  "start_date": "2026-01-01",\n}'


def test_given_settings_that_are_no_json_when_checked_then_file_and_place_are_named(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "config.json"
    settings.write_bytes(ONE_COMMA_TOO_MANY)

    done = fork(run_at, NOON, "check", "--config", str(settings))

    assert done.code == 0
    assert done.status["status"] == "FAILED"
    assert done.status["message"].startswith(f"The settings file {settings} is not valid JSON: ")
    assert re.search(r" at line (2, column \d+|3, column 1)\. Correct it\.$", done.status["message"])
    assert done.errors == [("config_error", done.status["message"])]
    assert done.stderr == ""


@pytest.mark.parametrize("broken", ["config", "catalog", "state"])
def test_given_a_file_that_is_no_json_when_read_then_the_error_names_it(
    sandbox: Sandbox, tmp_path: Path, broken: str
) -> None:
    arguments = files(tmp_path, sandbox.config(), "balance")
    state = tmp_path / "state.json"
    state.write_text("[]", encoding="utf-8")
    (tmp_path / f"{broken}.json").write_bytes(ONE_COMMA_TOO_MANY)

    done = fork(run_at, NOON, "read", *arguments, "--state", str(state))

    assert done.code == 1
    [(kind, sentence)] = done.errors
    assert kind == "config_error"
    assert f"{tmp_path}/{broken}.json is not valid JSON: " in sentence
    assert sandbox.requests() == []


def test_given_no_command_then_the_help_is_printed() -> None:
    done = fork(run_at, NOON)

    assert (done.code, done.stdout) == (2, "")
    assert all(command in done.stderr for command in ("usage:", "spec", "check", "discover", "read"))
    assert "Traceback" not in done.stderr


def wrong_key(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "seven_api_key": "not-a-key"}


def wrong_settings(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "start_date": "yesterday", "countries": ["UK", "FRA"], "lookback_days": 0}


@pytest.mark.parametrize("change", [dict, wrong_key, wrong_settings, None])
@pytest.mark.parametrize("command", ["check", "discover"])
def test_given_any_settings_when_a_command_runs_then_each_line_is_a_message(
    sandbox: Sandbox, tmp_path: Path, command: str, change: Callable[[dict[str, Any]], dict[str, Any]] | None
) -> None:
    """Without a `change` there is no file."""
    arguments = files(tmp_path, change(sandbox.config()) if change else {})
    if change is None:
        (tmp_path / "config.json").unlink()

    done = fork(run_at, f"{TODAY}T12:00", command, *arguments[:2])

    types = {message["type"] for message in done.messages}
    assert types <= {kind.value for kind in Type}
    assert types & ({"CONNECTION_STATUS"} if command == "check" else {"CATALOG", "TRACE"})
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [[], ["spec"], ["check"], ["discover"], ["read"], ["no-command"]], ids=str)
def test_given_any_arguments_when_a_command_runs_then_each_line_is_a_message(
    arguments: list[str],
) -> None:
    done = fork(run_at, f"{TODAY}T12:00", *arguments)

    types = [message["type"] for message in done.messages]
    assert types == (["SPEC"] if arguments == ["spec"] else [])
    assert ("usage: source-sms-providers" in done.stderr) == (done.code == 2)


def test_given_a_file_name_that_the_locale_cannot_read_then_the_error_still_names_it(
    tmp_path: Path,
) -> None:
    done = run("check", "--config", str(tmp_path / "für uns.json"), environment=PLACES["a locale of ASCII"](tmp_path))

    assert (
        f"The settings file {tmp_path}/für uns.json cannot be read: No such file or directory."
        in (done.status["message"])
    )


def test_given_a_read_that_is_killed_then_no_file_holds_a_key(real_time: Sandbox, tmp_path: Path) -> None:
    real_time.fault("stall_before_headers", seconds=1000, times=None)
    config = real_time.config()
    arguments = files(tmp_path, config, "balance")
    left = tmp_path / "left"
    left.mkdir()
    with start("read", *arguments, environment={"TMPDIR": str(left)}) as process:
        until(lambda: real_time.stats()["count"] == 1)
        process.kill()

    assert [file for file in left.rglob("*") if file.is_file()] == []
