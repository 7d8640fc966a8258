from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from source_sms_providers import breakdown as module
from source_sms_providers.days import DAY, days
from source_sms_providers.errors import transient_error
from source_sms_providers.retriever import Rows
from unit_tests.breakdown import TODAY, read, rows_of, states_of, text, usage

# Removed groups


def test_given_a_group_that_a_day_has_no_longer_then_it_is_removed(breakdown):
    written = {text(8): [[["DE"], [1], [None]], [["FR"], [5], ["a note"]]]}

    found, _ = read(breakdown({"date": text(9), "written": written}))

    assert [row for row in rows_of(found) if row["date"] == text(8)] == [
        usage(text(8)),
        {**usage(text(8), "FR", 0), "note": "a note"},
    ]
    assert states_of(found)[-1]["written"][text(8)] == [[["DE"], [1], [None]]]


def test_given_an_entry_without_a_description_then_its_row_has_nulls(breakdown):
    found, _ = read(breakdown({"date": text(9), "groups": {text(8): [[["FR"], [5]]]}}))

    assert usage(text(8), "FR", 0) in rows_of(found)


def test_given_a_sync_that_was_killed_before_its_rows_then_the_next_one_zeroes_them(breakdown):
    killed = states_of(read(breakdown(of_day=lambda day: [usage(day, "FR", 5)]))[0])[0]

    found, _ = read(breakdown(killed))

    assert [(row["date"], row["group"], row["sms"]) for row in rows_of(found)] == [
        each for day in (7, 8, 9) for each in ((text(day), "DE", 1), (text(day), "FR", 0))
    ]


# Windows of days


def tell(first: date, last: date) -> Mapping[date, Rows]:
    return {day: [usage(day, "window")] for day in days(first, last)}


def test_given_a_window_that_tells_its_days_then_none_is_requested_by_itself(breakdown):
    retriever = breakdown(start=TODAY - 50 * DAY, of_window=tell)

    found, _ = read(retriever)

    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert retriever.days_requested == []
    assert {row["group"] for row in rows_of(found)} == {"window"}


def test_given_a_running_day_then_no_window_holds_it(breakdown):
    retriever = breakdown(start=TODAY - 50 * DAY, last_day=TODAY, of_window=tell)

    found, _ = read(retriever)

    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert retriever.days_requested == [TODAY]
    assert rows_of(found)[-1]["is_partial"]


@pytest.mark.parametrize(("length", "windows"), [(40, 0), (41, 1)])
def test_given_a_window_that_saves_few_requests_then_it_is_not_requested(breakdown, length, windows):
    retriever = breakdown(start=TODAY - length * DAY, of_window=tell)

    read(retriever)

    assert len(retriever.windows_requested) == windows


def test_given_a_window_that_does_not_tell_then_its_fifths_are_requested(breakdown):
    start = TODAY - 365 * DAY

    def of_window(first: date, last: date) -> Mapping[date, Rows] | None:
        return tell(first, last) if (last - first).days < 80 and first > start else None

    retriever = breakdown(start=start, of_window=of_window)

    read(retriever)

    fifths = [(start + n * 73 * DAY, start + (n * 73 + 72) * DAY) for n in range(5)]
    assert retriever.windows_requested == [(start, TODAY - DAY), *fifths]
    assert sorted(retriever.days_requested) == days(*fifths[0])


def test_given_windows_that_fail_then_a_few_are_tried_and_all_days_are_read(breakdown):
    def of_window(first: date, last: date) -> Mapping[date, Rows]:
        raise transient_error("Too wide.")

    retriever = breakdown(start=TODAY - 5 * 365 * DAY, of_window=of_window)

    found, failure = read(retriever)

    assert len(retriever.windows_requested) == 2 * module.MAX_WINDOW_FAILURES
    assert (len(rows_of(found)), failure) == (5 * 365, None)
