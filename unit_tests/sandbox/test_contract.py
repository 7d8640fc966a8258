"""The contract of the syncs against tables worked out by hand."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from integration_tests.contract import Contract, Rows, StreamDay, has_usage
from integration_tests.history import THREE_WEEKS, expected_tables, seven, smsfactor
from integration_tests.sandbox.settings import Settings
from integration_tests.streams import DAILY, GROUPED, PRIMARY_KEYS
from unit_tests.sandbox.asking import SETTINGS

DAY, TODAY = "2026-03-09", "2026-03-10"
CONFIG = {"start_date": "2026-03-08", "lookback_days": 3}
FILLED = (
    seven("scale", day=DAY, percent=0),
    seven("add", day=DAY, account="5310421", label="otp", country="", messages=3),
    seven("add", day=DAY, account="5310422", label="otp", country="DE", messages=5),
    smsfactor("scale", day=DAY, percent=0),
    smsfactor("add", day=DAY, account="2001", country="FR", messages=6),
    smsfactor("add", day=DAY, account="2001", country="", messages=4),
)
RENAMED = seven("rename", account="5310422", name="Nord")
DELETED = seven("delete", account="5310421", totals="kept")
DELETED_WITH_TOTALS = seven("delete", account="5310421", totals="dropped")
NAMES = {"Tochter Köln": 3, "Filiale Süd/West": 5}


def on(today: str, *corrections: dict[str, Any]) -> Settings:
    return SETTINGS.with_knobs({"today": today, "corrections": [*FILLED, *corrections]})


def figures(rows: Rows) -> dict[str, int]:
    """Group -> SMS, or country of SMSFactor's account 2001 -> units."""
    return {
        key[-1]: row.get("sms", row.get("consumption"))
        for key, row in rows.items()
        if row.get("account_id", "2001") == "2001"
    }


def after_two_readings(stream: str, *corrections: dict[str, Any], **config: Any) -> dict[str, int]:
    """What the table holds of DAY after it was read on two days, with corrections in between."""
    contract, at = Contract({**CONFIG, **config}), {(stream, DAY)}
    contract.took(on(TODAY), {}, at)
    contract.took(on("2026-03-11", *corrections), contract.tables(), at)
    assert contract.faults(contract.tables(), datetime.date(2026, 3, 11)) == []
    return figures(contract.tables()[stream, DAY])


def faults_of(contract: Contract, at: StreamDay, rows: Rows) -> int:
    return len(contract.faults({at: rows}, datetime.date(2026, 3, 11)))


@pytest.mark.parametrize(
    ("corrections", "left"),
    [
        ((), NAMES),
        ((seven("scale", day=DAY, percent=200),), {"Tochter Köln": 6, "Filiale Süd/West": 10}),
        ((RENAMED,), {"Tochter Köln": 3, "Filiale Süd/West": 0, "Nord": 5}),
        ((DELETED,), NAMES),
        ((DELETED, RENAMED), {"Tochter Köln": 3, "Filiale Süd/West": 0, "Nord": 5}),
        ((DELETED_WITH_TOTALS,), {"Tochter Köln": 0, "Filiale Süd/West": 5}),
        ((seven("scale", day=DAY, percent=0),), {"": 0, "Tochter Köln": 0, "Filiale Süd/West": 0}),
    ],
    ids=str,
)
def test_given_a_correction_of_seven_then_a_group_goes_to_zero_unless_the_total_needs_it(
    corrections: tuple[dict[str, Any], ...], left: dict[str, int]
) -> None:
    assert after_two_readings("analytics_by_subaccount", *corrections) == left


def test_given_a_deleted_account_that_no_total_explains_then_its_row_may_have_stayed_or_be_zero() -> None:
    at = ("analytics_by_subaccount", DAY)
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {at})
    deleted = (DAY, "Tochter Köln")
    before = contract.tables()[at][deleted]
    contract.took(on("2026-03-11", seven("scale", day=DAY, percent=200), DELETED), contract.tables(), {at})
    rows = contract.tables()[at]

    assert figures(rows) == {"Tochter Köln": 0, "Filiale Süd/West": 10}
    assert faults_of(contract, at, rows) == 0
    assert faults_of(contract, at, {**rows, deleted: before}) == 0
    assert faults_of(contract, at, {**rows, deleted: {**before, "sms": 4}}) == 1


