from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration_tests.quick_building import quick_building as quick_building
from integration_tests.sandbox.client import Sandbox
from source_sms_providers.session import SyncSession

TODAY = "2026-03-10"


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(today=TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The providers, as they were at the start: its day is TODAY."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets the waits before another try pass at once; gives the seconds that they would have taken."""
    waits: list[float] = []
    monkeypatch.setattr(SyncSession, "wait", lambda _, seconds: waits.append(seconds))
    return waits
