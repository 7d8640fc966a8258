from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from source_sms_providers.days import days, search_periods, windows

FIRST, LAST = date(2026, 2, 27), date(2026, 3, 2)


def test_given_two_days_then_all_days_between_them_and_both_are_listed():
    assert [str(day) for day in days(FIRST, LAST)] == ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]


def test_given_a_last_day_before_the_first_then_there_are_none():
    assert days(LAST, FIRST) == []
    assert list(windows(LAST, FIRST, timedelta(days=2))) == []


@pytest.mark.parametrize(
    ("width", "lengths"), [(1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1]), (4, [4]), (365, [4])], ids=str
)
def test_given_a_width_then_windows_join_and_the_last_may_be_narrower(width, lengths):
    found = list(windows(FIRST, LAST, timedelta(days=width)))

    assert [len(days(*window)) for window in found] == lengths
    assert [day for window in found for day in days(*window)] == days(FIRST, LAST)


@pytest.mark.parametrize(
    ("start", "years"),
    [
        ("2026-03-09", []),
        ("2025-03-26", []),
        ("2025-03-25", ["2024-03-27"]),
        ("2024-03-28", ["2024-03-27"]),
        ("2024-03-27", ["2024-03-27", "2023-03-30"]),
    ],
)
def test_given_a_start_then_twelve_months_and_the_years_back_to_it_are_searched(start, years):
    found = list(search_periods(date.fromisoformat(start), date(2026, 3, 9)))

    assert [str(first) for first, _ in found[12:]] == years
    assert [len(days(*period)) for period in found] == [31] * 12 + [365] * len(years)
    assert found[0] == (date(2026, 2, 7), date(2026, 3, 9))
    # Each overlaps the newer one by two days.
    assert all(len(days(newer[0], older[1])) == 2 for newer, older in pairwise(found))
