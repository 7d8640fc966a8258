from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from source_sms_providers.days import DAY, days
from source_sms_providers.errors import transient_error
from source_sms_providers.retriever import Row, Rows
from source_sms_providers.seven import groupings as module
from source_sms_providers.seven.daily_totals import Totals
from source_sms_providers.seven.extractors import AMOUNTS, ZEROS
from source_sms_providers.seven.groupings import GroupingRetriever
from source_sms_providers.state import StreamState
from unit_tests.breakdown import TODAY, read, rows_of

Groups = Mapping[str, Mapping[str, Any]]
OfWindow = Callable[[date, date], Groups]


def total(day: date) -> Row:
    return {"date": str(day), **ZEROS, "sms": 1, "is_partial": day >= TODAY}


@dataclass(kw_only=True)
class Grouping(GroupingRetriever):
    """One SMS a day; `of_window` are the groups of the days from one to another."""

    of_window: OfWindow
    group_field: str = "country"
    windows_requested: list[tuple[date, date]] = field(default_factory=list)
    days_requested: list[date] = field(default_factory=list)

    def totals_around(self, day: date) -> Totals:
        return {each: total(each) for each in days(*self.window(day))}

    def fetch_window(self, first: date, last: date) -> Groups:
        self.windows_requested.append((first, last))
        return self.of_window(first, last)

    def fetch_groups(self, day: date, total: Row | None) -> Rows:
        self.days_requested.append(day)
        return [{**(total or {}), self.group_field: "day"}]


def one_group(first: date, last: date) -> Groups:
    return {"window": {**ZEROS, "sms": len(days(first, last))}}


def two_groups(first: date, last: date) -> Groups:
    return {"other": ZEROS, **one_group(first, last)}


@pytest.fixture
def grouping(session) -> Callable[..., Grouping]:
    def make(
        start: date,
        last_day: date = TODAY - DAY,
        of_window: OfWindow = one_group,
        group: str = "country",
        **config: str,
    ) -> Grouping:
        anything: Any = SimpleNamespace(provider="any")
        return Grouping(
            name="usage",
            primary_key=["date", group],
            group_field=group,
            config={"today": str(TODAY), "_session": session, "seven_subaccounts": "all", **config},
            stream_state=StreamState("usage", {}, start, TODAY, 3, {}),
            last_day=last_day,
            step=timedelta(days=365),
            requester=anything,
            daily_totals_requester=anything,
            scope_requester=anything,
            subaccounts_requester=anything,
            extractor=anything,
            of_window=of_window,
        )

    return make


def test_given_a_window_of_one_group_then_no_day_of_it_is_requested_by_itself(grouping):
    retriever = grouping(TODAY - 50 * DAY)

    found, failure = read(retriever)

    assert failure is None
    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert retriever.days_requested == []
    assert {row["country"] for row in rows_of(found)} == {"window"}


def test_given_a_running_day_then_no_window_holds_it(grouping):
    retriever = grouping(TODAY - 50 * DAY, last_day=TODAY)

    found, _ = read(retriever)

    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert retriever.days_requested == [TODAY]
    assert rows_of(found)[-1]["is_partial"]


@pytest.mark.parametrize(("length", "windows"), [(40, 0), (41, 1)])
def test_given_a_window_that_saves_few_requests_then_it_is_not_requested(grouping, length, windows):
    retriever = grouping(TODAY - length * DAY)

    read(retriever)

    assert len(retriever.windows_requested) == windows


def test_given_a_year_of_one_group_then_no_part_of_it_is_requested(grouping):
    retriever = grouping(TODAY - 365 * DAY)

    read(retriever)

    assert retriever.windows_requested == [(TODAY - 365 * DAY, TODAY - DAY)]
    assert retriever.days_requested == []


def test_given_several_groups_in_a_window_of_a_fifth_then_it_is_requested_once(grouping):
    retriever = grouping(TODAY - 50 * DAY, of_window=two_groups)

    read(retriever)

    assert retriever.windows_requested == [(TODAY - 50 * DAY, TODAY - DAY)]
    assert sorted(retriever.days_requested) == days(TODAY - 50 * DAY, TODAY - DAY)


@pytest.mark.parametrize("counter", AMOUNTS)
def test_given_a_window_that_differs_from_its_totals_then_its_days_are_requested(grouping, counter):
    def of_window(first: date, last: date) -> Groups:
        return {"window": {**ZEROS, "sms": 50, counter: 51}}

    retriever = grouping(TODAY - 50 * DAY, of_window=of_window)

    read(retriever)

    assert len(retriever.days_requested) == 50


def test_given_a_window_of_several_groups_then_its_fifths_are_requested(grouping):
    start = TODAY - 365 * DAY

    def of_window(first: date, last: date) -> Groups:
        return one_group(first, last) if (last - first).days < 80 and first > start else two_groups(first, last)

    retriever = grouping(start, of_window=of_window)

    read(retriever)

    fifths = [(start + n * 73 * DAY, start + (n * 73 + 72) * DAY) for n in range(5)]
    assert retriever.windows_requested == [(start, TODAY - DAY), *fifths]
    assert sorted(retriever.days_requested) == days(*fifths[0])


@pytest.mark.parametrize(("label", "days_requested"), [("window", 0), ("another", 50)])
def test_given_a_label_in_the_settings_then_a_window_of_another_is_not_used(grouping, label, days_requested):
    retriever = grouping(TODAY - 50 * DAY, group="label", seven_label=label)
    retriever.verify = lambda: None

    read(retriever)

    assert len(retriever.days_requested) == days_requested


def test_given_windows_that_fail_then_a_few_are_tried_and_all_days_are_read(grouping):
    def of_window(first: date, last: date) -> Groups:
        raise transient_error("Too wide.")

    retriever = grouping(TODAY - 5 * 365 * DAY, of_window=of_window)

    found, failure = read(retriever)

    assert len(retriever.windows_requested) == 2 * module.MAX_WINDOW_FAILURES
    assert (len(rows_of(found)), failure) == (5 * 365, None)
