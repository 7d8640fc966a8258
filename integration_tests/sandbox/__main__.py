"""`python -m integration_tests.sandbox`: runs the provider sandbox until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import Any

from .server import SandboxServer
from .settings import SEVEN_KEY, SMSFACTOR_TOKEN, BadKnob, Settings

_HELP = """\
  curl -H 'X-Api-Key: {seven_key}' -H 'Accept: application/json' {url}/api/balance
  curl -H 'X-Api-Key: {seven_key}' '{url}/api/analytics?group_by=country&subaccounts=all'
  curl -H 'Authorization: Bearer {smsfactor_token}' -H 'Accept: application/json' {url}/metrics/consumption
  curl -X PATCH -d '{{"activity": "weekday"}}' {url}/__sandbox/settings
  curl -d '{{"kind": "status", "code": 503}}' {url}/__sandbox/faults
  curl {url}/__sandbox/requests"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m integration_tests.sandbox", description="Fake seven.io and SMSFactor."
    )
    parser.add_argument("--port", type=int, default=8400, help="port on 127.0.0.1, 0 = any free one (8400)")
    parser.add_argument("--seed", type=int, help="chooses the figures (7)")
    parser.add_argument("--today", help="YYYY-MM-DD taken for the current day (the real one, in UTC)")
    parser.add_argument(
        "--set",
        dest="knobs",
        action="append",
        default=[],
        type=_knob,
        metavar="KNOB=JSON",
        help="any knob of settings.py",
    )
    parser.add_argument(
        "--like", default={}, type=_reported, metavar="FILE", help="behaves as probe-report.json says of an account"
    )
    arguments = parser.parse_args()
    knobs = {name: value for name in ("seed", "today") if (value := getattr(arguments, name)) is not None}
    try:
        settings = Settings().with_knobs(arguments.like | knobs | dict(arguments.knobs))
    except BadKnob as refused:
        parser.error(str(refused))

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = SandboxServer(settings, arguments.port)
    except OSError as refused:
        parser.error(f"port {arguments.port} cannot be used: {refused.strerror}")
    server.start()
    print(f"sandbox ready at {server.url}", flush=True)
    print(_HELP.format(url=server.url, seven_key=SEVEN_KEY, smsfactor_token=SMSFACTOR_TOKEN), flush=True)
    stop.wait()
    server.stop()


def _reported(path: str) -> dict[str, Any]:
    try:
        knobs: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))["knobs"]
        return dict(knobs)
    except OSError as refused:
        raise argparse.ArgumentTypeError(f"{path!r} cannot be read: {refused.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise argparse.ArgumentTypeError(f"{path!r} is no probe-report.json; `make probe` writes one") from None


def _knob(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not written KNOB=JSON")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        raise argparse.ArgumentTypeError(f"{value!r} is not JSON; a text needs double quotes") from None


if __name__ == "__main__":
    main()
