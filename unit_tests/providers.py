"""The two providers as the tests see them: canned answers, and a list of what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
import requests_mock

SEVEN = "https://gateway.seven.io/api"
SMSFACTOR = "https://api.smsfactor.com"
ANSWERS = Path(__file__).parent / "answers"


class Asked(NamedTuple):
    method: str
    url: str
    query: dict[str, str]


class Providers:
    """Answers as told; whatever it was not told about cannot be reached."""

    def __init__(self, mocker: requests_mock.Mocker) -> None:
        self._mocker = mocker

    def answer(self, url: str, body: Any, status: int = 200, **headers: str) -> None:
        """Answers a URL from now on. The body: bytes, a canned file's name, or a function of the request."""
        self._mocker.get(url, content=_content(body), status_code=status, headers=_headers(headers))

    def answer_in_turn(self, url: str, *answers: str | bytes | Exception | dict[str, Any]) -> None:
        """Each of the answers once, the last one for ever: a body, a failure, or what the mock library takes."""
        self._mocker.get(url, [_one_of_several(answer) for answer in answers])

    @property
    def requests(self) -> list[requests.PreparedRequest]:
        """What was sent, in order of arrival."""
        return self._mocker.request_history

    @property
    def asked(self) -> list[Asked]:
        """What was asked, sorted, because several workers ask at once."""
        return sorted((_asked(request) for request in self.requests), key=str)


def canned(name: str) -> bytes:
    """An answer from `answers/`, as the provider sends it."""
    return (ANSWERS / name).read_bytes()


def canned_json(name: str) -> Any:
    return json.loads(canned(name))


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def query_of(request: requests.PreparedRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


def _asked(request: requests.PreparedRequest) -> Asked:
    return Asked(request.method, request.url.partition("?")[0], query_of(request))


def _content(body: Any) -> bytes | Callable[..., bytes]:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return canned(body)
    return lambda request, _context: body(request)


def _one_of_several(answer: str | bytes | Exception | dict[str, Any]) -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    return {"exc": answer} if isinstance(answer, Exception) else {"content": _content(answer)}


def _headers(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): text for name, text in headers.items()}
