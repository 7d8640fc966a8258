from __future__ import annotations

from datetime import date, timedelta

import pytest

from source_sms_providers.days import days, windows

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
