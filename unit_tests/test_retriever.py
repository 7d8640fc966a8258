from __future__ import annotations

import json
import threading
from datetime import date
from typing import Any

import pytest
from airbyte_cdk.models import FailureType

from source_sms_providers import retriever as module
from source_sms_providers.days import DAY
from source_sms_providers.errors import config_error, transient_error
from source_sms_providers.retriever import Rows
from source_sms_providers.session import SyncCancelled
from unit_tests.breakdown import NAME, TODAY, Breakdown, failing, read, rows_of, states_of, text, usage

# Order


def test_given_days_with_responses_in_any_order_then_their_rows_are_in_order(breakdown):
    last_was_read = threading.Event()

    def of_day(day: date) -> Rows:
        if day.day == 9:
            last_was_read.set()
        else:
            assert last_was_read.wait(60)
        return [usage(day)]

    found, failure = read(breakdown(of_day=of_day))

    assert rows_of(found) == [usage(text(day)) for day in (7, 8, 9)]
    assert failure is None


def test_given_rows_then_a_state_that_names_them_is_written_before_them(breakdown):
    found, _ = read(breakdown())

    entries = {text(day): [[["DE"], [1], [None]]] for day in (7, 8, 9)}
    assert [each if isinstance(each, dict) else json.loads(each) for each in found] == [
        {"date": text(6), "lookback_from": text(7), "written": entries},
        *[usage(text(day)) for day in (7, 8, 9)],
        {"date": text(9), "lookback_from": text(8), "written": entries},
    ]


def test_given_many_days_then_no_row_is_written_before_the_state_that_names_it(breakdown):
    found, _ = read(breakdown(start=date(2025, 6, 1), of_day=lambda day: [usage(day, "DE"), usage(day, "FR", day.day)]))

    known: dict[str, Any] = {}
    for each in found:
        if isinstance(each, str):
            known |= json.loads(each)["written"]
        else:
            assert [[each["group"]], [each["sms"]], [None]] in known[each["date"]]
    assert len(rows_of(found)) == 2 * 282


def test_given_many_days_then_ten_of_them_share_a_state(breakdown):
    """So a sync that is killed loses ten days at most, and no more days are held back."""
    found, _ = read(breakdown(start=TODAY - 95 * DAY))

    named = [sorted(each["written"]) for each in states_of(found)]
    assert len(named) == 10 + 1
    assert [days[-1] for days in named[:9]] == [str(TODAY - (96 - 10 * n) * DAY) for n in range(1, 10)]


def test_given_a_state_then_all_days_up_to_it_were_written_before_it(breakdown):
    found, _ = read(breakdown(start=TODAY - 95 * DAY))

    written = str(TODAY - 96 * DAY)
    for each in found:
        if isinstance(each, str):
            assert json.loads(each)["date"] == written
        else:
            written = each["date"]


def test_given_no_days_then_there_are_no_rows(breakdown):
    found, failure = read(breakdown(start=TODAY))

    assert (rows_of(found), failure) == ([], None)


# What the states of a sync weigh


@pytest.mark.parametrize("lookback_days", [3, 366])
@pytest.mark.parametrize("groups", [1, 30])
@pytest.mark.parametrize("again", [False, True], ids=["first sync", "second sync"])
def test_given_any_lookback_and_groups_then_states_name_five_times_the_rows_at_most(
    breakdown, lookback_days, groups, again
):
    """A row takes some five times as much as an entry: the tests of the streams compare the bytes."""

    def of_day(day: date) -> Rows:
        return [usage(day, f"label {n:02}", day.day + n) for n in range(groups)]

    settings = {"start": TODAY - 366 * DAY, "lookback_days": lookback_days, "of_day": of_day}
    found, _ = read(breakdown(**settings))
    if again:
        found, _ = read(breakdown(states_of(found)[-1], **settings))

    entries = [len(rows) for saved in states_of(found) for rows in saved["written"].values()]
    assert sum(entries) <= 5 * len(rows_of(found))


def test_given_a_lookback_of_fewer_rows_than_a_state_names_then_there_is_no_warning(breakdown, monkeypatch, caplog):
    monkeypatch.setattr("source_sms_providers.state.MAX_ENTRIES", 30)

    read(breakdown(start=TODAY - 50 * DAY, of_day=lambda day: [usage(day, f"label {n}") for n in range(5)]))

    assert caplog.messages == []


