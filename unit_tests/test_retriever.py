from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import retriever as module
from source_sms_providers.days import DAY, days
from source_sms_providers.errors import config_error, transient_error
from source_sms_providers.retriever import DailyBreakdownRetriever, Day, Row, Rows
from source_sms_providers.saved_state import RowKey
from source_sms_providers.session import SyncCancelled, SyncSession
from source_sms_providers.state import StreamState

TODAY = date(2026, 3, 10)
NAME = "usage"
NOTE = "'%s': something is odd. Days: %d, first: %s."


def text(day: int) -> str:
    return f"2026-03-{day:02}"


def usage(day: date | str, group: str = "DE", sms: int = 1) -> dict[str, Any]:
    return {"date": str(day), "group": group, "sms": sms, "note": None, "is_partial": str(day) >= str(TODAY)}


@dataclass(kw_only=True)
class Breakdown(DailyBreakdownRetriever):
    """Has what `of_day` returns; what is removed becomes zero."""

    amount_fields: ClassVar[Sequence[str]] = ("sms",)
    description_fields: ClassVar[Sequence[str]] = ("note",)

    of_day: Callable[[date], Rows] = lambda day: [usage(day)]
    of_window: Callable[[date, date], Mapping[date, Rows] | None] | None = None
    windows_requested: list[tuple[date, date]] = field(default_factory=list)
    days_requested: list[date] = field(default_factory=list)

    def fetch_day(self, day: date) -> Rows:
        self.days_requested.append(day)
        return self.of_day(day)

    def reconcile_day(self, day: date, rows: Mapping[RowKey, Row]) -> Day:
        removed = self.removed(day, rows)
        zeros = [self.zero_row(day, *each) for each in removed.items()]
        return Day(day, [*rows.values(), *zeros], {NOTE: str(day)} if zeros else {})

    def requests_saved(self, first: date, last: date) -> int:
        return (last - first).days if self.of_window else 0

    def split_window_by_day(self, first: date, last: date) -> Mapping[date, Rows] | None:
        assert self.of_window
        self.windows_requested.append((first, last))
        return self.of_window(first, last)


@pytest.fixture
def session() -> Iterator[SyncSession]:
    session = SyncSession(4)
    yield session
    session.cancel()


@pytest.fixture
def make(session: SyncSession) -> Callable[..., Breakdown]:
    def make(
        saved: Mapping[str, Any] | None = None,
        start: date = date(2026, 3, 7),
        last_day: date = TODAY - DAY,
        lookback_days: int = 3,
        **fields: Any,
    ) -> Breakdown:
        return Breakdown(
            name=NAME,
            primary_key=["date", "group"],
            config={"today": str(TODAY), "_session": session},
            stream_state=StreamState(NAME, saved or {}, start, TODAY, lookback_days, {}),
            last_day=last_day,
            step=timedelta(days=365),
            requester=SimpleNamespace(provider="any"),
            extractor=SimpleNamespace(),
            **fields,
        )

    return make


def read(retriever: Breakdown) -> tuple[list[Any], AirbyteTracedException | None]:
    """Rows and saved states in their order, and the failure at the end."""
    found: list[Any] = []
    try:
        for each in retriever.read():
            if not isinstance(each, StreamState):
                found.append(each)
            elif saved := each.checkpoint():
                found.append(json.dumps(saved))
    except AirbyteTracedException as error:
        return found, error
    return found, None


def rows_of(found: Sequence[Any]) -> list[Any]:
    return [each for each in found if not isinstance(each, str)]


def states_of(found: Sequence[Any]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in found if isinstance(each, str)]


def failing(*bad: int, error: Exception | None = None) -> Callable[[date], Rows]:
    def of_day(day: date) -> Rows:
        if day.day in bad:
            raise error or transient_error(f"No answer for {day}.")
        return [usage(day)]

    return of_day


# Order


def test_given_days_that_are_answered_in_any_order_then_their_rows_are_in_order(make):
    last_was_read = threading.Event()

    def of_day(day: date) -> Rows:
        if day.day == 9:
            last_was_read.set()
        else:
            assert last_was_read.wait(60)
        return [usage(day)]

    found, failure = read(make(of_day=of_day))

    assert rows_of(found) == [usage(text(day)) for day in (7, 8, 9)]
    assert failure is None


def test_given_rows_then_a_state_that_names_them_stands_before_them(make):
    found, _ = read(make())

    entries = {text(day): [[["DE"], [1], [None]]] for day in (7, 8, 9)}
    assert [each if isinstance(each, dict) else json.loads(each) for each in found] == [
        {"date": text(6), "lookback_from": text(7), "written": entries},
        *[usage(text(day)) for day in (7, 8, 9)],
        {"date": text(9), "lookback_from": text(8), "written": entries},
    ]


