"""A ClickHouse server for dbt-clickhouse: chdb, which is ClickHouse as a library, behind its HTTP protocol.

`python clickhouse.py FOLDER` serves on a free port of this computer, which it prints, until its standard input closes.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session

# Parameters of the protocol; all others are settings of the query.
OF_PROTOCOL = {
    *("query", "database", "session_id", "session_check", "session_timeout", "query_id", "default_format"),
    *(
        "client_protocol_version",
        "wait_end_of_query",
        "buffer_size",
        "compress",
        "decompress",
        "enable_http_compression",
    ),
    *("http_headers_progress_interval_ms", "send_progress_in_http_headers", "user", "password"),
}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.session = Session(folder)
        self.one_at_a_time = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        parameters = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = self.body().decode()
        query = "\n".join(part for part in (parameters.get("query"), body) if part).strip()
        try:
            self.answer(200, self.run(query, parameters))
        except Exception as error:
            self.answer(500, str(error).encode())

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def run(self, query: str, parameters: dict[str, str]) -> bytes:
        session = self.server.session
        with self.server.one_at_a_time:
            # The session is one for all: what a query sets is put back after it.
            if parameters.get("database"):
                session.query(f"USE `{parameters['database']}`")
            settings = {name: value for name, value in parameters.items() if name not in OF_PROTOCOL}
            if settings:
                session.query("SET " + ", ".join(f"{name} = '{value}'" for name, value in settings.items()))
            result = session.query(query, "TabSeparated")
            return bytes(result.bytes())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status != 200:
            self.send_header("X-ClickHouse-Exception-Code", "1")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    server = Server(sys.argv[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
