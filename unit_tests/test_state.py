from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import state as module
from source_sms_providers.saved_state import StateEntry
from source_sms_providers.state import StreamState

STREAM = "analytics_by_country"
TODAY = date(2026, 3, 10)
GERMANY, FRANCE = ("DE",), ("FR",)
FIVE, ONE, ZERO = StateEntry((5, 0.5)), StateEntry((1, 0.1)), StateEntry((0, 0))


def march(day: int) -> date:
    return date(2026, 3, day)


def text(day: int) -> str:
    return f"2026-03-{day:02}"


def resumed(
    saved: dict[str, Any] | None = None,
    start: date = date(2026, 1, 1),
    today: date = TODAY,
    lookback_days: int = 3,
    **filters: Any,
) -> StreamState:
    return StreamState(STREAM, saved or {}, start, today, lookback_days, filters)


def complete(state: StreamState, first: int, last: int) -> None:
    for day in range(first, last + 1):
        state.completed(march(day))


def stage(state: StreamState, day: int, **rows: StateEntry) -> None:
    state.stage(text(day), {(country,): entry for country, entry in rows.items()})


def saved_as(state: StreamState) -> dict[str, Any]:
    saved = state.checkpoint()
    assert saved is not None
    return dict(saved)


# From which day on a sync reads


def test_given_no_state_then_the_start_date_is_the_first_day():
    assert resumed().first_day == date(2026, 1, 1)


@pytest.mark.parametrize("done", ["2026-03-09", "2026-03-09T00:00:00Z", "2026-03-09T23:59:59Z"])
def test_given_a_state_of_yesterday_then_the_lookback_window_is_read(done):
    assert resumed({"date": done}).first_day == march(7)


@pytest.mark.parametrize(
    ("days", "first"), [(1, march(9)), (3, march(7)), (10, date(2026, 2, 28)), (366, date(2025, 3, 9))]
)
def test_given_a_lookback_then_so_many_days_before_today_are_read(days, first):
    assert resumed({"date": text(9)}, date(2020, 1, 1), lookback_days=days).first_day == first


@pytest.mark.parametrize(
    ("done", "first"),
    [
        # A daily schedule.
        ("2026-03-08", march(7)),
        ("2026-03-07", march(6)),
        # A week ago: its last two days were younger than three days when they were read.
        ("2026-03-02", march(1)),
        ("2026-01-31", date(2026, 1, 30)),
    ],
)
def test_given_a_pause_then_days_that_were_read_too_young_are_read_again(done, first):
    assert resumed({"date": done}).first_day == first


def test_given_a_pause_and_a_lookback_of_one_day_then_no_day_is_read_twice():
    assert resumed({"date": text(2)}, lookback_days=1).first_day == march(3)


@pytest.mark.parametrize("key", ["lookback_from", "again_from"])
@pytest.mark.parametrize(("lookback_from", "first"), [(2, 2), (7, 7), (8, 7)])
def test_given_a_sync_that_broke_off_then_it_continues_where_it_stopped(key, lookback_from, first):
    assert resumed({"date": text(1), key: text(lookback_from)}).first_day == march(first)


def test_given_a_longer_lookback_then_only_days_with_rows_in_the_state_are_read():
    assert resumed({"date": text(9), "lookback_from": text(8)}, lookback_days=7).first_day == march(7)


def test_given_a_longer_lookback_then_the_window_grows_by_a_day_with_each_sync():
    saved = {"date": text(8), "lookback_from": text(7)}
    first_days = []
    for day in range(10, 20):
        state = resumed(saved, today=march(day), lookback_days=10)
        first_days.append(state.first_day)
        complete(state, state.first_day.day, day - 1)
        saved = saved_as(state)

    assert first_days == [march(6)] * 7 + [march(7), march(8), march(9)]


def test_given_a_shorter_lookback_then_days_that_were_read_too_young_are_read_again():
    assert resumed({"date": text(8), "lookback_from": text(5)}, lookback_days=1).first_day == march(5)


def test_given_a_start_date_after_the_state_then_no_earlier_day_is_read():
    assert resumed({"date": "2026-01-05"}, start=march(8)).first_day == march(8)