def test_given_many_days_then_no_row_stands_before_the_state_that_names_it(make):
    found, _ = read(make(start=date(2025, 6, 1), of_day=lambda day: [usage(day, "DE"), usage(day, "FR", day.day)]))

    known: dict[str, Any] = {}
    for each in found:
        if isinstance(each, str):
            known |= json.loads(each)["written"]
        else:
            assert [[each["group"]], [each["sms"]], [None]] in known[each["date"]]
    assert len(rows_of(found)) == 2 * 282


def test_given_many_days_then_ten_of_them_share_a_state(make):
    """So a sync that is killed loses ten days at most, and no more days are held back."""
    found, _ = read(make(start=TODAY - 95 * DAY))

    named = [sorted(each["written"]) for each in states_of(found)]
    assert len(named) == 10 + 1
    assert [days[-1] for days in named[:9]] == [str(TODAY - (96 - 10 * n) * DAY) for n in range(1, 10)]


def test_given_a_state_then_all_days_up_to_it_were_written_before_it(make):
    found, _ = read(make(start=TODAY - 95 * DAY))

    written = str(TODAY - 96 * DAY)
    for each in found:
        if isinstance(each, str):
            assert json.loads(each)["date"] == written
        else:
            written = each["date"]


def test_given_no_days_then_there_are_no_rows(make):
    found, failure = read(make(start=TODAY))

    assert (rows_of(found), failure) == ([], None)


# What the states of a sync weigh


@pytest.mark.parametrize("lookback_days", [3, 366])
@pytest.mark.parametrize("groups", [1, 30])
@pytest.mark.parametrize("again", [False, True], ids=["first sync", "second sync"])
def test_given_any_lookback_and_groups_then_states_name_five_times_the_rows_at_most(make, lookback_days, groups, again):
    """A row takes some five times as much as an entry: the tests of the streams compare the bytes."""

    def of_day(day: date) -> Rows:
        return [usage(day, f"label {n:02}", day.day + n) for n in range(groups)]

    settings = {"start": TODAY - 366 * DAY, "lookback_days": lookback_days, "of_day": of_day}
    found, _ = read(make(**settings))
    if again:
        found, _ = read(make(states_of(found)[-1], **settings))

    entries = [len(rows) for saved in states_of(found) for rows in saved["written"].values()]
    assert sum(entries) <= 5 * len(rows_of(found))


def test_given_a_lookback_of_fewer_rows_than_a_state_names_then_there_is_no_warning(make, monkeypatch, caplog):
    monkeypatch.setattr("source_sms_providers.state.MAX_ENTRIES", 30)

    read(make(start=TODAY - 50 * DAY, of_day=lambda day: [usage(day, f"label {n}") for n in range(5)]))

    assert caplog.messages == []


# Failures


def test_given_a_day_that_fails_then_the_days_after_it_are_written(make):
    found, failure = read(make(of_day=failing(8)))

    assert [row["date"] for row in rows_of(found)] == [text(7), text(9)]
    assert states_of(found)[-1]["date"] == text(7)
    assert failure.message == "No answer for 2026-03-08."
    assert failure.failure_type is FailureType.transient_error


def test_given_a_day_that_failed_then_the_next_sync_reads_it_and_the_days_after_it(make):
    found, _ = read(make(of_day=failing(8)))

    again, failure = read(make(states_of(found)[-1]))

    assert [row["date"] for row in rows_of(again)] == [text(7), text(8), text(9)]
    assert (states_of(again)[-1]["date"], failure) == (text(9), None)


def test_given_a_day_that_fails_then_the_entries_of_the_state_stay(make):
    written = {text(8): [[["FR"], [5], [None]]]}

    found, _ = read(make({"date": text(9), "written": written}, of_day=failing(8)))

    assert states_of(found)[-1]["written"][text(8)] == written[text(8)]


def test_given_many_days_that_fail_alike_then_one_sentence_sums_them_up(make):
    _, failure = read(make(start=TODAY - 90 * DAY, of_day=failing(*range(1, 32))))

    assert failure.message == "No answer for 2025-12-10."


def test_given_days_that_fail_for_several_reasons_then_each_is_told(make):
    def of_day(day: date) -> Rows:
        raise config_error("Enter another key.") if day.day == 8 else transient_error(f"No answer for {day}.")

    _, failure = read(make(of_day=of_day))

    assert failure.message == "Enter another key. No answer for 2026-03-07."
    assert failure.failure_type is FailureType.config_error


def test_given_a_bug_in_one_day_then_the_others_are_written(make):
    found, failure = read(make(of_day=failing(8, error=KeyError("a bug"))))

    assert [row["date"] for row in rows_of(found)] == [text(7), text(9)]
    assert states_of(found)[-1]["date"] == text(7)
    assert failure.failure_type is FailureType.system_error
    assert "a bug" in failure.internal_message


