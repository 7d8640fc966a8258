"""The connector's console command as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("source-sms-providers")
ROOT = Path(__file__).parent.parent
SECONDS = 120
"""Ten times what the slowest takes; a command that hangs fails its test."""


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
    messages = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    return Done(done.returncode, messages, done.stderr.decode())


def start(
    *arguments: str, environment: Mapping[str, str] | None = None, by: Sequence[str] = (str(COMMAND),)
) -> subprocess.Popen[bytes]:
    """A command under way; its outputs are pipes."""
    return subprocess.Popen(
        [*by, *arguments], env=dict(environment or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
