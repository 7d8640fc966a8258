"""What the tables of the daily streams must hold: the contract of the syncs, as a small model beside `expected.py`.

After a sync that succeeds, the deduped table of each daily stream holds, for every day, what the provider reported when
that day was last read. A day is read again by every sync until one has read it at an age of at least `lookback_days`.
Beyond that, for each complete day that was read:

- R1. The rows of each grouping of seven.io add up to the row of `analytics`: messages exactly, costs within half a cent
  a row. What the groups lack is a row of the empty group (by account and country: of an account and the country `""`).
  Where the groups are more than the total, they stay as they were sent.
- R2. A group that is missing, and was there before, stays if the total still needs it, and is zero otherwise. If no
  choice of missing groups adds up and the total can hold them all, all of them stay.
- R3. SMSFactor: a country that its account lacks is zero. Of accounts that are missing, those stay that the listed ones
  need to add up to the group total, and the others are zero. Without a total, or if nothing adds up, an account is zero
  that exists or has become part of other accounts, and one that was deleted keeps its rows.
- R4. A day that seven.io leaves out fails if it ever reported one at least that old; otherwise it is zero. Once the day
  is older than `lookback_days`, and was read before or failed in a sync of an earlier date, its rows may stay without
  a failure. A day that was never read has no row then, not even zeros.
- R5. A kill loses nothing: the next whole reading writes what the state named, whether it had arrived or not.
- R6. Filters that change take nothing back: rows of the former ones stay as they are.
- R7. No row of a complete day that was read again is partial.
- R8. While a day runs, nothing of it is taken back, and there is no rest.

Knows nothing of the connector but which days a sync delivered, and what the saved state names.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
Amounts = tuple[Decimal, ...]
"""The amounts of a row in the order of `FIGURES`."""

FIGURES = (*world.COUNTERS, "usage_eur", "consumption")
_USAGE = FIGURES.index("usage_eur")
_HALF_A_CENT = Decimal("0.005")
_OF_SEVEN = ("analytics", *GROUPED, BY_ACCOUNT)
_LAST_READING: Key = ()
"""In the place of a row: the filters of the last reading of a day."""
_MOST_SEARCHED = 12
"""Of more missing groups it is not searched whether some of them add up: then any choice that adds up is right."""


class Contract:
    """What one connection's tables must hold, followed from sync to sync."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._start = date.fromisoformat(config["start_date"])
        self._settled: set[StreamDay] = set()
        self._readings: dict[StreamDay, Reading] = {}
        self._open: dict[StreamDay, list[Rows]] = {}
        """Days of which a sync was cut: what the connector may take for their rows."""
        self._named: set[StreamDay] = set()
        """Those of which the saved state names the rows: nothing else can be taken for them."""
        self._loose: dict[StreamDay, set[Key]] = {}
        """Rows that the connector may or may not know of: nothing is certain but what it reads again."""
        self._filters: dict[str, list[tuple[Any, ...]]] = {stream: [] for stream in DAILY}
        """The filters of each stream, in the order in which they came."""
        self._written: dict[StreamDay, dict[Key, int]] = {}
        """The filters under which each row was written last, as a place in their list."""
        self._left: dict[StreamDay, dict[Key, tuple[int, Amounts]]] = {}
        """The rows that a reading left as they were under former filters, with their place and amounts."""
        self._reported: dict[tuple[str, tuple[Any, ...]], str] = {}
        """The oldest day that seven.io reported to a stream with certain filters, as far as the state must know it."""
        self._reportable = date.max
        """The oldest day that seven.io would have reported."""
        self._unread: dict[StreamDay, date] = {}
        """Since which sync a day could not be read, for seven.io left it out."""

    def due(self, today: date) -> list[StreamDay]:
        """The complete days that a sync must read."""
        days = [str(self._start + timedelta(days=n)) for n in range((today - self._start).days)]
        return [(stream, day) for stream in DAILY for day in days if (stream, day) not in self._settled]

    def left_out(
        self, settings: Settings, today: date, config: Mapping[str, Any] | None = None
    ) -> tuple[set[StreamDay], set[StreamDay]]:
        """Of the due days, those that must fail, and those that may, for seven.io leaves them out."""
        must, may = set(), set()
        due = [(stream, day) for stream, day in self.due(today) if stream in _OF_SEVEN]
        reportable = min(self._reportable, self._oldest_reportable(settings, today))
        for stream, day in due:
            if not self._is_reported(settings, day, today):
                known = [self._reported.get((stream, _filters_of(stream, config or self._config)), "9999")]
                known += [each for of, each in due if of == stream and self._is_reported(settings, each, today)]
                if self._may_settle((stream, day), today):
                    may.add((stream, day))
                elif min(known) <= day or self._has_known_usage((stream, day)):
                    must.add((stream, day))
                elif str(reportable) <= day or len(self._filters[stream]) > 1:
                    may.add((stream, day))
        return must, may

    def took(
        self,
        settings: Settings,
        before: Tables,
        whole: Collection[StreamDay],
        cut: Collection[StreamDay] = (),
        *,
        config: Mapping[str, Any] | None = None,
        named: Mapping[StreamDay, Mapping[Key, Sequence[Any]]] | None = None,
        unsaved: Collection[StreamDay] = (),
        was_killed: bool = False,
    ) -> None:
        """A sync of the sandbox with these settings read some days whole, and of others not all rows arrived.

        `before` is what the tables held when it began, `config` the connector's settings if they changed, `named` the
        rows that the saved state names, with their amounts, and `unsaved` the days of which rows arrived although the
        states that belong to them were not saved.
        """
        today = settings.today_date()
        self._reportable = min(self._reportable, self._oldest_reportable(settings, today))
        if not (whole or cut):
            return
        config = config or self._config
        for stream in DAILY:
            filters = _filters_of(stream, config)
            if self._filters[stream][-1:] != [filters]:
                self._filters[stream].append(filters)
        days = [date.fromisoformat(day) for _, day in (*whole, *cut)]
        read = {day for stream, day in whole if stream == "consumption"}
        report = _Report(settings, config, min(days), max(days), read)
        settling = {
            at
            for at in {*self.due(today), *whole}
            if at[0] in _OF_SEVEN and self._may_settle(at, today) and not self._is_reported(settings, at[1], today)
        }
        self._settled |= settling
        for at in self.due(today):
            if at[0] in _OF_SEVEN and at not in whole and not self._is_reported(settings, at[1], today):
                self._unread.setdefault(at, today)
        for at in whole:
            self._unread.pop(at, None)
            reading = self._reading(report, at, before.get(at, {}), is_unchanged=at in settling)
            self._readings[at] = reading
            self._open.pop(at, None)
            self._named.discard(at)
            stream, day = at
            if today - date.fromisoformat(day) >= timedelta(days=self._config["lookback_days"]):
                self._settled.add(at)
            if stream in _OF_SEVEN and not was_killed and self._is_reported(settings, day, today):
                filtered = (stream, self._filters[stream][-1])
                self._reported[filtered] = min(day, self._reported.get(filtered, day))
            self._wrote(at, reading)
        for at in cut:
            reading = self._reading(report, at, before.get(at, {}))
            overlaid = [{**known, **reading.rows(known)} for known in reading.known]
            if _is_named(reading.rows(), (named or {}).get(at, {})):
                self._named.add(at)
                self._open[at] = overlaid
            else:
                self._open[at] = [*reading.known, *overlaid]
            self._wrote(at, reading)
            if reading.foreign:
                # Whether its rows are those of the former filters or of these depends on what arrived.
                self._loose.setdefault(at, set()).update(before.get(at, {}), reading.sent)
        for at in unsaved:
            self._loose.setdefault(at, set()).update(before.get(at, {}), self._reading(report, at, {}).sent)
            self._open.setdefault(at, [])

    def faults(self, tables: Tables, today: date) -> list[str]:
        """A sentence for each row that is wrong or missing after a sync that was not killed."""
        return [
            f"{stream}, {day}: {fault}"
            for (stream, day), reading in self._readings.items()
            if (stream, day) not in self._open and day <= str(today)
            for fault in reading.faults(tables.get((stream, day), {}))
        ]

    def tables(self) -> dict[StreamDay, Rows]:
        """The tables, if each sync read whole days only."""
        return {at: reading.rows() for at, reading in self._readings.items()}

    def _was_read(self, at: StreamDay) -> bool:
        """Whether the day was read wholly after it had ended, and no kill made that uncertain since."""
        return at in self._readings and at not in self._open and not self._readings[at].is_running

    def _has_known_usage(self, at: StreamDay) -> bool:
        return self._was_read(at) and any(has_usage(row) for row in self._readings[at].rows().values())

    def _may_settle(self, at: StreamDay, today: date) -> bool:
        """Whether the day was read, or could not be read since an earlier date, and is older than the lookback."""
        is_known = at in self._open or self._was_read(at) or self._unread.get(at, today) < today
        return is_known and today - date.fromisoformat(at[1]) > timedelta(days=self._config["lookback_days"])

    def _reading(self, report: _Report, at: StreamDay, before: Rows, *, is_unchanged: bool = False) -> Reading:
        """What the providers report of a day, on top of what the table holds."""
        stream, _ = at
        now = len(self._filters[stream]) - 1
        written = self._written.get(at, {})
        # A row of which no reading knows is a zero row of the last one.
        last = written.get(_LAST_READING, now)
        left = self._left.get(at, {})
        places = {
            key: written.get(key, left[key][0] if key in left and left[key][1] == _amounts(row) else last)
            for key, row in before.items()
        }
        former = {key: place for key, place in places.items() if place != now}
        self._left[at] = {key: (place, _amounts(before[key])) for key, place in former.items()}
        same = {key for key, place in former.items() if self._filters[stream][place] == self._filters[stream][now]}
        loose = self._loose.get(at, set()) | same
        foreign = {key: before[key] for key in former.keys() - loose}
        known = [*self._open.get(at, ())]
        if at not in self._named:
            known = [before, *known]
        own = [{key: row for key, row in rows.items() if key not in foreign and key not in loose} for rows in known]
        if is_unchanged:
            return Reading(*at, False, {}, own, foreign=foreign, loose=loose, is_unchanged=True)
        return replace(report.reading(at, own, foreign, loose), has_former_filters=now > 0)

    def _wrote(self, at: StreamDay, reading: Reading) -> None:
        keys = {key for known in (*reading.known, reading.rows()) for key in known} - reading.foreign.keys()
        keys |= {*reading.sent, _LAST_READING}
        self._loose.get(at, set()).difference_update(reading.sent)
        self._written.setdefault(at, {}).update(dict.fromkeys(keys, len(self._filters[at[0]]) - 1))

    def _is_reported(self, settings: Settings, day: str, today: date) -> bool:
        return world.seven_reports(settings, date.fromisoformat(day), today)

    def _oldest_reportable(self, settings: Settings, today: date) -> date:
        if settings.seven_days_reported == 0:
            return date.min
        return today - timedelta(days=settings.seven_days_reported)


