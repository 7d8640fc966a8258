from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration_tests.sandbox.client import Sandbox
from integration_tests.warehouse.three_days import KINDS, ThreeDays
from integration_tests.warehouse.three_weeks import ThreeWeeks
from integration_tests.warehouse.warehouse import (
    CONNECTOR,
    NO_POSTGRES,
    PYAIRBYTE,
    REPOSITORY,
    Warehouse,
    postgres_binaries,
    postgres_server,
)

# These need PyAirbyte's environment, which `make test-warehouse` makes and names in TEST_PYAIRBYTE.
collect_ignore_glob = [] if "TEST_PYAIRBYTE" in os.environ else ["test_*.py"]

if "TEST_PYAIRBYTE" in os.environ:
    # A cancelled run stops its servers too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, Any]]:
    """An empty PostgreSQL database."""
    if os.environ.get("WITHOUT_POSTGRES"):
        pytest.skip("WITHOUT_POSTGRES is set")
    binaries = postgres_binaries()
    if binaries is None:
        pytest.fail(NO_POSTGRES, pytrace=False)
    with postgres_server(binaries) as server:
        yield server


@contextlib.contextmanager
def empty_warehouses(request: pytest.FixtureRequest, folder: Path, schema: str) -> Iterator[dict[str, Warehouse]]:
    """One of each kind; `schema` is PostgreSQL's."""
    where: dict[str, dict[str, Any]] = {"duckdb": {"schema": "main", "db_path": str(folder / "sms_providers.duckdb")}}
    if not os.environ.get("WITHOUT_POSTGRES"):
        where["postgres"] = {"schema": schema, "postgres": request.getfixturevalue("postgres")}
    with contextlib.ExitStack() as stack:
        warehouses = {}
        for kind in where:
            warehouses[kind] = Warehouse(folder / kind, **where[kind])
            stack.callback(warehouses[kind].close)
        yield warehouses


@pytest.fixture(scope="session")
def three_days(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeDays]:
    """Both warehouses after three days of syncs, and how each day left them."""
    folder = tmp_path_factory.mktemp("three_days")
    with empty_warehouses(request, folder, "public") as warehouses, Sandbox(correction_days=2) as sandbox:
        days = ThreeDays(sandbox, warehouses, folder)
        days.run()
        yield days


@pytest.fixture(scope="session")
def three_weeks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ThreeWeeks:
    """Both warehouses as each sync of three weeks left them."""
    folder = tmp_path_factory.mktemp("three_weeks")
    with empty_warehouses(request, folder, "three_weeks") as warehouses, Sandbox() as sandbox:
        return ThreeWeeks(sandbox, warehouses, folder)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres" and os.environ.get("WITHOUT_POSTGRES"):
        pytest.skip("WITHOUT_POSTGRES is set")
    return str(request.param)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the examples need, so that they find no secrets and no database of yours."""
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    (tmp_path / "integration_tests").symlink_to(REPOSITORY / "integration_tests")
    (tmp_path / ".venv").symlink_to(CONNECTOR.parents[1])
    (tmp_path / ".venv-pyairbyte").symlink_to(PYAIRBYTE.parents[1])
    for name in (".venv-models", "dbt_sms_spend", "schemas"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    return tmp_path
