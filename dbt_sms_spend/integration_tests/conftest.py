from __future__ import annotations

from pathlib import Path

import pytest

from dbt_sms_spend.integration_tests.spend import Records, Spend, build, once, with_groups_that_went_away, world


@pytest.fixture(scope="session")
def records() -> Records:
    return world()


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the processes of pytest-xdist share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture(scope="session")
def parsed(shared: Path) -> Path:
    """What dbt has parsed with each set of variables."""
    return once(shared, "parsed", lambda folder: None)


@pytest.fixture(scope="session")
def built(records: Records, shared: Path, parsed: Path) -> Spend:
    """The models of both providers with the variables as they are. Not to be changed: take a `copy`."""
    made = once(shared, "built", lambda folder: build(folder, with_groups_that_went_away(records), parsed))
    return Spend(made, parsed)


@pytest.fixture
def spend(built: Spend, tmp_path: Path) -> Spend:
    """A copy to change."""
    return built.copy(tmp_path / "spend")