@dataclass(frozen=True)
class Reading:
    """What the providers reported of a day, and what its table must therefore hold."""

    stream: str
    day: str
    is_running: bool
    sent: Rows
    """The rows as the provider sent them, without a rest."""
    known: Sequence[Rows]
    """The rows that the table had when the day was read; of several only one is right, and it is not known which."""
    total: Amounts | None = None
    """What the groups must add up to; None: nothing is said of that."""
    stays: Mapping[str, bool | None] = field(default_factory=dict)
    """SMSFactor's missing accounts: whether their rows stay; None: either is right."""
    foreign: Rows = field(default_factory=dict)
    """Rows of former filters."""
    loose: Collection[Key] = ()
    """Rows of which nothing is certain."""
    is_unchanged: bool = False
    """Whether the provider did not report the day, so that the rows stay as they were."""
    has_former_filters: bool = False
    """Whether the stream was read under other filters before."""
    may_lack: bool = False
    """Whether rows that the provider would send may be missing, because nothing tells the connector to request them."""

    def faults(self, found: Rows) -> list[str]:
        """A sentence for each row that is wrong or missing."""
        if self.is_unchanged and found and not any(self.known) and not self.foreign and not self.loose:
            return [f"the table has {[*found.values()]}, although the day was never read"]
        if self.is_running or self.is_unchanged:
            return min((self._faults_of_kept_rows(found, known) for known in self.known), key=len)
        if not found:
            return ["there is no row"]
        of_sums = self._faults_of_sums if self.stream in (*GROUPED, BY_ACCOUNT) else self._faults_of_rows
        faults = min(([*of_sums(found, known)] for known in self.known), key=len)
        partial = [
            key
            for key, row in found.items()
            if row["is_partial"] and self._is_certain(key) and not has_usage(self.sent.get(key, {}))
            # A zero row may be one of former filters, which nothing writes again.
            if has_usage(row) or not self.has_former_filters
        ]
        return [*faults, *(f"the row {key} is partial still" for key in partial)]

    def rows(self, known: Rows | None = None) -> dict[Key, Row]:
        """One table that is right: of missing groups the first choice that adds up stays."""
        known = self.known[0] if known is None else known
        missing = {key: row for key, row in known.items() if key not in self.sent}
        rows = {**self.sent, **self.foreign}
        if self.is_unchanged or (self.is_running and self.stream in _OF_SEVEN):
            return {**missing, **rows}
        kept = self._kept(missing)
        zeros = {key: self._zero(row) for key, row in missing.items() if key not in kept}
        kept_rows = {key: {**missing[key], "is_partial": self.is_running} for key in kept}
        rows = {**zeros, **rows, **kept_rows}
        if self.stream in (*GROUPED, BY_ACCOUNT) and self.total and not self.is_running:
            rest = _less(self.total, _sum([*self.sent.values(), *kept_rows.values()]))
            if _fits(rest, len(rows)) and not _is_nothing(rest, len(rows)):
                key = self._rest_key()
                rows[key] = {
                    **self._zero(rows.get(key, self._rest_row())),
                    **_figures(_more(_amounts(rows.get(key, {})), rest)),
                }
        return rows

    def _faults_of_rows(self, found: Rows, known: Rows) -> Iterator[str]:
        """Faults of a table whose rows need not add up: `analytics` and `consumption`."""
        for key in dict.fromkeys((*self.sent, *known, *self.foreign, *found)):
            row = found.get(key, {})
            if key in self.loose and key not in self.sent:
                continue
            before = known.get(key, self.foreign.get(key, {}))
            stays = key in self.foreign or self.stays.get(before.get("account_id", ""), False)
            if key in self.sent:
                is_right = _says(row, self.sent[key])
            else:
                # What describes an account may be lost with it.
                is_right = (stays is not False and _amounts(row) == _amounts(before)) or (
                    stays is not True and not has_usage(row)
                )
            if not is_right:
                yield f"the table has {row}, sent was {self.sent.get(key)}, before it had {before} (stays: {stays})"

    def _faults_of_sums(self, found: Rows, known: Rows) -> Iterator[str]:
        """Faults of a table whose rows add up."""
        kept: dict[Key, Row] = {}
        rest = _NOTHING
        counted: list[Row] = []
        undecided: list[Row] = []
        for key in dict.fromkeys((*self.sent, *known, *self.foreign, *found)):
            row, sent = found.get(key, {}), self.sent.get(key, {})
            if key not in self.sent and key in self.loose:
                continue
            is_lacked = key in self.sent and self.may_lack and not _says(row, sent)
            if key in self.foreign and (key not in self.sent or is_lacked):
                if _amounts(row) == _amounts(self.foreign[key]):
                    if self._may_be_rest(key):
                        undecided.append(row)
                    continue
                if not (self._may_be_rest(key) and has_usage(row)) and not is_lacked:
                    yield f"the table has {row}, but {self.foreign[key]} was read under other filters"
            counted.append(row)
            if _says(row, sent):
                continue
            if key in known and not has_usage(sent) and _amounts(row) == _amounts(known[key]):
                kept[key] = row
            elif self._may_be_rest(key) and has_usage(row):
                more = _less(_amounts(row), _amounts(sent))
                if not _fits(more, len(self.sent) + len(known)):
                    yield f"the table has {row}, sent was {sent}"
                rest = _more(rest, more)
            elif has_usage(row) or not self.may_lack:
                yield f"the table has {row}, sent was {sent}, before it had {known.get(key)}"
        if self.total is None or self.loose:
            return
        needed = _less(self.total, _sum(self.sent.values()))
        size = len(counted) + len(known)
        if not _fits(needed, size):
            return
        choices = (some for count in range(len(undecided) + 1) for some in itertools.combinations(undecided, count))
        if not any(_is_nothing(_less(self.total, _sum([*counted, *some])), size) for some in choices):
            yield f"the rows add up to {_figures(_sum(counted))}, the total is {_figures(self.total)}"
        removed = self._removed(known)
        # A row may hold more than it had: a rest that is its account's.
        lost = [
            group
            for group, rows in removed.items()
            if not all(
                key in kept or _fits(_less(_amounts(found.get(key, {})), _amounts(row)), 1) for key, row in rows.items()
            )
        ]
        if not lost or _is_nothing(rest, size):
            return
        # A rest that the account had before, and has still, is no usage of what was removed since.
        same = [
            row
            for key, row in found.items()
            if self._may_be_rest(key) and _amounts(row)[:_USAGE] == _amounts(known.get(key, {}))[:_USAGE]
        ]
        if _fits(_less(needed, _sum([*same, *(row for rows in removed.values() for row in rows.values())])), size):
            yield f"the total can hold {lost}, but they did not stay"
        elif (choice := _choice(removed, needed, size)) is not None:
            yield f"{set(choice)} add up with the groups, but there is a rest of {_figures(rest)}"

    def _faults_of_kept_rows(self, found: Rows, known: Rows) -> list[str]:
        faults = []
        for key in dict.fromkeys((*self.sent, *known, *self.foreign, *found)):
            if not self._is_certain(key) and key not in self.sent:
                continue
            row, before = found.get(key, {}), known.get(key, {})
            if key in self.sent:
                # Which accounts a running day concerns is not certain: a later sync requests the others.
                is_late = self.stream == BY_ACCOUNT and _amounts(row) == _amounts(before)
                is_right = is_late or _says(row, self.sent[key])
            else:
                is_right = _amounts(row) == _amounts(before) or (self.stream == "consumption" and not has_usage(row))
            if not is_right:
                faults.append(
                    f"rows of the day must stay, the table has {row}, sent was {self.sent.get(key)}, before {before}"
                )
        return faults

    def _kept(self, missing: Rows) -> Collection[Key]:
        """The missing groups that stay."""
        if self.stream == "consumption":
            return [key for key, row in missing.items() if has_usage(row) and self.stays.get(row["account_id"])]
        if self.total is None or self.stream == "analytics":
            return []
        removed = self._removed(missing)
        needed = _less(self.total, _sum(self.sent.values()))
        size = len(self.sent) + len(missing)
        choice = _choice(removed, needed, size)
        if choice is None:
            everything = _sum(row for rows in removed.values() for row in rows.values())
            choice = list(removed) if _fits(_less(needed, everything), size) else []
        return [key for group in choice for key in removed[group]]

    def _removed(self, known: Rows) -> dict[Any, Rows]:
        """The groups that are missing, with their rows; by account and country, the accounts that are. A row of the
        empty group is no group: it may be the rest of an earlier reading.
        """
        removed: dict[Any, dict[Key, Row]] = {}
        sent_accounts = {key[1] for key, row in self.sent.items() if has_usage(row)}
        for key, row in known.items():
            if key in self.sent or not has_usage(row):
                continue
            if self.stream == BY_ACCOUNT:
                # What a country of an account that is still there lost is in the account's total.
                if key[1] not in sent_accounts:
                    removed.setdefault(key[1], {})[key] = row
            elif not self._may_be_rest(key):
                removed.setdefault(key, {})[key] = row
        removed.pop("main", None)
        return dict(removed)

    def _is_certain(self, key: Key) -> bool:
        return key in self.sent or not (key in self.foreign or key in self.loose)

    def _may_be_rest(self, key: Key) -> bool:
        return key[-1] == ""

    def _rest_key(self) -> Key:
        return (self.day, "main", "") if self.stream == BY_ACCOUNT else (self.day, "")

    def _rest_row(self) -> Row:
        row = {**dict(zip(PRIMARY_KEYS[self.stream], self._rest_key(), strict=True)), "is_partial": False}
        if self.stream == BY_ACCOUNT:
            row["is_main_account"] = True
        return {**row, **dict.fromkeys((*world.COUNTERS, "usage_eur"), 0)}

    def _zero(self, row: Row) -> Row:
        return {**row, **{name: 0 for name in FIGURES if name in row}, "is_partial": self.is_running}


