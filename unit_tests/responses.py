"""Answers for what reads them without sending anything."""

from __future__ import annotations

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
