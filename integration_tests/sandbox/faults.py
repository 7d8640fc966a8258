"""Faults: which requests they strike, and what each kind does on the socket.

A rule is a JSON object; see the README for its keys. The first matching rule that has strikes left is played
instead of the right answer.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from .connection import LAST_CHUNK, Connection, chunk
from .messages import Answer, Request

_MATCHING_KEYS = {"kind", "path", "query", "days_over", "skip", "times"}
_BOUNDS = (("start", "end"), ("date_start", "date_end"))


class BadRule(ValueError):
    """A rule is refused; the text is a sentence for the caller."""


@dataclass
class Rule:
    """One fault: `skip` matching requests pass, then `times` are struck (None = for ever)."""

    kind: str
    args: Mapping[str, Any]
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    days_over: int = 0
    skip: int = 0
    times: int | None = 1
    struck: int = 0
    window: list[float] = field(default_factory=list)

    @classmethod
    def from_json(cls, rule: Any) -> Rule:
        """The rule of a JSON object; raises BadRule."""
        if not isinstance(rule, dict):
            raise BadRule("A fault rule is a JSON object.")
        kind = rule.get("kind")
        if kind not in _KINDS:
            raise BadRule(f"There is no fault kind {kind!r}; the kinds are {', '.join(sorted(_KINDS))}.")
        _, required, optional = _KINDS[kind]
        args = {key: value for key, value in rule.items() if key not in _MATCHING_KEYS}
        if missing := required - args.keys():
            raise BadRule(f"Fault {kind} needs {', '.join(sorted(missing))}.")
        if unknown := args.keys() - required - optional:
            raise BadRule(f"Fault {kind} does not take {', '.join(sorted(unknown))}.")
        skip, times = rule.get("skip", 0), rule.get("times", 1)
        if type(skip) is not int or skip < 0 or not (times is None or (type(times) is int and times > 0)):
            raise BadRule("A fault's skip is a whole number from 0, its times a whole number from 1 or null.")
        path, query, days_over = rule.get("path", ""), rule.get("query", {}), rule.get("days_over", 0)
        if not isinstance(path, str) or not isinstance(query, dict) or type(days_over) is not int:
            raise BadRule("A fault's path is a text, its query an object, its days_over a whole number.")
        return cls(kind, args, path, {key: str(value) for key, value in query.items()}, days_over, skip, times)

    def as_json(self) -> dict[str, Any]:
        """The rule with what is left of it and how often it struck."""
        asked = {"path": self.path, "query": dict(self.query), "days_over": self.days_over}
        return {"kind": self.kind, **self.args, **asked, "skip": self.skip, "times": self.times, "struck": self.struck}

    def matches(self, request: Request) -> bool:
        """Whether the rule is about this request, whatever is left of it."""
        is_asked = request.path.startswith(self.path) and self.query.items() <= request.query.items()
        return is_asked and (not self.days_over or _days(request.query) > self.days_over)

    def play(self, right: Answer, connection: Connection) -> None:
        """Spoils the right answer on the connection."""
        if self.kind == "rate_limit" and self._has_room():
            connection.send(right)
        else:
            _KINDS[self.kind][0](self.args, right, connection)

    def _has_room(self) -> bool:
        """Whether a limit of `requests` in each window of `seconds` lets one more request pass."""
        now = time.monotonic()
        if not self.window or now - self.window[0] >= self.args["seconds"]:
            self.window = [now]
            return True
        self.window.append(now)
        return len(self.window) <= self.args["requests"]


class Faults:
    """The rules in force, in the order they were added; safe to use from many threads."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, rules: list[Rule]) -> None:
        with self._lock:
            self._rules.extend(rules)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.as_json() for rule in self._rules]

    def take(self, request: Request) -> Rule | None:
        """The rule that strikes this request, counted as struck."""
        with self._lock:
            for rule in self._rules:
                if rule.times == 0 or not rule.matches(request):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.times is not None:
                    rule.times -= 1
                rule.struck += 1
                return rule
        return None


