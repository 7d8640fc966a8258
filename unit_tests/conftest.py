from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import requests_mock
import time_machine

from integration_tests.quick_building import quick_building as quick_building
from source_sms_providers.session import SyncSession
from unit_tests.breakdown import Breakdown, make_breakdown
from unit_tests.connector import NOW
from unit_tests.providers import Providers
from unit_tests.waiting import Waiting


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stands still at noon (UTC) of 2026-03-10."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """The requester waits without the test doing so; says how long it would have."""
    waiting = Waiting()
    for module in ("requester", "account"):
        monkeypatch.setattr(f"source_sms_providers.http.{module}.time", waiting)
    monkeypatch.setattr(SyncSession, "wait", lambda _, seconds: waiting.sleep(seconds))
    return waiting


@pytest.fixture
def providers(clock: time_machine.Traveller, waiting: Waiting) -> Iterator[Providers]:
    """Both providers, at the time of `clock`; without a test's say nothing answers."""
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        yield Providers(mocker)


@pytest.fixture
def session() -> Iterator[SyncSession]:
    session = SyncSession(4)
    yield session
    session.cancel()


@pytest.fixture
def breakdown(session: SyncSession) -> Callable[..., Breakdown]:
    return partial(make_breakdown, session)
