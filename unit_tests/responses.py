"""Answers for what reads them without sending anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import requests

from unit_tests.providers import as_json


def response(url: str, body: Any, **query: str) -> requests.Response:
    """The answer to a GET of the URL: bytes as they are, anything else as JSON."""
    answer = requests.Response()
    answer.status_code = 200
    answer._content = body if isinstance(body, bytes) else as_json(body)
    answer.request = requests.Request("GET", url, params=query).prepare()
    return answer


def each(
    answer: Callable[..., requests.Response], *years: tuple[date, date]
) -> Callable[..., Iterator[requests.Response]]:
    """What the connection test has as `answers`: those for these years, asked for one by one."""
    return lambda stream, **settings: (answer(stream, *year, **settings) for year in years)
