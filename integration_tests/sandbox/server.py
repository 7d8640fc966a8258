"""Sockets: both providers and the control endpoints on one loopback port."""

from __future__ import annotations

import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import control, seven, smsfactor
from .connection import Connection
from .control import Control
from .messages import Request
from .settings import Settings


class SandboxServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 as soon as it exists; port 0 takes any free one."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def __init__(self, settings: Settings, port: int) -> None:
        self.control = Control(settings)
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look its host name up, which can take seconds without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> None:
        """Serves in a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stops listening and wakes every answer that waits; does not wait for those in progress."""
        self.stopping.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: SandboxServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # The caller went away or a fault cut the connection: nothing is left to answer.
            self.close_connection = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path.startswith(control.PREFIX):
            keeps_alive = not self.close_connection
            connection = Connection(self.connection, self.server.stopping, keeps_alive=keeps_alive)
            connection.send(self.server.control.answer(self.command, url.path, body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        self._answer_as_provider(Request(self.command, url.path, query, headers))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def _answer_as_provider(self, request: Request) -> None:
        settings, log = self.server.control.settings, self.server.control.log
        entry = log.arrived(request, dict(self.headers.items()), self.client_address[1])
        connection = Connection(
            self.connection,
            self.server.stopping,
            keeps_alive=not self.close_connection,
            takes_gzip="gzip" in request.headers.get("accept-encoding", "").lower(),
            on_end=lambda status: log.done(entry, status),
        )
        try:
            connection.pause(settings.latency)
            provider = seven if request.path == "/api" or request.path.startswith("/api/") else smsfactor
            right = provider.answer(settings, request)
            fault = self.server.control.faults.take(request)
            if fault is None:
                connection.send(right)
            else:
                fault.play(right, connection)
        except BaseException:
            log.done(entry, None)
            raise
        self.close_connection = self.close_connection or connection.must_close

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal: the log is at /__sandbox/requests."""
