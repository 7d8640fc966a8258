"""The sandbox as tests use it: a process of its own and its control endpoints as methods."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .settings import SEVEN_KEY, SMSFACTOR_TOKEN, Settings

_REPOSITORY = Path(__file__).resolve().parents[2]
_READY = "sandbox ready at "
# Without this a proxy named in the environment would be asked for 127.0.0.1.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Sandbox:
    """`with Sandbox(today="2026-03-10") as sandbox:` runs the server on a free port meanwhile.

    The knobs given here are those that `reset` returns to.
    """

    def __init__(self, **knobs: Any) -> None:
        self._knobs = knobs
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Sandbox:
        settings = [f"--set={name}={json.dumps(value)}" for name, value in self._knobs.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "integration_tests.sandbox", "--port=0", *settings],
            cwd=_REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(_READY):
            self.__exit__()
            raise RuntimeError("The sandbox did not start; its error output says why.")
        self.url = line.removeprefix(_READY).strip()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    @property
    def seven_base_url(self) -> str:
        return f"{self.url}/api"

    @property
    def smsfactor_base_url(self) -> str:
        return self.url

    def set(self, **knobs: Any) -> None:
        """Changes knobs, all at once; raises ValueError with the server's sentence if one is refused."""
        self._control("PATCH", "settings", knobs)

    def settings(self) -> Settings:
        """The knobs in force."""
        return Settings().with_knobs(self._control("GET", "settings"))

    def today(self) -> datetime.date:
        """The day that the servers take for today."""
        return self.settings().today_date()

    def reset(self) -> None:
        """Settings as at the start, no faults, an empty log."""
        self._control("POST", "reset")

    def fault(self, kind: str, **rule: Any) -> None:
        """Adds one fault rule: path, query, skip, times and the kind's own arguments."""
        self._control("POST", "faults", {"kind": kind, **rule})

    def faults(self) -> list[dict[str, Any]]:
        """The rules with what is left of them and how often each `struck`."""
        return list(self._control("GET", "faults"))

    def clear_faults(self) -> None:
        self._control("DELETE", "faults")

    def requests(self) -> list[dict[str, Any]]:
        """The provider requests since the start or the last clearing, in order of arrival."""
        return list(self._control("GET", "requests"))

    def clear_requests(self) -> None:
        self._control("DELETE", "requests")

    def stats(self) -> dict[str, Any]:
        """count, max_parallel, and paths: how many requests a path."""
        return dict(self._control("GET", "stats"))

    def place(self) -> dict[str, Any]:
        """What of a connector config says where and when it reads: here, from three days before today."""
        return {
            "start_date": (self.today() - datetime.timedelta(days=3)).isoformat(),
            "seven_base_url": self.seven_base_url,
            "smsfactor_base_url": self.smsfactor_base_url,
        }

    def config(self, **overrides: Any) -> dict[str, Any]:
        """A connector config that reads from here, from three days before today, as fast as it can."""
        return {
            **self.place(),
            "seven_api_key": SEVEN_KEY,
            "smsfactor_api_token": SMSFACTOR_TOKEN,
            "requests_per_second": 1_000_000,
            **overrides,
        }

    def _control(self, method: str, endpoint: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/__sandbox/{endpoint}", data, method=method)
        try:
            with _OPENER.open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise ValueError(json.load(refused)["error"]) from None
