from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from source_sms_providers.errors import transient_error
from source_sms_providers.spans import DAY, Spans, days

FIRST = date(2025, 3, 10)


class Asked(list[tuple[int, int]]):
    """Spans as the numbers of their first and last day, the first day of all being 0."""

    def spans(self, number_of_days: int, tells: Callable[[int, int], bool], spared: int = 100) -> Spans:
        def told(first: date, last: date) -> dict | None:
            self.append(((first - FIRST).days, (last - FIRST).days))
            return {day: [{"date": str(day)}] for day in days(first, last)} if tells(*self[-1]) else None

        return Spans(FIRST, FIRST + (number_of_days - 1) * DAY, lambda *_: spared, told)


def rows(spans: Spans, number: int) -> object:
    return spans.rows_of(FIRST + number * DAY)


def test_given_a_window_that_tells_its_days_then_it_alone_is_asked_and_each_day_has_its_row():
    asked = Asked()
    spans = asked.spans(365, lambda first, last: True)

    assert [rows(spans, n) for n in range(365)] == [[{"date": str(FIRST + n * DAY)}] for n in range(365)]
    assert asked == [(0, 364)]


def test_given_a_window_that_tells_nothing_then_its_fifths_are_asked_once_each_the_next_one_ahead():
    asked = Asked()
    spans = asked.spans(365, lambda first, last: False)

    assert rows(spans, 0) is None
    assert asked == [(0, 364), (0, 72), (73, 145)]
    assert [rows(spans, n) for n in range(365)] == [None] * 365
    assert asked == [(0, 364), *((n, n + 72) for n in range(0, 365, 73))]


def test_given_fifths_that_tell_their_days_then_only_the_others_days_have_no_rows():
    asked = Asked()
    spans = asked.spans(365, lambda first, last: last - first < 100 and first != 146)

    assert [n for n in range(365) if rows(spans, n) is None] == list(range(146, 219))


def test_given_two_windows_when_the_first_comes_to_its_last_fifth_then_the_second_is_asked_ahead():
    asked = Asked()
    spans = asked.spans(500, lambda first, last: True)

    rows(spans, 219)
    assert asked == [(0, 364)]
    rows(spans, 292)
    assert asked == [(0, 364), (365, 499)]


@pytest.mark.parametrize(("spared", "asked_for"), [(39, []), (40, [(0, 99)])])
def test_given_a_span_that_spares_too_few_requests_then_it_is_not_asked(spared, asked_for):
    asked = Asked()
    spans = asked.spans(100, lambda first, last: True, spared)

    assert (rows(spans, 0) is None) is (asked_for == [])
    assert asked == asked_for


def test_given_a_span_that_fails_then_its_days_have_no_rows_and_it_is_not_asked_again():
    asked = Asked()

    def fails(first: int, last: int) -> bool:
        raise transient_error("It is out.")

    spans = asked.spans(73, fails)

    assert [rows(spans, n) for n in range(73)] == [None] * 73
    assert asked == [(0, 72)]


@pytest.mark.parametrize(
    ("answered", "whole_years"),
    [([], [0, 365]), ([0], [0, 365, 730, 1095, 1460]), ([365], [0, 365, 730, 1095, 1460]), ([730], [0, 365])],
    ids=["none", "the first", "the second", "the third"],
)
def test_given_a_width_of_which_two_spans_failed_and_none_was_answered_before_then_it_is_asked_no_more(
    answered, whole_years
):
    asked = Asked()

    def fails(first: int, last: int) -> bool:
        if last - first == 364 and first not in answered:
            raise transient_error("Too wide.")
        return True

    spans = asked.spans(5 * 365, fails)

    assert None not in [rows(spans, n) for n in range(5 * 365)]
    assert sorted(first for first, last in asked if last - first == 364) == whole_years


def test_given_a_day_of_which_it_is_not_known_what_it_spares_then_nothing_is_asked_and_it_has_no_rows():
    asked = []

    def not_known(first: date, last: date) -> int:
        raise transient_error("The totals are out.")

    spans = Spans(FIRST, FIRST + 364 * DAY, not_known, lambda *bounds: asked.append(bounds))

    assert [rows(spans, n) for n in (0, 100)] == [None, None]
    assert asked == []


def test_given_a_day_after_the_last_one_then_nothing_is_asked_for_it():
    asked = Asked()
    spans = asked.spans(73, lambda first, last: True)

    assert rows(spans, 73) is None
    assert asked == []


def test_given_a_day_whose_rows_were_handed_out_then_they_are_kept_no_longer_and_not_asked_again():
    asked = Asked()
    spans = asked.spans(73, lambda first, last: True)

    assert [rows(spans, 5) is None, rows(spans, 5) is None] == [False, True]
    assert asked == [(0, 72)]


def test_given_days_that_a_telling_span_leaves_out_when_the_others_were_handed_out_then_no_part_is_asked_for_them():
    asked = []

    def first_day_only(first: date, last: date) -> dict:
        asked.append((first, last))
        return {first: [{"date": str(first)}]}

    spans = Spans(FIRST, FIRST + 364 * DAY, lambda *_: 100, first_day_only)

    assert [rows(spans, n) is None for n in (0, 1, 100)] == [False, True, True]
    assert asked == [(FIRST, FIRST + 364 * DAY)]


@pytest.mark.parametrize("number_of_days", [1, 40, 41, 73, 113, 114, 145, 364, 365, 405, 800, 3653])
def test_given_spans_that_tell_nothing_then_they_add_at_most_one_request_in_twenty(number_of_days):
    asked = []
    last = FIRST + (number_of_days - 1) * DAY
    spans = Spans(FIRST, last, lambda *bounds: len(days(*bounds)) - 1, lambda *bounds: asked.append(bounds))

    for n in range(number_of_days):
        rows(spans, n)

    assert len(asked) <= number_of_days / 20
