"""Response bodies: whole, of a bounded size, strict JSON."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable

import requests

from source_sms_providers.parsing import parse_strict_json

MAX_BODY_BYTES = 64 * 1024 * 1024
"""200 times the largest known response, the price list of the world."""

WINDOW_BITS = {
    "gzip": (zlib.MAX_WBITS + 16,),
    "x-gzip": (zlib.MAX_WBITS + 16,),
    # Some servers send raw deflate data without the zlib header (RFC 9110, 8.4.1.2).
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),
}
"""Content-Encoding -> the `wbits` of zlib to try. Any other value, like `none` or `utf-8`, names no compression."""

NOT_JSON = "sent something other than the JSON that its API promises"
TOO_LARGE = "sent more data than this connector accepts"


class InvalidResponse(Exception):
    """No whole, readable response was received; the text completes the sentence '<provider> …'."""


def read_body(chunks: Iterable[bytes]) -> bytes:
    """Join the chunks of a body, still compressed. Raises InvalidResponse beyond MAX_BODY_BYTES."""
    raw = bytearray()
    for chunk in chunks:
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise InvalidResponse(TOO_LARGE)
    return bytes(raw)


def attach_body(response: requests.Response, raw: bytes) -> None:
    """Give a response the body that was received for it, and a strict `json()`.

    Raises InvalidResponse if HTTP 200 comes with a body that is not whole JSON. Any other status speaks for itself:
    an unreadable body counts as empty.
    """
    try:
        body = _decompressed(raw, response.headers.get("Content-Encoding", "").strip().lower())
        parsed = parse_strict_json(body)
    except (InvalidResponse, ValueError, RecursionError) as error:
        if response.status_code == requests.codes.ok:
            raise error if isinstance(error, InvalidResponse) else InvalidResponse(NOT_JSON) from None
        body = b""
    else:
        # Each error filter and the extractor call it.
        response.json = lambda **_: parsed  # type: ignore[method-assign]
    response.raw = io.BytesIO(body)


def _decompressed(raw: bytes, encoding: str) -> bytes:
    """Raises InvalidResponse for a body that is cut off (urllib3 accepts it), corrupt or too large."""
    body = raw
    for window_bits in WINDOW_BITS.get(encoding, ()):
        try:
            body = _inflated(raw, window_bits)
            break
        except zlib.error:
            continue
    else:
        if encoding in WINDOW_BITS:
            raise InvalidResponse(NOT_JSON)
    if len(body) > MAX_BODY_BYTES:
        raise InvalidResponse(TOO_LARGE)
    return body


def _inflated(raw: bytes, window_bits: int) -> bytes:
    body = bytearray()
    while raw and len(body) <= MAX_BODY_BYTES:
        inflate = zlib.decompressobj(window_bits)
        body += inflate.decompress(raw, MAX_BODY_BYTES + 1 - len(body))
        if not inflate.eof and len(body) <= MAX_BODY_BYTES:
            raise InvalidResponse("sent a response that is cut off")
        # A gzip body can have several members, and zeros after them.
        raw = inflate.unused_data.lstrip(b"\0")
    return bytes(body)