@pytest.mark.parametrize(
    ("corrections", "config", "left"),
    [
        ((), {}, {"FR": 6, "": 4}),
        ((smsfactor("move", day=DAY, field="country", old="", new="BE"),), {}, {"FR": 6, "": 0, "BE": 4}),
        ((smsfactor("scale", day=DAY, percent=0),), {}, {"FR": 0, "": 0}),
        ((smsfactor("delete", account="2001"),), {}, {"FR": 6, "": 4}),
        ((smsfactor("delete", account="2001"),), {"smsfactor_sub_account_id": "2001"}, {"FR": 6, "": 4}),
        (
            (smsfactor("move", day=DAY, field="country", old="FR", new="BE"),),
            {"countries": ["FR"]},
            {"FR": 0, "": 0},
        ),
    ],
    ids=str,
)
def test_given_a_correction_of_smsfactor_then_a_country_goes_to_zero_unless_its_account_is_gone(
    corrections: tuple[dict[str, Any], ...], config: dict[str, Any], left: dict[str, int]
) -> None:
    assert after_two_readings("consumption", *corrections, **config) == left


def test_given_a_table_then_only_rows_with_usage_must_be_there_and_be_right_and_one_row_at_least() -> None:
    at = ("consumption", DAY)
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {at})
    rows = contract.tables()[at]
    with_usage = {key: row for key, row in rows.items() if has_usage(row)}
    fr = (DAY, "2001", "FR")

    assert len(with_usage) == 2 < len(rows)
    assert faults_of(contract, at, with_usage) == 0
    assert faults_of(contract, at, {**rows, (DAY, "2001", "ES"): {**rows[fr], "country": "ES", "consumption": 0}}) == 0
    assert faults_of(contract, at, {**rows, (DAY, "2001", "ES"): {**rows[fr], "country": "ES"}}) == 1
    assert faults_of(contract, at, {key: row for key, row in rows.items() if key != fr}) == 1
    assert faults_of(contract, at, {**rows, fr: {**rows[fr], "company": "Lyon"}}) == 1
    assert faults_of(contract, at, {**rows, fr: {**rows[fr], "is_partial": True}}) == 1
    assert faults_of(contract, at, {}) == 1


def test_given_a_running_day_then_it_is_not_compared_until_it_is_over() -> None:
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {("consumption", TODAY)})

    assert contract.faults({}, datetime.date(2026, 3, 10)) == []
    assert contract.faults({}, datetime.date(2026, 3, 11)) == ["consumption, 2026-03-10: there is no row"]


def test_given_a_reading_that_was_cut_then_the_table_says_either_what_was_said_before_or_then() -> None:
    at = ("consumption", DAY)
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {at})
    before = contract.tables()[at]
    moved = smsfactor("move", day=DAY, field="country", old="", new="BE")
    contract.took(on("2026-03-11", moved), contract.tables(), (), {at})
    other = Contract(CONFIG)
    other.took(on("2026-03-11", moved), {at: before}, {at})
    after = other.tables()[at]

    assert faults_of(contract, at, before) == 0
    assert faults_of(contract, at, after) == 0
    assert faults_of(contract, at, {**before, **{key: after[key] for key in after.keys() - before.keys()}}) == 1


def test_given_days_that_were_read_then_they_are_due_until_one_reading_was_at_the_age_of_the_lookback() -> None:
    def due(contract: Contract, today: int) -> list[str]:
        return [day for stream, day in contract.due(datetime.date(2026, 3, today)) if stream == "consumption"]

    contract = Contract({"start_date": "2026-03-07", "lookback_days": 2})
    assert {stream for stream, _ in contract.due(datetime.date(2026, 3, 8))} == set(DAILY)
    assert due(contract, 10) == ["2026-03-07", "2026-03-08", "2026-03-09"]

    contract.took(on("2026-03-10"), {}, contract.due(datetime.date(2026, 3, 10)))
    assert due(contract, 10) == ["2026-03-09"]
    assert due(contract, 17) == [f"2026-03-{day:02}" for day in range(9, 17)]

    contract.took(on("2026-03-17"), {}, (), contract.due(datetime.date(2026, 3, 17)))
    assert due(contract, 17) == [f"2026-03-{day:02}" for day in range(9, 17)]


def test_given_three_weeks_then_every_grouping_is_corrected_and_figures_are_those_worked_out_by_hand() -> None:
    tables = expected_tables(THREE_WEEKS, SETTINGS)

    assert [max(day for _, day in each) for each in tables] == ["2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30"]
    for stream in (*GROUPED, "consumption"):
        first, second = tables[0][stream, DAY], tables[1][stream, DAY]
        assert any(has_usage(row) for row in first.values())
        assert first != second
        assert all(tuple(row[name] for name in PRIMARY_KEYS[stream]) == key for key, row in second.items())
    assert figures(tables[0]["consumption", DAY]) == {"FR": 6, "": 4}
    assert figures(tables[3]["consumption", DAY]) == {"FR": 6, "": 0, "BE": 4}
    assert {key[1]: has_usage(row) for key, row in tables[1]["analytics_by_label", DAY].items()}["otp"] is False
