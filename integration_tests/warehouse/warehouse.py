"""What the tests use: a PostgreSQL server, a warehouse behind PyAirbyte, and the connector at another moment."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
CONNECTOR = Path(sys.executable).with_name("source-sms-providers")
PYAIRBYTE = Path(os.environ.get("TEST_PYAIRBYTE", "")).absolute()
# As a password generator makes them: with what has a meaning in a URL.
PASSWORD = "wa/re@ho:us%e?"
NO_POSTGRES = (
    "PostgreSQL's initdb and pg_ctl are neither on PATH nor in /usr/lib/postgresql. Install them (Debian and Ubuntu: "
    "apt-get install postgresql; macOS: brew install postgresql), or set WITHOUT_POSTGRES=1 to test DuckDB alone."
)


def environment(folder: Path) -> dict[str, str]:
    """For PyAirbyte: it tells nobody, asks no registry, and logs into the folder."""
    return {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "AIRBYTE_OFFLINE_MODE": "1",
        "AIRBYTE_LOGGING_ROOT": str(folder / "logs"),
    }


class Warehouse:
    """A database that PyAirbyte syncs into; see worker.py."""

    def __init__(self, folder: Path, schema: str, **where: Any) -> None:
        folder.mkdir()
        self.where = {"schema": schema, **where}
        self._schema = schema
        self._log = folder / "worker.log"
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [
                    PYAIRBYTE,
                    "-W",
                    "ignore",
                    Path(__file__).with_name("worker.py"),
                    json.dumps({"cache_dir": str(folder), "schema": schema, **where}),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment(folder),
            )

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def printed(self) -> str:
        """What PyAirbyte printed, the connector's errors among it."""
        return self._log.read_text(encoding="utf-8")

    def start_sync(self, connector: Path, config: dict[str, Any]) -> None:
        self._send(sync={"connector": str(connector), "config": config})

    def finish_sync(self) -> dict[str, Any]:
        """Its number of `records`, or its `error`."""
        return self._receive()

    def rows(self, *queries: str) -> list[list[dict[str, Any]]]:
        """The rows that each query answers."""
        self._send(queries=queries)
        answer = self._receive()
        assert "error" not in answer, answer["error"]
        return [
            [dict(zip(result["columns"], row, strict=True)) for row in result["rows"]] for result in answer["results"]
        ]

    def columns(self) -> dict[str, dict[str, str]]:
        """Table -> column -> its type as the database names it, without those that PyAirbyte adds."""
        [rows] = self.rows(
            "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale "
            f"FROM information_schema.columns WHERE table_schema = '{self._schema}' ORDER BY ordinal_position"
        )
        tables: dict[str, dict[str, str]] = {}
        for row in rows:
            if not row["column_name"].startswith("_airbyte_") and not row["table_name"].startswith("_airbyte_"):
                size = f"({row['numeric_precision']},{row['numeric_scale']})" if row["data_type"] == "numeric" else ""
                tables.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"] + size
        return tables

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Table -> its rows, JSON columns as text, without the columns that PyAirbyte adds."""
        columns = self.columns()
        answers = self.rows(*(f"SELECT {_selected(columns[table])} FROM {self._schema}.{table}" for table in columns))
        return dict(zip(columns, answers, strict=True))

    def _send(self, **request: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"PyAirbyte's process ended:\n{self.printed()[-2000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _selected(columns: dict[str, str]) -> str:
    return ", ".join(
        f'CAST("{column}" AS VARCHAR) AS "{column}"' if kind.lower() == "json" else f'"{column}"'
        for column, kind in columns.items()
    )


def connector_at(folder: Path, moment: str) -> Path:
    """The connector as a command that takes `moment` for now."""
    script = folder / moment.replace(":", "") / "source-sms-providers"
    script.parent.mkdir()
    command = shlex.join([f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "integration_tests.at", moment])
    script.write_text(f'#!/bin/sh\nexec env {command} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


def postgres_binaries() -> Path | None:
    """The folder with initdb and pg_ctl, of the newest version that is not on PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    return folders[-1] if folders else None


@contextlib.contextmanager
def postgres_server(binaries: Path) -> Iterator[dict[str, Any]]:
    """An empty database on a free port of this computer: the arguments of PostgresCache. Gone afterwards."""
    # PostgreSQL refuses to run as root.
    user = ("postgres" if _has_user("postgres") else "nobody") if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="sms-providers-postgres-") as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        if user:
            account = pwd.getpwnam(user)
            for path in (folder, password):
                os.chown(path, account.pw_uid, account.pw_gid)

        def run(program: str, *arguments: str) -> None:
            done = subprocess.run(
                [binaries / program, "-D", folder / "data", *arguments],
                cwd=folder,
                user=user,
                extra_groups=[] if user else None,
                env={**os.environ, "HOME": name, "LC_ALL": "C"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            log = folder / "log"
            assert done.returncode == 0, done.stdout + (log.read_text() if log.exists() else "")

        run(
            "initdb",
            "--username=warehouse",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        )
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "start", "--wait", f"--log={folder / 'log'}", f"--options={options}")
        try:
            yield {
                "host": "127.0.0.1",
                "port": port,
                "username": "warehouse",
                "password": PASSWORD,
                "database": "postgres",
            }
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")


def _has_user(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
