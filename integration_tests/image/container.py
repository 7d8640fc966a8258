"""The image as Airbyte and others run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGE = os.environ.get("TEST_IMAGE", "")
BASE_IMAGE = os.environ.get("TEST_BASE_IMAGE", "")
PLAIN: tuple[str, ...] = ()
HARDENED = ("--user=54321:54321", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
TIMESTAMPS = re.compile(rb'"(emitted_at|retrieved_at)":("[^"]*"|[\d.]+)')


@dataclass
class Run:
    """What one command printed."""

    exit_code: int
    lines: list[bytes]

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type: SPEC, CATALOG, CONNECTION_STATUS, RECORD, STATE, TRACE."""
        return [message for message in map(json.loads, self.lines) if message["type"] == kind]

    def record_lines(self) -> list[bytes]:
        """The records as they were printed, but for their timestamps, in an order of their own."""
        return sorted(TIMESTAMPS.sub(rb'"\1":0', line) for line in self.lines if line.startswith(b'{"type":"RECORD"'))


def package(*arguments: str | Path) -> Run:
    """Runs the installed package."""
    return run([sys.executable, "-m", "source_sms_providers", *map(str, arguments)])


def image(*arguments: str, folder: Path | None = None, options: Iterable[str] = PLAIN, network: str = "host") -> Run:
    """Runs the image as its ENTRYPOINT says; the folder is /config in it."""
    mount = [f"--volume={folder}:/config:ro"] if folder else []
    return run(["docker", "run", "--rm", f"--network={network}", *mount, *options, IMAGE, *arguments])


def inside(*command: str, tag: str = IMAGE, options: Iterable[str] = PLAIN) -> str:
    """The output of another program of an image."""
    entrypoint, *arguments = command
    return subprocess.run(
        ["docker", "run", "--rm", "--network=none", *options, f"--entrypoint={entrypoint}", tag, *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def inspected() -> dict[str, Any]:
    """What the image says of itself."""
    text = subprocess.run(["docker", "image", "inspect", IMAGE], check=True, capture_output=True, text=True).stdout
    described: dict[str, Any] = json.loads(text)[0]["Config"]
    return described


def run(command: list[str]) -> Run:
    done = subprocess.run(command, capture_output=True, check=False, timeout=600)
    lines = done.stdout.splitlines()
    assert all(line.startswith(b"{") for line in lines), "something else than messages was printed"
    return Run(done.returncode, lines)


def folder_of(path: Path, **files: Any) -> Path:
    """A folder with JSON files that every uid may read."""
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        (path / f"{name}.json").chmod(0o644)
    return path


def last_states(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The state that the platform keeps: the last one of each stream, in the order of their names."""
    states = {message["state"]["stream"]["stream_descriptor"]["name"]: dict(message["state"]) for message in messages}
    return [states[name] for name in sorted(states)]
