"""One provider answer on one socket: the right way, and the pieces from which faults are made."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from .messages import Answer


class Connection:
    """Writes one answer; `must_close` says afterwards that no further request can follow on it.

    `on_end` hears the status just before the last bytes go out, or None just before the answer is cut:
    whoever has read the answer can rely on the log.
    """

    def __init__(
        self,
        sock: socket.socket,
        stopping: threading.Event,
        *,
        keeps_alive: bool = True,
        takes_gzip: bool = False,
        on_end: Callable[[int | None], None] = lambda status: None,
    ) -> None:
        self._sock = sock
        self._stopping = stopping
        self._keeps_alive = keeps_alive
        self._takes_gzip = takes_gzip
        self._on_end = on_end
        self._status: int | None = None
        self.must_close = False

    def send(self, answer: Answer) -> None:
        """The whole answer, chunked, gzip when answer and caller both allow it."""
        body = self.encoded(answer)
        if body:
            self.finish(self.head(answer, chunked=True) + chunk(body) + LAST_CHUNK)
        else:
            self.finish(self.head(answer, length=0))

    def encoded(self, answer: Answer) -> bytes:
        """The body as it travels, before chunking."""
        return gzip.compress(answer.body, compresslevel=1, mtime=0) if self._gzips(answer) else answer.body

    def head(self, answer: Answer, *, chunked: bool = False, length: int | None = None) -> bytes:
        """Status line and headers, with the framing asked for."""
        self._status = answer.status
        headers = [("Content-Type", answer.content_type), *answer.headers]
        if self._gzips(answer):
            headers.append(("Content-Encoding", "gzip"))
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        if not self._keeps_alive:
            headers.append(("Connection", "close"))
        if length is not None:
            headers.append(("Content-Length", str(length)))
        lines = [
            f"HTTP/1.1 {answer.status} {_reason(answer.status)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def raw(self, data: bytes) -> None:
        """These bytes, at once; more will follow."""
        self._sock.sendall(data)

    def finish(self, data: bytes) -> None:
        """The last bytes of the answer."""
        self._on_end(self._status)
        self._sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """Waits; raises ConnectionAbortedError as soon as the server stops or the caller goes away."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stopping.wait(min(left, _LOOK_AGAIN)) or self._caller_is_gone():
                raise ConnectionAbortedError("Nobody waits for this answer any more.")

    def close(self) -> None:
        """Ends the answer here: the caller sees an orderly end of the stream."""
        self._on_end(None)
        self.must_close = True

    def reset(self) -> None:
        """Ends the answer here: the caller sees the connection reset."""
        self._on_end(None)
        self.must_close = True
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # By descriptor: socketserver shuts a socket down before it closes it, and sends an orderly end so.
        os.close(self._sock.detach())

    def _caller_is_gone(self) -> bool:
        try:
            return self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False

    def _gzips(self, answer: Answer) -> bool:
        return answer.may_gzip and self._takes_gzip


LAST_CHUNK = b"0\r\n\r\n"
_LOOK_AGAIN = 0.05
"""Seconds between two looks at whether the caller still waits."""


def chunk(data: bytes) -> bytes:
    """Data framed as one chunk; not empty, which would end the body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
