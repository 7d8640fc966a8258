"""What the tables of the daily streams must hold: the contract of the syncs, as a small model beside `expected.py`.

> After a sync that succeeds, the deduped table of each daily stream says, for every day, what the provider said of it
> when it was last read; and a day is read again by every sync until one has read it at an age of at least
> `lookback_days`.

Knows nothing of the connector but which days a sync delivered.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from .expected import daily_records
from .sandbox import world
from .sandbox.settings import Settings
from .streams import BY_ACCOUNT, DAILY, GROUPED, PRIMARY_KEYS

Key = tuple[Any, ...]
Row = Mapping[str, Any]
Rows = Mapping[Key, Row]
"""Rows by their primary key, without nulls and `retrieved_at`."""
StreamDay = tuple[str, str]
"""A stream and a day, YYYY-MM-DD."""
Tables = Mapping[StreamDay, Rows]
"""What the tables of the streams hold of each day."""

FIGURES = (*world.COUNTERS, "usage_eur", "consumption")


@dataclass(frozen=True)
class DayTable:
    """What a table holds of a day. Rows of zeros say what no row says, so they may be missing, and others be there."""

    rows: Rows
    undecided: Rows = field(default_factory=dict)
    """Rows with usage in the place of zeros of `rows`: nothing that the provider says tells which is right."""

    def faults(self, found: Rows) -> list[str]:
        """A sentence for each row that is wrong or missing."""
        if not found:
            return ["there is no row"]
        return [
            f"the table says {found.get(key)}, right is {self.rows.get(key)}"
            for key in dict.fromkeys((*self.rows, *found))
            if has_usage(self.rows.get(key, {})) or has_usage(found.get(key, {}))
            if found.get(key) != self.rows.get(key) and found.get(key) != self.undecided.get(key, {})
        ]


class Contract:
    """What one connection's tables must hold, followed from sync to sync."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._start = date.fromisoformat(config["start_date"])
        self._settled: set[StreamDay] = set()
        self._possible: dict[StreamDay, list[DayTable]] = {}

    def due(self, today: date) -> list[StreamDay]:
        """The complete days that a sync must read."""
        days = [str(self._start + timedelta(days=n)) for n in range((today - self._start).days)]
        return [(stream, day) for stream in DAILY for day in days if (stream, day) not in self._settled]

    def took(
        self, settings: Settings, before: Tables, whole: Collection[StreamDay], cut: Collection[StreamDay] = ()
    ) -> None:
        """A sync of the sandbox with these settings read some days whole, and of others not all rows arrived.

        `before` is what the tables held when it began.
        """
        if not (whole or cut):
            return
        days = [date.fromisoformat(day) for _, day in (*whole, *cut)]
        said = _Said(settings, self._config, min(days), max(days))
        for stream, day in whole:
            self._possible[stream, day] = [said.table(stream, day, before.get((stream, day), {}))]
            if settings.today_date() - date.fromisoformat(day) >= timedelta(days=self._config["lookback_days"]):
                self._settled.add((stream, day))
        for stream, day in cut:
            # Which of them the table holds is open, until a sync reads the day again.
            self._possible.setdefault((stream, day), []).append(said.table(stream, day, before.get((stream, day), {})))

    def faults(self, tables: Tables, today: date) -> list[str]:
        """A sentence for each row of a complete day that is wrong or missing after a sync that succeeded."""
        faults = []
        for (stream, day), possible in self._possible.items():
            if day < str(today):
                found = tables.get((stream, day), {})
                fewest = min((table.faults(found) for table in possible), key=len)
                faults += [f"{stream}, {day}: {fault}" for fault in fewest]
        return faults

    def tables(self) -> dict[StreamDay, Rows]:
        """The tables, if each sync read whole days only."""
        return {stream_day: table.rows for stream_day, [table] in self._possible.items()}


class _Said:
    """What the providers say at one moment of the days from `first` to `last`."""

    def __init__(self, settings: Settings, config: Mapping[str, Any], first: date, last: date) -> None:
        self._today = settings.today_date()
        self._tables = by_day(daily_records(settings, config, self._today, first, last))
        self._listed = {str(account_id) for account_id, _ in world.smsfactor_accounts(settings)}
        self._companies = {each.account_id: each.company for each in world.seven_subaccounts(settings, self._today)}

    def table(self, stream: str, day: str, before: Rows) -> DayTable:
        """What the table must hold of a day that is read at that moment."""
        rows = self._tables[stream, day]
        gone = {key: row for key, row in before.items() if key not in rows}
        stay, undecided = self._of_lost_accounts(stream, day, rows, before)
        zeros = {key: self._without_usage(row) for key, row in gone.items()}
        return DayTable({**rows, **zeros, **stay}, undecided)

    def _of_lost_accounts(self, stream: str, day: str, rows: Rows, before: Rows) -> tuple[Rows, Rows]:
        """Of the rows that the table had: those that must stay as they are, and those that may."""
        if stream == "consumption":
            return {key: row for key, row in before.items() if row["account_id"] not in self._listed}, {}
        if stream == BY_ACCOUNT:
            return self._of_deleted_accounts(day, rows, before), {}
        if stream not in GROUPED:
            return {}, {}
        gone = {key: row for key, row in before.items() if key not in rows and has_usage(row)}
        total = _sum(self._tables["analytics", day].values())
        for count in range(len(gone) + 1):
            for keys in itertools.combinations(gone, count):
                if _sum([*rows.values(), *(gone[key] for key in keys)]) == total:
                    return {key: gone[key] for key in keys}, {}
        return {}, gone

    def _of_deleted_accounts(self, day: str, rows: Rows, before: Rows) -> Rows:
        """The rows that the table had of accounts that are not listed, unless the day's total says that they are not
        in it.
        """
        there = {row["account_id"] for row in rows.values()} | {"main", *self._companies}
        gone = {key: row for key, row in before.items() if row["account_id"] not in there and has_usage(row)}
        accounts = sorted({row["account_id"] for row in gone.values()})
        total = _sum(self._tables["analytics", day].values())
        for count in range(len(accounts) + 1):
            for some in itertools.combinations(accounts, count):
                staying = {key: row for key, row in gone.items() if row["account_id"] in some}
                if _sum([*rows.values(), *staying.values()]) == total:
                    return staying
        return gone

    def _without_usage(self, row: Row) -> Row:
        zeros: dict[str, Any] = {name: 0 for name in FIGURES if name in row}
        if "usage_eur" in row and row.get("account_id") in self._companies:
            # The name is the one of the day that the row was read.
            zeros["company"] = self._companies[row["account_id"]]
        return {**row, **zeros, "is_partial": row["date"] == str(self._today)}


def has_usage(row: Row) -> bool:
    return any(row.get(name) for name in FIGURES)


def by_day(records: Mapping[str, Iterable[Row]]) -> dict[StreamDay, Rows]:
    """The rows of the daily streams by stream, day and primary key; nulls and `retrieved_at` are left out."""
    tables: dict[StreamDay, dict[Key, Row]] = {}
    for stream in DAILY:
        for row in records[stream]:
            key = tuple(row[name] for name in PRIMARY_KEYS[stream])
            plain = {name: value for name, value in row.items() if value is not None and name != "retrieved_at"}
            tables.setdefault((stream, row["date"]), {})[key] = plain
    return tables


def _sum(rows: Collection[Row]) -> list[Decimal]:
    return [sum((Decimal(str(row[name])) for row in rows), Decimal(0)) for name in (*world.COUNTERS, "usage_eur")]
