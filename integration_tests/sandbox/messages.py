"""A request and an answer as the two fake providers see them: values without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request; header names in lower case, of a repeated query parameter the last value."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def accepts_json(self) -> bool:
        """Whether the caller asks for JSON by name; `*/*` does not, at either provider."""
        return "application/json" in self.headers.get("accept", "").lower()


@dataclass(frozen=True)
class Answer:
    """One answer before transfer: `body` is neither compressed nor chunked yet."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    may_gzip: bool = False


def php_json(value: Any) -> bytes:
    """JSON as PHP's json_encode writes it: compact, `\\/` and `\\uXXXX`."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


METHOD_REFUSED = Answer(405, "text/plain", b"", (("Allow", "GET"),))
"""The connector only reads: any other method is refused by both servers, and the log shows it."""