def test_given_a_setting_that_does_not_hold_then_nothing_is_read(make):
    class Refused(Breakdown):
        def verify(self) -> None:
            raise config_error("Correct the label.")

    retriever = make()
    retriever.__class__ = Refused

    found, failure = read(retriever)

    assert (rows_of(found), failure.message, retriever.days_requested) == ([], "Correct the label.", [])


def test_given_a_session_that_is_cancelled_then_reading_ends(make, session):
    def of_day(day: date) -> Rows:
        session.cancel()
        return [usage(day)]

    with pytest.raises(SyncCancelled):
        read(make(start=date(2020, 1, 1), of_day=of_day))


# Removed groups


def test_given_a_group_that_a_day_has_no_longer_then_it_is_removed(make):
    written = {text(8): [[["DE"], [1], [None]], [["FR"], [5], ["a note"]]]}

    found, _ = read(make({"date": text(9), "written": written}))

    assert [row for row in rows_of(found) if row["date"] == text(8)] == [
        usage(text(8)),
        {**usage(text(8), "FR", 0), "note": "a note"},
    ]
    assert states_of(found)[-1]["written"][text(8)] == [[["DE"], [1], [None]]]


def test_given_an_entry_without_a_description_then_its_row_has_nulls(make):
    found, _ = read(make({"date": text(9), "groups": {text(8): [[["FR"], [5]]]}}))

    assert usage(text(8), "FR", 0) in rows_of(found)


def test_given_a_sync_that_was_killed_before_its_rows_then_the_next_one_zeroes_them(make):
    killed = states_of(read(make(of_day=lambda day: [usage(day, "FR", 5)]))[0])[0]

    found, _ = read(make(killed))

    assert [(row["date"], row["group"], row["sms"]) for row in rows_of(found)] == [
        each for day in (7, 8, 9) for each in ((text(day), "DE", 1), (text(day), "FR", 0))
    ]


# Notes


def test_given_notes_of_several_days_then_each_is_one_warning(make, caplog):
    written = {text(day): [[["FR"], [5], [None]]] for day in (7, 8)}

    read(make({"date": text(9), "written": written}))

    assert caplog.messages == [f"'{NAME}': something is odd. Days: 2, first: {text(7)}."]


def test_given_no_notes_then_there_is_no_warning(make, caplog):
    read(make())

    assert caplog.messages == []


# Windows of days


def tell(first: date, last: date) -> Mapping[date, Rows]:
    return {day: [usage(day, "window")] for day in days(first, last)}


def test_given_a_window_that_tells_its_days_then_none_is_requested_by_itself(make):
    retriever = make(start=TODAY - 50 * DAY, of_window=tell)

    found, _ = read(retriever)

    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert retriever.days_requested == []
    assert {row["group"] for row in rows_of(found)} == {"window"}


def test_given_a_running_day_then_no_window_holds_it(make):
    retriever = make(start=TODAY - 50 * DAY, last_day=TODAY, of_window=tell)

    found, _ = read(retriever)

    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert retriever.days_requested == [TODAY]
    assert rows_of(found)[-1]["is_partial"]


@pytest.mark.parametrize(("length", "windows"), [(40, 0), (41, 1)])
def test_given_a_window_that_saves_few_requests_then_it_is_not_requested(make, length, windows):
    retriever = make(start=TODAY - length * DAY, of_window=tell)

    read(retriever)

    assert len(retriever.windows_requested) == windows


def test_given_a_window_that_does_not_tell_then_its_fifths_are_requested(make):
    start = TODAY - 365 * DAY

    def of_window(first: date, last: date) -> Mapping[date, Rows] | None:
        return tell(first, last) if (last - first).days < 80 and first > start else None

    retriever = make(start=start, of_window=of_window)

    read(retriever)

    fifths = [(start + n * 73 * DAY, start + (n * 73 + 72) * DAY) for n in range(5)]
    assert retriever.windows_requested == [(start, TODAY - DAY), *fifths]
    assert sorted(retriever.days_requested) == days(*fifths[0])


def test_given_windows_that_fail_then_a_few_are_tried_and_all_days_are_read(make):
    def of_window(first: date, last: date) -> Mapping[date, Rows]:
        raise transient_error("Too wide.")

    retriever = make(start=TODAY - 5 * 365 * DAY, of_window=of_window)

    found, failure = read(retriever)

    assert len(retriever.windows_requested) == 2 * module.MAX_WINDOW_FAILURES
    assert (len(rows_of(found)), failure) == (5 * 365, None)


# How far a sync reads ahead


def test_given_days_that_are_read_ahead_then_their_number_is_bounded(make, session, monkeypatch):
    monkeypatch.setattr("source_sms_providers.session.READ_AHEAD_DAYS", 20)
    retriever = make(start=TODAY - 300 * DAY)

    results = retriever.read()
    next(results)
    next(results)

    assert len(retriever.days_requested) <= 20 + module.SnapshotRetriever.checkpoint_interval_days + 1
