from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from unittest.mock import patch

import pytest
import requests_mock
import time_machine
from airbyte_cdk.sources.declarative import concurrent_declarative_source

from source_sms_providers.command import Command
from unit_tests.connector import NOW
from unit_tests.providers import Providers
from unit_tests.waiting import Waiting


@pytest.fixture(scope="session", autouse=True)
def quick_building() -> Iterator[None]:
    """Each test builds whole sources. The CDK reads its own schema of manifests anew for each, a third of the time."""
    # Not where CDK 7.28 reads it.
    if not hasattr(concurrent_declarative_source, "get_declarative_component_schema"):
        yield
        return
    read_once = cache(concurrent_declarative_source.get_declarative_component_schema)
    with patch.object(concurrent_declarative_source, "get_declarative_component_schema", read_once):
        yield


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stands still at noon (UTC) of 2026-03-10."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """The requester waits without the test doing so; says how long it would have."""
    waiting = Waiting()
    for module in ("requester", "provider"):
        monkeypatch.setattr(f"source_sms_providers.http.{module}.time", waiting)
    monkeypatch.setattr(Command, "wait", lambda _, seconds: waiting.sleep(seconds))
    return waiting


@pytest.fixture
def providers(clock: time_machine.Traveller, waiting: Waiting) -> Iterator[Providers]:
    """Both providers, at the time of `clock`; without a test's say nothing answers."""
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        yield Providers(mocker)
