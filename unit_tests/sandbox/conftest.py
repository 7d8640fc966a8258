from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration_tests.sandbox.client import Sandbox
from unit_tests.sandbox.asking import TODAY


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(today=TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """A sandbox on a real socket, fresh for each test."""
    running_sandbox.reset()
    return running_sandbox