def test_given_a_start_date_that_skips_unread_days_then_a_warning_names_them(caplog):
    resumed({"date": text(2)}, start=march(3))
    assert caplog.messages == []

    state = resumed({"date": text(2)}, start=march(5))

    assert state.first_day == march(5)
    [warning] = caplog.messages
    assert "from 2026-03-03 to 2026-03-04 are not read" in warning


def test_given_a_snapshot_then_it_reads_today_alone(caplog):
    assert resumed({"date": text(10)}, start=TODAY, lookback_days=0).first_day == TODAY
    assert resumed({"date": text(1)}, start=TODAY, lookback_days=0).first_day == TODAY
    assert caplog.messages == []


# What an earlier sync read


def test_given_no_state_then_no_day_was_read():
    assert not resumed().was_read(date(2026, 1, 1))


@pytest.mark.parametrize(("day", "was_read"), [(8, True), (9, True), (10, False)])
def test_given_a_state_then_all_days_up_to_it_were_read(day, was_read):
    assert resumed({"date": text(9)}).was_read(march(day)) is was_read


@pytest.mark.parametrize(("day", "was_read"), [(4, True), (8, True), (9, False)])
def test_given_a_day_that_failed_then_read_through_marks_what_was_read(day, was_read):
    state = resumed({"date": text(3), "lookback_from": text(4), "read_through": text(8)})

    assert state.was_read(march(day)) is was_read


@pytest.mark.parametrize(("day", "may"), [(6, True), (7, False), (9, False)])
def test_given_a_day_that_was_read_then_it_may_be_forgotten_before_the_lookback(day, may):
    assert resumed({"date": text(9)}).may_be_forgotten(march(day)) is may


def test_given_an_old_day_that_was_never_read_then_it_may_not_be_forgotten():
    assert not resumed({"date": text(1)}).may_be_forgotten(march(3))


@pytest.mark.parametrize(
    ("since", "day", "may"),
    [(9, 3, True), (9, 5, True), (9, 2, False), (9, 6, False), (9, 7, False), (10, 3, False)],
    ids=["the first that failed", "the last", "an older one", "a later one", "within the lookback", "failed today"],
)
def test_given_a_day_that_failed_before_as_not_reported_then_it_may_be_forgotten(since, day, may):
    saved = {"date": text(1), "lookback_from": text(2), "not_reported": [text(3), text(5), text(since)]}

    assert resumed(saved).may_be_forgotten(march(day)) is may


def missed(first: int, last: int, since: int = 10) -> list[str]:
    return [text(first), text(last), text(since)]


def test_given_days_that_fail_as_not_reported_then_the_state_lists_only_them():
    state = resumed({"date": text(2)}, lookback_days=1)
    state.completed(march(3))
    state.failed(march(4), is_not_reported=True)
    state.failed(march(5), is_not_reported=True)
    complete(state, 6, 9)

    saved = saved_as(state)

    assert (saved["date"], saved["read_through"], saved["not_reported"]) == (text(3), text(9), missed(4, 5))
    again = resumed(saved, today=march(11), lookback_days=1)
    assert [day for day in range(1, 12) if not again.was_read(march(day))] == [4, 5, 10, 11]


def test_given_days_that_fail_again_then_their_date_stays_and_a_new_one_gets_today():
    saved = {"date": text(3), "read_through": text(9), "not_reported": missed(4, 5)}
    again = resumed(saved, today=march(11), lookback_days=1)
    again.failed(march(4), is_not_reported=True)
    # As it was.
    assert again.checkpoint() is None

    complete(again, 5, 6)
    again.failed(march(7), is_not_reported=True)

    assert saved_as(again)["not_reported"] == missed(4, 7, 11)


