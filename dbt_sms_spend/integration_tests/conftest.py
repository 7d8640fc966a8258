from __future__ import annotations

from pathlib import Path

import pytest

from dbt_sms_spend.integration_tests.spend import Records, Spend, build, with_groups_that_went_away, world


@pytest.fixture(scope="session")
def records() -> Records:
    return world()


@pytest.fixture(scope="session")
def built(records: Records, tmp_path_factory: pytest.TempPathFactory) -> Spend:
    """The models of both providers with the variables as they are. Not to be changed: take a `copy`."""
    return build(tmp_path_factory.mktemp("built"), with_groups_that_went_away(records))


@pytest.fixture
def spend(built: Spend, tmp_path: Path) -> Spend:
    """A copy to change."""
    return built.copy(tmp_path / "spend")
