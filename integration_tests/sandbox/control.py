"""The control endpoints below `/__sandbox/`: settings, faults, log, reset."""

from __future__ import annotations

import json
import threading
from typing import Any

from .faults import BadRule, Faults, Rule
from .log import RequestLog
from .messages import Answer
from .settings import BadKnob, Settings

PREFIX = "/__sandbox/"


class Control:
    """What the server holds between requests, and the endpoints that look at it and change it."""

    def __init__(self, settings: Settings) -> None:
        self._start_settings = settings
        self._lock = threading.Lock()
        self.settings = settings
        """Replaced as a whole: whoever reads it once sees all knobs of one change or none."""
        self.faults = Faults()
        self.log = RequestLog()

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The answer to a control request; 400 with a sentence when it asks for something impossible."""
        try:
            return _json(200, self._do(method, path.removeprefix(PREFIX), body))
        except (BadKnob, BadRule) as refused:
            return _json(400, {"error": str(refused)})
        except json.JSONDecodeError as broken:
            return _json(400, {"error": f"The request body is not JSON: {broken}."})
        except _NoSuchEndpoint:
            return _json(404, {"error": f"The sandbox has no {method} {path}."})

    def _do(self, method: str, endpoint: str, body: bytes) -> Any:
        match method, endpoint:
            case "GET", "settings":
                return self.settings.as_json()
            case "PATCH", "settings":
                return self._patch(json.loads(body))
            case "POST", "reset":
                return self._reset()
            case "GET", "requests":
                return self.log.entries()
            case "DELETE", "requests":
                return self.log.clear()
            case "GET", "faults":
                return self.faults.as_json()
            case "POST", "faults":
                rules = json.loads(body)
                rules = rules if isinstance(rules, list) else [rules]
                self.faults.add([Rule.from_json(rule) for rule in rules])
                return self.faults.as_json()
            case "DELETE", "faults":
                return self.faults.clear()
            case "GET", "stats":
                return self.log.stats()
        raise _NoSuchEndpoint

    def _patch(self, knobs: Any) -> dict[str, Any]:
        if not isinstance(knobs, dict):
            raise BadKnob("Settings are changed with a JSON object of knobs.")
        with self._lock:
            self.settings = self.settings.with_knobs(knobs)
            return self.settings.as_json()

    def _reset(self) -> None:
        with self._lock:
            self.settings = self._start_settings
        self.faults.clear()
        # A new one: a request that is still in progress is none of the next test's.
        self.log = RequestLog()


class _NoSuchEndpoint(Exception):
    pass


def _json(status: int, value: Any) -> Answer:
    return Answer(status, "application/json", json.dumps(value).encode() + b"\n")