def test_given_days_that_failed_when_some_are_read_then_the_state_lists_the_others():
    saved = {"date": text(3), "read_through": text(9), "not_reported": missed(4, 6)}
    state = resumed(saved, today=march(11), lookback_days=1)
    complete(state, 4, 4)
    state.failed(march(5))
    complete(state, 6, 9)
    assert saved_as(state)["not_reported"] == missed(5, 6)

    state = resumed(saved, today=march(11), lookback_days=1)
    complete(state, 4, 6)
    assert "not_reported" not in saved_as(state)
    state.failed(march(7), is_not_reported=True)
    assert saved_as(state)["not_reported"] == missed(7, 7, 11)


# What was written


ENTRIES = {"2026-03-08": [[["DE"], [5, 0.5]], [["FR"], [1, 0.1], ["a description", True]]]}


@pytest.mark.parametrize("key", ["written", "groups"])
def test_given_rows_in_the_state_then_they_are_known(key):
    state = resumed({"date": text(9), key: ENTRIES})

    assert state.previously_written(text(8)) == {GERMANY: FIVE, FRANCE: StateEntry((1, 0.1), ("a description", True))}
    assert state.previously_written(text(7)) == {}


def test_given_rows_in_the_state_when_nothing_changes_then_the_next_state_has_them():
    state = resumed({"date": text(9), "written": ENTRIES})

    complete(state, 7, 9)

    assert saved_as(state)["written"] == ENTRIES


def test_given_staged_rows_then_the_next_state_names_them_before_their_day_is_done():
    state = resumed()
    stage(state, 9, DE=FIVE, FR=ONE)

    saved = saved_as(state)

    assert saved["written"] == {"2026-03-09": [[["DE"], [5, 0.5]], [["FR"], [1, 0.1]]]}
    assert saved["date"] == "2025-12-31"


def test_given_a_staged_row_with_a_description_then_the_next_sync_knows_it():
    state = resumed()
    stage(state, 9, DE=StateEntry((5,), (None, "Company")))

    assert resumed(saved_as(state)).previously_written(text(9)) == {GERMANY: StateEntry((5,), (None, "Company"))}


def test_given_a_new_zero_row_then_it_is_not_named():
    state = resumed()
    stage(state, 9, DE=ZERO)

    assert "written" not in saved_as(state)


def test_given_a_known_row_that_becomes_zero_then_it_is_named_until_it_is_confirmed():
    state = resumed({"date": text(9), "written": {text(8): [[["DE"], [5, 0.5]]]}})
    stage(state, 8, DE=ZERO, FR=FIVE)
    complete(state, 7, 7)

    ahead = saved_as(state)
    complete(state, 8, 8)
    after = saved_as(state)

    assert ahead["written"] == {text(8): [[["DE"], [0, 0]], [["FR"], [5, 0.5]]]}
    assert after["written"] == {text(8): [[["FR"], [5, 0.5]]]}


def test_given_an_unconfirmed_zero_row_then_the_next_sync_names_it_again():
    state = resumed({"date": text(7), "written": {text(8): [[["DE"], [0, 0]]]}})
    stage(state, 8, DE=ZERO, FR=FIVE)

    assert saved_as(state)["written"] == {text(8): [[["DE"], [0, 0]], [["FR"], [5, 0.5]]]}


def test_given_a_known_zero_row_of_a_failed_day_then_it_stays_known():
    state = resumed({"date": text(9), "written": {text(8): [[["DE"], [0, 0]]]}})
    complete(state, 7, 7)
    state.failed(march(8))
    complete(state, 9, 9)

    assert saved_as(state)["written"] == {text(8): [[["DE"], [0, 0]]]}


def test_given_a_row_that_is_not_staged_any_more_then_it_is_forgotten():
    state = resumed({"date": text(9), "written": {text(8): [[["DE"], [5, 0.5]]]}})
    stage(state, 8, FR=FIVE)

    assert saved_as(state)["written"] == {text(8): [[["FR"], [5, 0.5]]]}


def test_given_a_running_day_then_its_zero_rows_are_named():
    state = resumed()
    stage(state, 10, DE=ZERO)
    complete(state, 1, 10)

    assert saved_as(state)["written"] == {text(10): [[["DE"], [0, 0]]]}