class _Report:
    """What the providers report at one moment of the days from `first` to `last`."""

    def __init__(
        self, settings: Settings, config: Mapping[str, Any], first: date, last: date, consumption_days: Collection[str]
    ) -> None:
        self._settings, self._config = settings, config
        self._today = settings.today_date()
        self._tables = by_day(daily_records(settings, config, self._today, first, last, with_rest=False))
        self._accounts = {str(account_id) for account_id, _ in world.smsfactor_accounts(settings)}
        self._visible = {account for day in consumption_days for account in self._shown(day)}
        """SMSFactor's accounts that the days read by the sync show."""

    def reading(self, at: StreamDay, known: Sequence[Rows], foreign: Rows, loose: Collection[Key]) -> Reading:
        stream, day = at
        sent, is_running = dict(self._tables[at]), day == str(self._today)
        if stream == "consumption":
            shown = self._shown(day)
            sent = {key: row for key, row in sent.items() if row["account_id"] in shown}
            stays = self._missing_accounts(day, sent, known)
            return Reading(*at, is_running, sent, known, stays=stays, foreign=foreign, loose=loose)
        total = _sum(self._tables["analytics", day].values())
        if not is_running and not world.seven_reports(self._settings, date.fromisoformat(day), self._today):
            # A day before any that was ever reported.
            sent, total = {}, _NOTHING
        may_lack = stream == BY_ACCOUNT and bool(
            self._settings.seven_most_groups or self._settings.seven_ungrouped.get("subaccount")
        )
        return Reading(*at, is_running, sent, known, total, foreign=foreign, loose=loose, may_lack=may_lack)

    def _shown(self, day: str) -> set[str]:
        """SMSFactor's accounts that the answer for a day has."""
        hides = self._settings.smsfactor_idle_sub_accounts == "left_out"
        return {
            str(account.account_id)
            for account in world.smsfactor_day(self._settings, date.fromisoformat(day), self._today)
            if account.is_main or account.total or account.countries or not hides
        }

    def _missing_accounts(self, day: str, sent: Rows, known: Sequence[Rows]) -> dict[str, bool | None]:
        """Of the accounts that the table has and the answer lacks, whether their rows stay."""
        sends_total = self._settings.smsfactor_group_total == "sent" and not self._settings.smsfactor_total_off_by
        held = Decimal(world.smsfactor_kept(self._settings, date.fromisoformat(day), self._today))
        answers = []
        for before in known:
            usage: dict[str, Decimal] = {}
            grown: dict[str, Decimal] = {}
            for rows, sign in ((before, -1), (sent, 1)):
                for row in rows.values():
                    account, consumption = row["account_id"], Decimal(str(row["consumption"]))
                    if account in self._shown(day):
                        grown[account] = grown.get(account, Decimal(0)) + sign * consumption
                    elif consumption:
                        usage[account] = usage.get(account, Decimal(0)) + consumption
            if sends_total and (choices := [some for some in _subsets(usage) if _total(usage, some) == held]):
                certain = {account: {account in some for some in choices} for account in usage}
                answers.append({account: None if len(may) == 2 else may == {True} for account, may in certain.items()})
                continue
            growths = {*grown.values(), sum(grown.values(), Decimal(0))}
            answers.append({account: self._stays(account, usage, held, growths) for account in usage})
            has_moved = usage and sum(grown.values(), Decimal(0)) == sum(usage.values())
            if has_moved and not held and not self._config.get("smsfactor_sub_account_id"):
                answers[-1] |= {account: False for account in usage if account in self._accounts}
        found: dict[str, bool | None] = {}
        for answer in answers:
            for account, stays in answer.items():
                found[account] = stays if found.get(account, stays) == stays else None
        return found

    def _stays(
        self, account: str, usage: Mapping[str, Decimal], held: Decimal, growths: Collection[Decimal]
    ) -> bool | None:
        has_moved = any(_total(usage, some) in growths for some in _subsets(usage) if account in some)
        if account not in self._accounts:
            return None if has_moved else True
        if held and self._settings.smsfactor_group_total == "sent":
            # Another account that was deleted is still counted: the group total does not tell whose usage it holds.
            return None
        return False if account in self._visible else None


