from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration_tests.sandbox.client import Sandbox

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