def test_given_days_before_the_lookback_window_then_their_rows_are_named_no_longer():
    state = resumed()
    for day in (4, 5, 6, 7):
        stage(state, day, DE=FIVE)
    complete(state, 1, 9)

    assert list(saved_as(state)["written"]) == [text(7)]


def test_given_a_day_that_failed_long_ago_then_all_rows_after_it_are_named():
    state = resumed(start=march(1))
    state.failed(march(1))
    for day in (2, 5, 9):
        stage(state, day, DE=FIVE)
    complete(state, 2, 9)

    saved = saved_as(state)

    assert (saved["date"], list(saved["written"])) == ("2026-02-28", [text(2), text(5), text(9)])


def test_given_more_rows_than_a_state_holds_then_the_newest_are_named_and_a_warning(monkeypatch, caplog):
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    state = resumed()
    for day in (7, 8, 9):
        stage(state, day, DE=FIVE, FR=ONE)

    first = saved_as(state)
    complete(state, 1, 9)
    second = saved_as(state)

    assert list(first["written"]) == list(second["written"]) == [text(9)]
    [warning] = caplog.messages
    assert STREAM in warning
    assert "more than 3" in warning


def test_given_as_many_rows_as_a_state_names_then_all_are_named(monkeypatch, caplog):
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    state = resumed()
    stage(state, 9, DE=FIVE, FR=ONE)

    assert len(saved_as(state)["written"][text(9)]) == 2
    assert caplog.messages == []


def test_given_staged_rows_then_the_number_of_entries_counts_them():
    state = resumed({"date": text(9), "written": {text(8): [[["DE"], [5, 0.5]]]}})
    assert state.entry_count == 1

    stage(state, 9, DE=FIVE, FR=ONE, IT=ZERO)

    assert state.entry_count == 3


# What a checkpoint says


def test_given_no_state_when_days_are_completed_then_the_state_is_the_last_of_them():
    state = resumed(start=march(7))
    complete(state, 7, 9)

    assert saved_as(state) == {"date": text(9), "lookback_from": text(8)}


def test_given_a_first_sync_that_stops_then_the_state_holds_where_it_continues():
    state = resumed(start=march(1))
    complete(state, 1, 4)

    saved = saved_as(state)

    assert saved == {"date": text(4), "lookback_from": text(5)}
    assert resumed(saved).first_day == march(5)


def test_given_a_lookback_that_stops_then_the_state_holds_how_far_days_were_read():
    state = resumed({"date": text(9)})
    complete(state, 7, 7)

    saved = saved_as(state)

    assert saved == {"date": text(7), "lookback_from": text(8), "read_through": text(9)}
    # A sync of the next day still reads the 8th again.
    assert resumed(saved, today=march(11)).first_day == march(8)


def test_given_the_same_day_again_then_the_state_is_as_it_was():
    state = resumed({"date": text(9)})
    complete(state, 7, 9)

    assert saved_as(state) == {"date": text(9), "lookback_from": text(8)}


def test_given_a_running_day_then_the_state_stays_on_the_day_before():
    state = resumed(start=march(7))
    complete(state, 7, 10)

    assert saved_as(state) == {"date": text(9), "lookback_from": text(8)}


def test_given_a_snapshot_then_the_state_is_today_and_nothing_else():
    state = resumed(start=TODAY, lookback_days=0, countries=["FR"])
    state.completed(TODAY)

    assert saved_as(state) == {"date": text(10)}


def test_given_a_snapshot_that_fails_then_the_state_is_the_day_before():
    state = resumed(start=TODAY, lookback_days=0)
    state.failed(TODAY)

    assert saved_as(state) == {"date": text(9)}


def test_given_a_new_day_that_fails_then_the_state_stays_before_it():
    state = resumed(start=march(5))
    complete(state, 5, 6)
    state.failed(march(7))
    complete(state, 8, 9)

    saved = saved_as(state)

    assert saved == {"date": text(6), "lookback_from": text(7)}
    assert not resumed(saved).was_read(march(7))