def _subsets(usage: Iterable[str]) -> Iterator[tuple[str, ...]]:
    accounts = tuple(usage)
    return (some for count in range(len(accounts) + 1) for some in itertools.combinations(accounts, count))


def _total(usage: Mapping[str, Decimal], accounts: Iterable[str]) -> Decimal:
    return sum((usage[account] for account in accounts), Decimal(0))


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


def _is_named(rows: Rows, named: Mapping[Key, Sequence[Any]]) -> bool:
    """Whether a state names all rows with usage, with these amounts."""
    usage = {key: [row[name] for name in FIGURES if name in row] for key, row in rows.items() if has_usage(row)}
    return all([*named.get(key, ())] == amounts for key, amounts in usage.items())


def _filters_of(stream: str, config: Mapping[str, Any]) -> tuple[Any, ...]:
    """The settings that narrow a stream."""
    if stream == "consumption":
        return (tuple(config.get("countries") or ()), config.get("smsfactor_sub_account_id"))
    return (config.get("seven_label"), config.get("seven_subaccounts") or "all")


def _says(row: Row, right: Row) -> bool:
    """Whether a row of the table says the same as the right one. A zero row says what no row says."""
    if not has_usage(row) or not has_usage(right):
        return has_usage(row) == has_usage(right)
    costs = [Decimal(str(each.get("usage_eur", 0))) for each in (row, right)]
    # A group that is alone may have the cost of the total: costs of groups may be rounded to cents.
    return {**row, "usage_eur": None} == {**right, "usage_eur": None} and abs(costs[0] - costs[1]) <= _HALF_A_CENT


