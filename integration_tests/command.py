"""The connector's console command, and others, as a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

COMMAND = Path(sys.executable).with_name("source-sms-providers")
ROOT = Path(__file__).parent.parent
SECONDS = 120
"""Ten times what the slowest takes; a command that hangs fails its test."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["integration_tests.at", "source_sms_providers.source"])


@dataclass
class Done:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def status(self) -> dict[str, Any]:
        """The connection status of a check."""
        return next(message["connectionStatus"] for message in self.messages if "connectionStatus" in message)

    @property
    def errors(self) -> list[tuple[str, str]]:
        """The failure type and the sentence of each error trace."""
        errors = [message["trace"]["error"] for message in self.messages if message["type"] == "TRACE"]
        return [(error["failure_type"], error["message"]) for error in errors if error]

    def records(self, stream: str) -> list[dict[str, Any]]:
        records = [message["record"] for message in self.messages if message["type"] == "RECORD"]
        return [record["data"] for record in records if record["stream"] == stream]


def run(*arguments: str, environment: Mapping[str, str] | None = None, by: Sequence[str] = (str(COMMAND),)) -> Done:
    """Runs a command to its end, in an environment that holds nothing else; `by` is what the arguments are for."""
    done = subprocess.run(
        [*by, *arguments],
        cwd=ROOT,
        env=dict(environment or {}),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode())


def fork(
    program: Callable[[str], None], argument: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Done:
    """As `run`, `program(argument)` in a copy of a process that has imported the connector: a second less.

    For tests of what a command says, not of how it starts.
    """
    with TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        process = _FORKS.Process(
            target=_run, args=(program, argument, arguments, dict(environment or {}), *map(str, outputs))
        )
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"The command did not end within {SECONDS} seconds.")
        return Done(process.exitcode, *(output.read_text(encoding="utf-8") for output in outputs))


def start(
    *arguments: str, environment: Mapping[str, str] | None = None, by: Sequence[str] = (str(COMMAND),)
) -> subprocess.Popen[bytes]:
    """A command under way; its outputs are pipes."""
    return subprocess.Popen(
        [*by, *arguments], env=dict(environment or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _run(
    program: Callable[[str], None],
    argument: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *outputs: str,
) -> None:
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(COMMAND), *arguments]
    try:
        program(argument)
    except Exception:
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