def test_given_a_known_day_that_fails_then_the_state_holds_that_it_was_read():
    state = resumed({"date": text(8)})
    complete(state, 7, 7)
    state.failed(march(8))
    complete(state, 9, 9)

    saved = saved_as(state)

    assert saved == {"date": text(7), "lookback_from": text(8), "read_through": text(9)}
    assert resumed(saved, today=march(15)).first_day == march(8)
    assert resumed(saved).was_read(march(9))


def test_given_a_known_and_a_new_day_that_fail_then_read_through_is_the_known_one():
    state = resumed({"date": text(8)})
    complete(state, 7, 7)
    state.failed(march(8))
    state.failed(march(9))

    saved = saved_as(state)

    assert saved == {"date": text(7), "lookback_from": text(8), "read_through": text(8)}


def test_given_nothing_new_then_there_is_no_checkpoint():
    state = resumed(start=march(7))
    complete(state, 7, 7)
    saved_as(state)

    assert state.checkpoint() is None
    complete(state, 8, 8)
    assert saved_as(state)["date"] == text(8)


def test_given_a_saved_state_when_nothing_was_read_then_there_is_no_checkpoint():
    assert resumed({"date": text(9), "written": ENTRIES, "filters": {"countries": ["FR"]}}).checkpoint() is None


def test_given_the_same_rows_when_staged_again_then_there_is_no_checkpoint():
    state = resumed({"date": text(9), "written": {text(8): [[["DE"], [5, 0.5]]]}})
    stage(state, 8, DE=FIVE)

    assert state.checkpoint() is None


# Filters


def test_given_filters_then_the_state_names_those_that_are_set():
    state = resumed(countries=["FR"], smsfactor_sub_account_id=None)
    complete(state, 1, 9)

    assert saved_as(state)["filters"] == {"countries": ["FR"]}


def test_given_the_same_filters_then_the_rows_of_the_state_are_known(caplog):
    caplog.set_level("INFO")
    saved = {"date": text(9), "written": ENTRIES, "filters": {"countries": ["FR"]}}

    state = resumed(saved, countries=["FR"])

    assert state.previously_written(text(8))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("before", "now"),
    [({}, {"countries": ["FR"]}), ({"countries": ["DE", "FR"]}, {"countries": ["FR"]}), ({"countries": ["FR"]}, {})],
    ids=["set", "changed", "removed"],
)
def test_given_other_filters_then_no_row_is_taken_back_and_an_info_reports_it(before, now, caplog):
    caplog.set_level("INFO")
    saved = {"date": text(9), "written": ENTRIES, "first_reported": text(1), "filters": before}

    state = resumed(saved, **now)

    assert state.first_day == march(7)
    assert state.previously_written(text(8)) == {}
    assert (state.first_reported, state.was_read(march(8))) == (march(1), True)
    [info] = caplog.messages
    assert STREAM in info


def test_given_other_filters_and_all_days_read_then_the_state_is_of_the_new_ones():
    saved = {"date": text(9), "written": ENTRIES, "filters": {"countries": ["DE", "FR"]}}
    state = resumed(saved, countries=["FR"])
    stage(state, 8, FR=ONE)
    complete(state, 7, 9)

    assert saved_as(state) == {
        "date": text(9),
        "lookback_from": text(8),
        "filters": {"countries": ["FR"]},
        "written": {text(8): [[["FR"], [1, 0.1]]]},
    }


def test_given_other_filters_and_a_killed_sync_then_no_old_day_is_read_again():
    state = resumed({"date": text(9)}, start=date(2020, 1, 1), countries=["FR"])
    stage(state, 7, FR=ONE)

    saved = saved_as(state)

    assert resumed(saved, start=date(2020, 1, 1), countries=["FR"]).first_day == march(7)


def test_given_other_filters_when_a_day_fails_then_no_day_of_years_ago_is_read_again():
    state = resumed({"date": text(9)}, start=date(2020, 1, 1), countries=["FR"])
    state.failed(march(7))
    stage(state, 8, FR=ONE)
    complete(state, 8, 9)

    saved = saved_as(state)

    assert resumed(saved, start=date(2020, 1, 1), countries=["FR"]).first_day == march(7)


# The oldest day that the provider reported