# Failures


def test_given_a_day_that_fails_then_the_days_after_it_are_written(breakdown):
    found, failure = read(breakdown(of_day=failing(8)))

    assert [row["date"] for row in rows_of(found)] == [text(7), text(9)]
    assert states_of(found)[-1]["date"] == text(7)
    assert failure.message == "No answer for 2026-03-08."
    assert failure.failure_type is FailureType.transient_error


def test_given_a_day_that_failed_then_the_next_sync_reads_it_and_the_days_after_it(breakdown):
    found, _ = read(breakdown(of_day=failing(8)))

    again, failure = read(breakdown(states_of(found)[-1]))

    assert [row["date"] for row in rows_of(again)] == [text(7), text(8), text(9)]
    assert (states_of(again)[-1]["date"], failure) == (text(9), None)


def test_given_a_day_that_fails_then_the_entries_of_the_state_stay(breakdown):
    written = {text(8): [[["FR"], [5], [None]]]}

    found, _ = read(breakdown({"date": text(9), "written": written}, of_day=failing(8)))

    assert states_of(found)[-1]["written"][text(8)] == written[text(8)]


def test_given_many_days_that_fail_alike_then_one_sentence_sums_them_up(breakdown):
    _, failure = read(breakdown(start=TODAY - 90 * DAY, of_day=failing(*range(1, 32))))

    assert failure.message == "No answer for 2025-12-10."


def test_given_days_that_fail_for_several_reasons_then_each_reason_is_reported(breakdown):
    def of_day(day: date) -> Rows:
        raise config_error("Enter another key.") if day.day == 8 else transient_error(f"No answer for {day}.")

    _, failure = read(breakdown(of_day=of_day))

    assert failure.message == "Enter another key. No answer for 2026-03-07."
    assert failure.failure_type is FailureType.config_error


def test_given_a_bug_in_one_day_then_the_others_are_written(breakdown):
    found, failure = read(breakdown(of_day=failing(8, error=KeyError("a bug"))))

    assert [row["date"] for row in rows_of(found)] == [text(7), text(9)]
    assert states_of(found)[-1]["date"] == text(7)
    assert failure.failure_type is FailureType.system_error
    assert "a bug" in failure.internal_message


def test_given_a_setting_that_is_not_honored_then_nothing_is_read(breakdown):
    class Refused(Breakdown):
        def verify(self) -> None:
            raise config_error("Correct the label.")

    requested: list[date] = []
    retriever = breakdown(of_day=requested.append)
    retriever.__class__ = Refused

    found, failure = read(retriever)

    assert (rows_of(found), failure.message, requested) == ([], "Correct the label.", [])


def test_given_a_session_that_is_cancelled_then_reading_ends(breakdown, session):
    def of_day(day: date) -> Rows:
        session.cancel()
        return [usage(day)]

    with pytest.raises(SyncCancelled):
        read(breakdown(start=date(2020, 1, 1), of_day=of_day))


# Notes


def test_given_notes_of_several_days_then_each_is_one_warning(breakdown, caplog):
    written = {text(day): [[["FR"], [5], [None]]] for day in (7, 8)}

    read(breakdown({"date": text(9), "written": written}))

    assert caplog.messages == [f"'{NAME}': something is odd. Days: 2, first: {text(7)}."]


def test_given_no_notes_then_there_is_no_warning(breakdown, caplog):
    read(breakdown())

    assert caplog.messages == []


# How far a sync reads ahead


def test_given_days_that_are_read_ahead_then_their_number_is_bounded(breakdown, session, monkeypatch):
    monkeypatch.setattr("source_sms_providers.session.READ_AHEAD_DAYS", 20)
    requested: list[date] = []

    def of_day(day: date) -> Rows:
        requested.append(day)
        return [usage(day)]

    results = breakdown(start=TODAY - 300 * DAY, of_day=of_day).read()
    next(results)
    next(results)

    assert 10 <= len(requested) <= 20 + module.SnapshotRetriever.checkpoint_interval_days + 1
