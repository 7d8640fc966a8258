from __future__ import annotations

from unit_tests.breakdown import read, rows_of, states_of, text, usage


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