def _days(query: Mapping[str, str]) -> int:
    for first, last in _BOUNDS:
        with contextlib.suppress(KeyError, ValueError):
            return (date.fromisoformat(query[last]) - date.fromisoformat(query[first])).days + 1
    return 0


def _status(args: Mapping[str, Any], _right: Answer, connection: Connection) -> None:
    answer = Answer(args["code"], "text/html; charset=utf-8", str(args.get("body", "")).encode())
    connection.send(replace(answer, headers=_headers(args)))


def _rate_limit(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    _status({"code": 429, **args}, right, connection)


def _interim(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    connection.raw(f"HTTP/1.1 {args.get('code', 103)} Interim\r\nLink: </style.css>\r\n\r\n".encode())
    connection.pause(args.get("seconds", 0.05))
    connection.send(right)


def _late_body(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    # Of the two statuses that have no body, no length is sent.
    length = None if args["code"] in (204, 304) else 0
    connection.raw(connection.head(replace(right, status=args["code"], may_gzip=False), length=length))
    connection.pause(args.get("seconds", 0.05))
    connection.send(right)


def _body(args: Mapping[str, Any], _right: Answer, connection: Connection) -> None:
    body = base64.b64decode(args["body_b64"]) if "body_b64" in args else str(args.get("body", "")).encode()
    connection.send(Answer(200, args.get("content_type", "application/json"), body, _headers(args)))


def _redirect(args: Mapping[str, Any], _right: Answer, connection: Connection) -> None:
    connection.send(Answer(args.get("code", 302), "text/html", b"", (("Location", args["location"]),)))


def _headers(args: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in args.get("headers", {}).items())


def _reset_before_headers(_args: Mapping[str, Any], _right: Answer, connection: Connection) -> None:
    connection.reset()


def _reset_in_headers(_args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    head = connection.head(right, chunked=True)
    connection.raw(head[: len(head) // 2])
    connection.reset()


def _reset_in_body(_args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    _send_half(right, connection)
    connection.reset()


def _close_in_body(_args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    _send_half(right, connection)
    connection.close()


def _send_half(right: Answer, connection: Connection) -> bytes:
    """Head and first half of the body; returns the half that is due."""
    body = connection.encoded(right)
    connection.raw(connection.head(right, length=len(body)) + body[: len(body) // 2])
    return body[len(body) // 2 :]


def _chunk_cut(_args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    body = connection.encoded(right)
    connection.raw(connection.head(right, chunked=True) + chunk(body[: max(1, len(body) // 2)]))
    connection.close()


def _gzip_cut(_args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    body = gzip.compress(right.body, mtime=0)
    half = body[: len(body) // 2]
    encoded = replace(right, may_gzip=False, headers=(*right.headers, ("Content-Encoding", "gzip")))
    connection.finish(connection.head(encoded, length=len(half)) + half)


def _json_cut(_args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    half = replace(right, body=right.body[: len(right.body) // 2])
    body = connection.encoded(half)
    connection.finish(connection.head(half, length=len(body)) + body)


def _stall_before_headers(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    connection.pause(args["seconds"])
    connection.send(right)


def _stall_in_body(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    rest = _send_half(right, connection)
    connection.pause(args["seconds"])
    connection.finish(rest)


def _drip_headers(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    for byte in connection.head(right, length=len(connection.encoded(right))):
        connection.raw(bytes([byte]))
        connection.pause(1 / args["bytes_per_second"])
    connection.finish(connection.encoded(right))


def _drip(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    body = connection.encoded(right)
    connection.raw(connection.head(right, length=len(body)))
    # At most ten portions a second keep a fast drip from being all overhead.
    portion = max(1, int(args["bytes_per_second"] / 10))
    for start in range(0, len(body), portion):
        connection.pause(portion / args["bytes_per_second"])
        is_last = start + portion >= len(body)
        (connection.finish if is_last else connection.raw)(body[start : start + portion])


def _huge(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    """The first `bytes` bytes of an endless JSON list, in an orderly chunked body."""
    row = b'{"date":"2026-01-01","label":"huge","sms":1,"usage_eur":0.075},'
    block = row * 1024
    connection.raw(connection.head(replace(right, may_gzip=False), chunked=True) + chunk(b"["))
    left = args["bytes"] - 1
    while left > 0:
        connection.raw(chunk(block[:left]))
        left -= len(block)
    connection.finish(LAST_CHUNK)


def _latin1(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    """The right answer in another character set, its content type unchanged."""
    document = _as_json(right)
    # Escaped text is the same bytes in every character set; only written out does the set matter.
    text = right.body.decode() if document is _NO_JSON else json.dumps(document, ensure_ascii=False)
    connection.send(replace(right, body=text.encode(args.get("charset", "latin-1"), errors="replace")))


def _edit(args: Mapping[str, Any], right: Answer, connection: Connection) -> None:
    document = _as_json(right)
    if document is _NO_JSON:
        connection.send(right)
        return
    for path, row in args.get("append_row", {}).items():
        for rows in _found(document, path.split(".") if path else []):
            rows.append(copy.deepcopy(row))
    for path, value in args.get("set", {}).items():
        *parents, key = path.split(".")
        for parent in _found(document, parents):
            for at in _keys(parent, key):
                parent[at] = copy.deepcopy(value)
    for path in args.get("delete", []):
        *parents, key = path.split(".")
        for parent in _found(document, parents):
            for at in reversed(_keys(parent, key)):
                if _has(parent, at):
                    del parent[at]
    connection.send(replace(right, body=json.dumps(document, separators=(",", ":")).encode()))


_NO_JSON = object()


def _as_json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return _NO_JSON


def _found(document: Any, keys: list[str]) -> list[Any]:
    """The values at a path; `*` stands for every row or key, and a path that leads nowhere finds nothing."""
    values = [document]
    for key in keys:
        values = [value[at] for value in values for at in _keys(value, key) if _has(value, at)]
    return values


def _has(parent: Any, at: Any) -> bool:
    return isinstance(parent, list) or at in parent


def _keys(parent: Any, key: str) -> list[Any]:
    if isinstance(parent, list):
        if key == "*":
            return list(range(len(parent)))
        return [int(key)] if key.isdecimal() and int(key) < len(parent) else []
    if isinstance(parent, dict):
        return list(parent) if key == "*" else [key]
    return []


_Play = Callable[[Mapping[str, Any], Answer, Connection], None]

_KINDS: dict[str, tuple[_Play, set[str], set[str]]] = {
    "status": (_status, {"code"}, {"headers", "body"}),
    "rate_limit": (_rate_limit, {"requests", "seconds"}, {"headers"}),
    "interim": (_interim, set(), {"code", "seconds"}),
    "late_body": (_late_body, {"code"}, {"seconds"}),
    "body": (_body, set(), {"body", "body_b64", "content_type", "headers"}),
    "redirect": (_redirect, {"location"}, {"code"}),
    "reset_before_headers": (_reset_before_headers, set(), set()),
    "reset_in_headers": (_reset_in_headers, set(), set()),
    "reset_in_body": (_reset_in_body, set(), set()),
    "close_in_body": (_close_in_body, set(), set()),
    "chunk_cut": (_chunk_cut, set(), set()),
    "gzip_cut": (_gzip_cut, set(), set()),
    "json_cut": (_json_cut, set(), set()),
    "stall_before_headers": (_stall_before_headers, {"seconds"}, set()),
    "stall_in_body": (_stall_in_body, {"seconds"}, set()),
    "drip": (_drip, {"bytes_per_second"}, set()),
    "drip_headers": (_drip_headers, {"bytes_per_second"}, set()),
    "huge": (_huge, {"bytes"}, set()),
    "latin1": (_latin1, set(), {"charset"}),
    "edit": (_edit, set(), {"set", "delete", "append_row"}),
}
"""Kind -> (what it does, arguments it needs, arguments it may have)."""
