"""Weekly syncs through PyAirbyte leave in DuckDB and in PostgreSQL what was said of each day when it was last read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from integration_tests.contract import has_usage
from integration_tests.history import THREE_WEEKS
from integration_tests.sandbox.world import COUNTERS
from integration_tests.streams import BY_ACCOUNT, DAILY, GROUPED
from integration_tests.warehouse.three_days import Rows, in_order
from integration_tests.warehouse.three_weeks import ThreeWeeks

SYNCS = range(len(THREE_WEEKS.steps))


@pytest.mark.parametrize("number", SYNCS)
@pytest.mark.parametrize("stream", DAILY)
def test_each_sync_leaves_in_every_table_exactly_the_rows_of_the_contract(
    three_weeks: ThreeWeeks, kind: str, stream: str, number: int
) -> None:
    left = in_order(three_weeks.left[number][kind][stream], stream)
    held = in_order(three_weeks.held(number, stream), stream)
    assert rows_with_usage(left) == rows_with_usage(held)


@pytest.mark.parametrize("number", SYNCS)
@pytest.mark.parametrize("stream", [*GROUPED, BY_ACCOUNT])
def test_each_sync_leaves_groups_that_add_up_to_the_days_of_analytics(
    three_weeks: ThreeWeeks, kind: str, stream: str, number: int
) -> None:
    tables = three_weeks.left[number][kind]
    assert sums_of_days(tables[stream]) == sums_of_days(tables["analytics"])


def rows_with_usage(rows: Rows) -> Rows:
    """Without the name of the account, which may be lost with it. A zero row says what no row says."""
    return [{name: value for name, value in row.items() if name != "company"} for row in rows if has_usage(row)]


def sums_of_days(rows: Rows) -> dict[str, list[Decimal]]:
    sums: dict[str, list[Decimal]] = {}
    for row in rows:
        figures = [Decimal(str(row[name])) for name in (*COUNTERS, "usage_eur")]
        sums[row["date"]] = [sum(pair) for pair in zip(sums.get(row["date"], [Decimal(0)] * 7), figures, strict=True)]
    return sums
