"""The log of provider requests: what the connector really sent, in order of arrival."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

from .messages import Request


class RequestLog:
    """Entries appear when a request arrives and are completed when its answer has been written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._born = time.monotonic()
        self._entries: list[dict[str, Any]] = []
        self._in_progress: list[dict[str, Any]] = []

    def arrived(self, request: Request, headers: dict[str, str], port: int = 0) -> dict[str, Any]:
        """The new entry; hand it to `done`. `headers` are named as the client wrote them, `port` is its own."""
        with self._lock:
            entry = {
                "n": len(self._entries) + 1,
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "headers": headers,
                "connection": port,
                "status": None,
                "started": time.monotonic() - self._born,
                "finished": None,
                "parallel": len(self._in_progress) + 1,
            }
            self._entries.append(entry)
            self._in_progress.append(entry)
            return entry

    def done(self, entry: dict[str, Any], status: int | None) -> None:
        """The request is over; status None = its connection was cut. The last call for an entry holds."""
        with self._lock:
            self._in_progress = [other for other in self._in_progress if other is not entry]
            entry["status"] = status
            entry["finished"] = None if status is None else time.monotonic() - self._born

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(entry) for entry in self._entries]

    def clear(self) -> None:
        """Forgets the entries; requests in progress still count as parallel."""
        with self._lock:
            self._entries = []

    def stats(self) -> dict[str, Any]:
        """How many requests, how many at once at most, and how many a path."""
        entries = self.entries()
        return {
            "count": len(entries),
            "max_parallel": max((entry["parallel"] for entry in entries), default=0),
            "paths": dict(Counter(entry["path"] for entry in entries)),
        }
