"""The connector's console command as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("source-sms-providers")
ROOT = Path(__file__).parent.parent
SECONDS = 60
"""Ten times what the slowest takes on a busy machine; a command that hangs fails its test."""


@dataclass
class Done:
    """What a command left behind."""

    code: int
    messages: list[dict[str, Any]]
    stderr: str

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


def run(*arguments: str, environment: Mapping[str, str] | None = None, before: tuple[str, ...] = ()) -> Done:
    """Runs a command to its end, in an environment that holds nothing else; `before` is what starts it."""
    done = subprocess.run(
        [*before, str(COMMAND), *arguments],
        env=dict(environment or {}),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    lines = done.stdout.decode("utf-8").splitlines()
    return Done(done.returncode, [json.loads(line) for line in lines], done.stderr.decode())


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """A command under way, its standard output a pipe."""
    return subprocess.Popen([str(COMMAND), *arguments], env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