def test_given_reported_days_then_the_state_names_the_oldest():
    state = resumed(start=march(7))
    state.reported([{"date": text(8)}, {"date": text(7)}])
    state.reported([{"date": text(9)}])
    state.reported([])
    complete(state, 7, 9)

    assert saved_as(state) == {"date": text(9), "lookback_from": text(8), "first_reported": text(7)}


@pytest.mark.parametrize(("reported", "oldest"), [(8, 5), (3, 3)])
def test_given_an_oldest_day_in_the_state_then_the_older_one_is_kept(reported, oldest):
    state = resumed({"date": text(9), "first_reported": text(5)})
    assert state.first_reported == march(5)

    state.reported([{"date": text(reported)}])
    complete(state, 7, 9)

    assert saved_as(state)["first_reported"] == text(oldest)


def test_given_a_state_of_an_earlier_version_then_its_days_count_as_reported():
    assert resumed({"date": text(9)}).first_reported == march(7)
    assert resumed().first_reported is None


def test_given_a_day_that_is_reported_now_then_earlier_syncs_did_not_report_it():
    state = resumed()
    state.reported([{"date": text(8)}])

    assert state.first_reported is None


# States of the future, of earlier versions and of others


def test_given_a_state_of_today_then_there_is_no_warning(caplog):
    assert resumed({"date": text(10)}).first_day == march(7)
    assert caplog.messages == []


@pytest.mark.parametrize("lookback_from", [{}, {"lookback_from": "2026-12-30"}], ids=["0.3", "now"])
@pytest.mark.parametrize("done", ["2026-03-11", "2027-01-01"])
def test_given_a_state_of_the_future_then_the_lookback_is_read_with_a_warning(done, lookback_from, caplog):
    state = resumed({"date": done, **lookback_from})

    assert (state.first_day, state.was_read(TODAY)) == (march(7), False)
    [warning] = caplog.messages
    assert STREAM in warning
    assert done in warning


def test_given_a_state_of_the_future_when_read_then_the_next_state_is_of_now():
    state = resumed({"date": "2027-01-01"})
    complete(state, 7, 9)

    assert saved_as(state) == {"date": text(9), "lookback_from": text(8)}


def test_given_a_state_of_version_0_3_then_a_sync_goes_on_from_it():
    state = resumed({"date": "2026-03-01T23:59:59Z", "again_from": text(5), "groups": ENTRIES})

    assert state.first_day == march(5)
    assert set(state.previously_written(text(8))) == {GERMANY, FRANCE}
    assert (state.first_reported, state.was_read(march(1)), state.was_read(march(2))) == (None, True, False)


@pytest.mark.parametrize("saved", [{}, {"__ab_no_cursor_state_message": True}])
def test_given_a_state_without_a_date_then_it_is_none(saved):
    state = resumed(saved)

    assert (state.first_day, state.was_read(march(1))) == (date(2026, 1, 1), False)


@pytest.mark.parametrize(
    "garbage",
    [
        *({"date": day} for day in ("", "yesterday", None, 5, "2026-02-30")),
        *({"date": "2026-03-09", key: "soon"} for key in ("lookback_from", "again_from", "read_through")),
        *({"date": "2026-03-09", "first_reported": value} for value in ("soon", None, 5)),
        *(
            {"date": "2026-03-09", "not_reported": value}
            for value in ("soon", None, 5, ["2026-03-01"] * 2, ["2026-03-01", "2026-03-01", "soon"])
        ),
        *({"date": "2026-03-09", "written": rows} for rows in ([1], {"2026-03-09": [1]}, {"2026-03-09": [[1, 2]]})),
        *({"date": "2026-03-09", "groups": rows} for rows in ([1], {"2026-03-09": 1}, {"2026-03-09": [[["DE"]]]})),
    ],
    ids=str,
)
def test_given_an_invalid_state_then_the_error_recommends_a_refresh(garbage):
    with pytest.raises(AirbyteTracedException, match="Refresh the stream and retain its records") as raised:
        resumed(garbage)

    assert raised.value.failure_type is FailureType.config_error
    assert STREAM in raised.value.message
