from __future__ import annotations

from pathlib import Path

import pytest

from dbt_sms_spend.integration_tests.spend import Records, Spend, lay_tables, world


@pytest.fixture(scope="session")
def records() -> Records:
    return world()


@pytest.fixture(scope="session")
def built(records: Records, tmp_path_factory: pytest.TempPathFactory) -> Spend:
    """The models of both providers with the variables as they are. Not to be changed: take a `copy`."""
    spend = Spend(tmp_path_factory.mktemp("built"))
    lay_tables(spend.database, with_groups_that_went_away(records), "sms")
    done = spend.dbt("build", "--exclude", "tag:alert")
    assert done.returncode == 0, done.stdout
    return spend


@pytest.fixture
def spend(built: Spend, tmp_path: Path) -> Spend:
    """A copy to change."""
    return built.copy(tmp_path / "spend")


def with_groups_that_went_away(records: Records) -> Records:
    """As the connector writes them: a row of zeros for a group that a correction took from a day."""
    with_zeros = dict(records)
    for stream, group in (
        ("analytics_by_country", "country"),
        ("analytics_by_label", "label"),
        ("analytics_by_subaccount", "account"),
        ("consumption", "country"),
    ):
        last = records[stream][0]
        zeros = {name: 0 for name, value in last.items() if isinstance(value, (int, float)) and value is not True}
        zeros = {name: zero for name, zero in zeros.items() if not isinstance(last[name], bool)}
        with_zeros[stream] = [*records[stream], {**last, **zeros, group: "gone"}]
    return with_zeros
