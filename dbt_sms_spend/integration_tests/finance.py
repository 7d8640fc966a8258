"""Worlds whose balances follow from their usage, with top-ups that the ledger has to find."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from dbt_sms_spend.integration_tests.spend import FIRST_DAY, TODAY, Records
from integration_tests.expected_finance import FINANCE_MARTS as FINANCE_MARTS
from integration_tests.expected_spend import exact

# Columns that are the same in all rows of a build.
OF_THE_BUILD = ("source_relation", "built_at", "x_source_relation")

DAY = datetime.timedelta(days=1)
EVERY_DAY = [FIRST_DAY + n * DAY for n in range((TODAY - FIRST_DAY).days + 1)]


def with_balances(
    records: Records,
    top_ups: Mapping[str, Mapping[str, str]],
    days: Iterable[datetime.date] = EVERY_DAY,
    share_before: Callable[[datetime.date], float] = lambda day: 0,
    currency: str = "EUR",
) -> Records:
    """Snapshots of both main accounts on `days`.

    `top_ups` are stream -> day -> amount. A snapshot is taken after `share_before` of the usage of its day: 0 at the
    start of the day, 1 at its end. Top-ups are made when their day ends, just before a snapshot at its end.
    """
    used = {
        "balance": {row["date"]: exact(row["usage_eur"]) for row in records["analytics"]},
        "credits": _units(records),
    }
    changed = dict(records)
    for stream, column, opening in (("balance", "amount", Decimal(2000)), ("credits", "credits", Decimal(400000))):
        template = records[stream][-1]
        balance, snapshots = opening, []
        for day in EVERY_DAY:
            of_day = used[stream].get(str(day), Decimal())
            share = exact(share_before(day))
            credit = Decimal(top_ups.get(stream, {}).get(str(day), "0"))
            if day in days:
                amount = balance - of_day * share + (credit if share == 1 else 0)
                snapshots.append({**template, "date": str(day), column: amount})
                if stream == "balance":
                    snapshots[-1]["currency"] = currency
            balance += credit - of_day
        changed[stream] = snapshots
    return changed


def _units(records: Records) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for row in records["consumption"]:
        units[row["date"]] = units.get(row["date"], Decimal()) + exact(row["consumption"])
    return units


def at_any_time(seed: int) -> Callable[[datetime.date], float]:
    return lambda day: round(random.Random(f"{seed}:{day}").random(), 3)


def without(records: Records, stream: str, day: str) -> Records:
    return {**records, stream: [row for row in records[stream] if row["date"] != day]}


def of_the_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the columns of the build."""
    return [{name: value for name, value in row.items() if name not in OF_THE_BUILD} for row in rows]
