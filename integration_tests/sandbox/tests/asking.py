"""Requests to the fake providers without a socket."""

from __future__ import annotations

import json
from typing import Any

from integration_tests.sandbox import seven, smsfactor
from integration_tests.sandbox.messages import Answer, Request
from integration_tests.sandbox.settings import SEVEN_KEY, SMSFACTOR_TOKEN, Settings

TODAY = "2026-03-10"
SETTINGS = Settings(today=TODAY)


def ask_seven(path: str, settings: Settings = SETTINGS, key: str = SEVEN_KEY, **query: str) -> Answer:
    headers = {"x-api-key": key, "accept": "application/json"}
    return seven.answer(settings, Request("GET", f"/api/{path}", query, headers))


def ask_smsfactor(path: str, settings: Settings = SETTINGS, token: str = SMSFACTOR_TOKEN, **query: str) -> Answer:
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    return smsfactor.answer(settings, Request("GET", f"/{path}", query, headers))


def seven_json(path: str, settings: Settings = SETTINGS, **query: str) -> Any:
    return json.loads(ask_seven(path, settings, **query).body)


def smsfactor_json(path: str, settings: Settings = SETTINGS, **query: str) -> Any:
    return json.loads(ask_smsfactor(path, settings, **query).body)


def consumption(settings: Settings = SETTINGS, start: str = "2026-03-02", end: str = "2026-03-02", **query: str) -> Any:
    """`data` of the answer for a range."""
    return smsfactor_json("metrics/consumption", settings, date_start=start, date_end=end, **query)["data"]