def _choice(removed: Mapping[Any, Rows], needed: Amounts, size: int) -> Collection[Any] | None:
    """The first choice of missing groups that amounts to what is needed, None if there is none."""
    if len(removed) > _MOST_SEARCHED:
        return None
    for count in range(len(removed) + 1):
        for groups in itertools.combinations(removed, count):
            rows = (row for group in groups for row in removed[group].values())
            if _is_nothing(_less(needed, _sum(rows)), size):
                return groups
    return None


def _amounts(row: Row) -> Amounts:
    return tuple(Decimal(str(row.get(name) or 0)) for name in FIGURES)


_NOTHING = _amounts({})


def _sum(rows: Iterable[Row]) -> Amounts:
    total = _NOTHING
    for row in rows:
        total = _more(total, _amounts(row))
    return total


def _more(one: Amounts, other: Amounts) -> Amounts:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _less(one: Amounts, other: Amounts) -> Amounts:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def _is_nothing(difference: Amounts, rows: int) -> bool:
    """Whether a difference is none: of costs, half a cent for each row."""
    costs = abs(difference[_USAGE])
    return costs <= _HALF_A_CENT * rows and not any(difference[:_USAGE])


def _fits(rest: Amounts, rows: int) -> bool:
    """Whether a rest is not negative."""
    return min(rest[:_USAGE]) >= 0 and rest[_USAGE] >= -_HALF_A_CENT * rows


def _figures(amounts: Amounts) -> dict[str, int | float]:
    """Amounts as a row of seven.io has them."""
    plain = (int(amount) if amount == int(amount) else float(amount) for amount in amounts[: _USAGE + 1])
    return dict(zip(FIGURES, plain, strict=False))
