"""The body of an answer: whole, of a bounded size, and strict JSON."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from typing import Any

import requests

from source_sms_providers.parsing import strict_json

MAX_BODY_BYTES = 64 * 1024 * 1024
"""200 times the largest answer known, the world's price list."""

DEFLATE, GZIP = zlib.MAX_WBITS, zlib.MAX_WBITS + 16
"""The `window_bits` of zlib for the two compressions that a request accepts."""

NO_JSON = "sent something else than the JSON its API promises"
TOO_LARGE = "sent more data than this connector takes"


class InvalidResponse(Exception):
    """What was received is no whole answer; the text goes on as '<provider> <text>'."""


def received(parts: Iterable[bytes]) -> bytes:
    """The parts of a body as it travels, joined. Raises InvalidResponse for more than MAX_BODY_BYTES."""
    raw = bytearray()
    for part in parts:
        raw += part
        if len(raw) > MAX_BODY_BYTES:
            raise InvalidResponse(TOO_LARGE)
    return bytes(raw)


def attach_body(response: requests.Response, raw: bytes) -> None:
    """Gives a response the body that was received for it, and a `json()` that is strict.

    Raises InvalidResponse for an HTTP 200 whose body is no whole JSON. Any other status says enough by
    itself: a body that cannot be read counts as none.
    """
    try:
        body = decoded(raw, response.headers.get("Content-Encoding", ""))
        parsed = _parsed(body)
    except InvalidResponse:
        if response.status_code == requests.codes.ok:
            raise
        body = b""
    else:
        # The error filters and the extractor each ask for it.
        response.json = lambda **_: parsed  # type: ignore[method-assign]
    response.raw = io.BytesIO(body)


def decoded(raw: bytes, encoding: str) -> bytes:
    """A body without its compression.

    Raises InvalidResponse for one that is cut off (urllib3 lets it pass), that is not what its encoding
    says, or that is more than MAX_BODY_BYTES.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw
    try:
        body = _inflated(raw, DEFLATE if encoding == "deflate" else GZIP)
    except EOFError:
        raise InvalidResponse("sent an answer that is cut off") from None
    except zlib.error:
        raise InvalidResponse(NO_JSON) from None
    if len(body) > MAX_BODY_BYTES:
        raise InvalidResponse(TOO_LARGE)
    return body


def _inflated(raw: bytes, window_bits: int) -> bytes:
    body = bytearray()
    while raw and len(body) <= MAX_BODY_BYTES:
        inflate = zlib.decompressobj(window_bits)
        body += inflate.decompress(raw, MAX_BODY_BYTES + 1 - len(body))
        if not inflate.eof and len(body) <= MAX_BODY_BYTES:
            raise EOFError
        # A body of several members, which zeros may follow.
        raw = inflate.unused_data.lstrip(b"\0")
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return strict_json(body)
    except (ValueError, RecursionError):
        raise InvalidResponse(NO_JSON) from None
