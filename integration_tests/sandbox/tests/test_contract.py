"""The contract of the syncs against tables worked out by hand."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from integration_tests.contract import Contract, Rows, StreamDay, has_usage
from integration_tests.history import THREE_WEEKS, expected_tables, seven, smsfactor
from integration_tests.sandbox.settings import Settings
from integration_tests.sandbox.tests.asking import SETTINGS
from integration_tests.streams import DAILY, GROUPED, PRIMARY_KEYS

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
FIVE = {"account": "", "label": "otp", "messages": 5}
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
def test_given_a_seven_correction_then_a_group_becomes_zero_unless_in_the_total(
    corrections: tuple[dict[str, Any], ...], left: dict[str, int]
) -> None:
    assert after_two_readings("analytics_by_subaccount", *corrections) == left


def test_given_a_deleted_account_and_a_new_rest_then_its_row_stays_beside_the_rest() -> None:
    at = ("analytics_by_subaccount", DAY)
    charged = seven("charge", day=DAY, account="5310422", label="", country="", counter="inbound", count=7, cost=0)
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {at})
    settings = on("2026-03-11", DELETED, charged).with_knobs({"seven_ungrouped": {"subaccount": ["inbound"]}})
    contract.took(settings, contract.tables(), {at})
    rows = contract.tables()[at]
    rest, deleted = (DAY, ""), (DAY, "Tochter Köln")

    assert figures(rows) == {**NAMES, "": 0}
    assert rows[rest]["inbound"] == 7
    assert faults_of(contract, at, rows) == 0
    assert faults_of(contract, at, {**rows, rest: {**rows[rest], "inbound": 6}}) == 1
    # The sums are right, but what the total can hold is not a rest.
    moved = {**rows[rest], "sms": 3, "usage_eur": 0.21}
    assert faults_of(contract, at, {**rows, rest: moved, deleted: {**rows[deleted], "sms": 0, "usage_eur": 0}}) == 1
    assert faults_of(contract, at, {key: row for key, row in rows.items() if key != deleted}) == 2


def test_given_the_first_reading_of_a_deleted_account_then_its_usage_is_a_rest() -> None:
    at = ("analytics_by_subaccount_and_country", DAY)
    contract = Contract(CONFIG)
    contract.took(on(TODAY, DELETED), {}, {at})
    rows = contract.tables()[at]

    assert {key[1:]: row["sms"] for key, row in rows.items()} == {("5310422", "DE"): 5, ("main", ""): 3}
    of_account = {**rows, (DAY, "5310421", ""): {**rows[DAY, "main", ""], "account_id": "5310421"}}
    del of_account[DAY, "main", ""]
    assert faults_of(contract, at, of_account) == 0
    assert faults_of(contract, at, {DAY: row for DAY, row in rows.items() if row["sms"] == 5}) == 1


def test_given_costs_in_cents_then_they_add_up_within_half_a_cent_a_row() -> None:
    at = ("analytics_by_country", DAY)
    contract = Contract(CONFIG)
    charges = [
        seven("charge", day=DAY, account="", label="", country=country, counter="sms", count=1, cost=49)
        for country in ("AT", "CH")
    ]
    contract.took(on(TODAY, *charges).with_knobs({"seven_group_costs": "cents"}), {}, {at})
    rows = contract.tables()[at]

    assert figures(rows) == {"": 3, "DE": 5, "AT": 1, "CH": 1}
    assert faults_of(contract, at, rows) == 0


def test_given_filters_that_change_then_rows_of_former_ones_stay() -> None:
    at = ("analytics_by_country", DAY)
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {at})
    narrowed = {**CONFIG, "seven_subaccounts": "5310422"}
    for today in ("2026-03-11", "2026-03-12"):
        contract.took(on(today), contract.tables(), {at}, config=narrowed)

        rows = contract.tables()[at]
        assert figures(rows) == {"": 3, "DE": 5}
        assert faults_of(contract, at, rows) == 0
        assert faults_of(contract, at, {key: row for key, row in rows.items() if key[1] == "DE"}) == 1


def test_given_left_out_days_then_they_must_fail_once_one_as_old_was_reported() -> None:
    contract = Contract({"start_date": "2026-03-05", "lookback_days": 9})
    settings = on("2026-03-10").with_knobs({"seven_days_reported": 3})

    assert contract.left_out(settings, datetime.date(2026, 3, 10)) == (set(), set())
    contract.took(settings, {}, contract.due(datetime.date(2026, 3, 10)))
    rows = [contract.tables()["analytics", f"2026-03-0{n}"] for n in range(5, 10)]
    assert [any(map(has_usage, of_day.values())) for of_day in rows] == [False, False, True, True, True]
    settings = on("2026-03-11").with_knobs({"seven_days_reported": 3})
    must, may = contract.left_out(settings, datetime.date(2026, 3, 11))
    assert ({day for stream, day in must if stream == "analytics"}, may) == ({"2026-03-07"}, set())


def test_given_a_running_day_then_rows_stay_and_the_complete_day_is_not_partial() -> None:
    at = ("analytics_by_country", TODAY)
    running = [seven("scale", day=TODAY, percent=0), seven("add", day=TODAY, **FIVE, country="DE")]
    contract = Contract(CONFIG)
    contract.took(on(TODAY, *running), {}, {at})
    before = contract.tables()[at]
    moved = seven("move", day=TODAY, field="country", old="DE", new="AT")
    contract.took(on(TODAY, *running, moved), contract.tables(), {at})
    rows = contract.tables()[at]

    assert figures(rows) == {"DE": 2, "AT": 2}
    assert faults_of(contract, at, {key: row for key, row in rows.items() if key not in before}) == 1
    contract.took(on("2026-03-11", *running, moved), contract.tables(), {at})
    rows = contract.tables()[at]
    assert figures(rows) == {"DE": 0, "AT": 5}
    assert faults_of(contract, at, {**rows, **before}) > 0
    assert faults_of(contract, at, {key: {**row, "is_partial": True} for key, row in rows.items()}) >= 2


def test_given_rows_in_a_saved_state_then_they_count_even_if_they_never_arrived() -> None:
    at = ("consumption", DAY)
    rows = {(DAY, "2001", "FR"): [6], (DAY, "2001", ""): [4]}

    def faults_after(named: dict[StreamDay, dict[Any, list[Any]]]) -> int:
        contract = Contract(CONFIG)
        contract.took(on(TODAY), {}, (), {at}, named=named, was_killed=True)
        contract.took(on("2026-03-11", smsfactor("delete", account="2001", totals="kept")), {}, {at})
        only_main = {key: row for key, row in contract.tables()[at].items() if row["account_id"] == "1001"}
        return faults_of(contract, at, only_main or {(DAY, "1001", ""): {"is_partial": False}})

    assert faults_after({at: rows}) == 2
    # The state may name what an earlier sync wrote, or nothing.
    assert faults_after({at: {**rows, (DAY, "2001", "FR"): [5]}}) == 0
    assert faults_after({}) == 0


def test_given_a_hidden_account_then_it_is_zero_unless_the_group_total_contains_it() -> None:
    at = ("consumption", DAY)

    def after(*corrections: dict[str, Any], **knobs: Any) -> dict[str, int]:
        contract = Contract(CONFIG)
        contract.took(on(TODAY), {}, {at})
        settings = on("2026-03-11", *corrections).with_knobs({"smsfactor_idle_sub_accounts": "left_out", **knobs})
        contract.took(settings, contract.tables(), {at, ("consumption", TODAY)})
        assert contract.faults(contract.tables(), datetime.date(2026, 3, 11)) == []
        return figures(contract.tables()[at])

    assert after(smsfactor("move", day=DAY, field="account", old="2001", new="1001")) == {"FR": 0, "": 0}
    assert after(smsfactor("scale", day=DAY, percent=0)) == {"FR": 0, "": 0}
    assert after(smsfactor("delete", account="2001")) == {"FR": 0, "": 0}
    assert after(smsfactor("delete", account="2001"), smsfactor_group_total="missing") == {"FR": 6, "": 4}
    assert after(smsfactor("delete", account="2001", totals="kept")) == {"FR": 6, "": 4}


@pytest.mark.parametrize(
    ("corrections", "config", "left"),
    [
        ((), {}, {"FR": 6, "": 4}),
        ((smsfactor("move", day=DAY, field="country", old="", new="BE"),), {}, {"FR": 6, "": 0, "BE": 4}),
        ((smsfactor("scale", day=DAY, percent=0),), {}, {"FR": 0, "": 0}),
        ((smsfactor("delete", account="2001"),), {}, {"FR": 0, "": 0}),
        ((smsfactor("delete", account="2001", totals="kept"),), {}, {"FR": 6, "": 4}),
        (
            (smsfactor("delete", account="2001", totals="kept"),),
            {"smsfactor_sub_account_id": "2001"},
            {"FR": 6, "": 4},
        ),
        (
            (smsfactor("move", day=DAY, field="country", old="FR", new="BE"),),
            {"countries": ["FR"]},
            {"FR": 0, "": 0},
        ),
    ],
    ids=str,
)
def test_given_an_smsfactor_correction_then_a_country_is_zero_unless_in_the_total(
    corrections: tuple[dict[str, Any], ...], config: dict[str, Any], left: dict[str, int]
) -> None:
    assert after_two_readings("consumption", *corrections, **config) == left


def test_given_a_table_then_only_rows_with_usage_are_required_and_at_least_one_row() -> None:
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


def test_given_a_reading_that_was_cut_then_its_day_is_compared_after_the_next_one() -> None:
    at = ("consumption", DAY)
    contract = Contract(CONFIG)
    contract.took(on(TODAY), {}, {at})
    before = contract.tables()[at]
    moved = smsfactor("move", day=DAY, field="country", old="", new="BE")
    contract.took(on("2026-03-11", moved), contract.tables(), (), {at})
    assert faults_of(contract, at, {}) == 0

    contract.took(on("2026-03-11", moved), {at: before}, {at})
    after = contract.tables()[at]

    assert figures(after) == {"FR": 6, "BE": 4, "": 0}
    assert faults_of(contract, at, after) == 0
    assert faults_of(contract, at, {**after, **before}) == 1


def test_given_days_that_were_read_then_they_are_due_until_read_at_the_lookback_age() -> None:
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


def test_given_three_weeks_then_all_groupings_are_corrected_as_calculated_by_hand() -> None:
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
