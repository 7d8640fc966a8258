"""What becomes of rows whose account or country SMSFactor does not report any more."""

from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType

from unit_tests.connector import read, state, written
from unit_tests.providers import SMSFACTOR, as_json, query_of

URL = f"{SMSFACTOR}/metrics/consumption"
DAY = "2026-03-09"
MONTH = f"{URL}?date_start=2025-03-10&date_end=2025-04-09"
"""The first of the months in which it is looked for accounts that exist."""
AGAIN = {"start_date": DAY, "lookback_days": 1}
Units = dict[tuple[str, str], int]


def account(account_id: int, company: str, **countries: int) -> dict:
    """`rest` is what no country explains."""
    by_country = {code: units for code, units in countries.items() if code != "rest"}
    conso = {"total": sum(countries.values()), "by_country": by_country}
    return {"account_id": account_id, "company": company, "conso": conso}


def answer(*accounts: dict, total: int | str | None = "the sum") -> bytes:
    """Without a group total if `total` is None."""
    data = {"total": total, "my_account": accounts[0], "by_sub_accounts": accounts[1:]}
    if total == "the sum":
        data["total"] = sum(each["conso"]["total"] for each in accounts)
    if total is None:
        del data["total"]
    return as_json({"status": 1, "message": "OK", "data": data})


@pytest.fixture
def day(providers):
    """Says what 9 March has: the main account's countries, sub-accounts, and the group total if it is another."""

    def has(*subs: dict, total: int | str | None = "the sum", **countries: int) -> None:
        providers.answer(URL, answer(account(1, "Main", **countries), *subs, total=total))

    return has


def synced(*, after=None, saved=None, **settings) -> tuple[Units, list]:
    """The units of each account and country, and the state that the next sync gets."""
    saved = state("consumption", **after[-1]) if after else saved
    output = read("consumption", saved=saved, **AGAIN, **settings)
    assert output.failure is None
    return {(row["account_id"], row["country"]): row["consumption"] for row in output.records}, output.states


def entry(account_id: str, country: str, units: int) -> list:
    return [[account_id, country], [units], ["Main" if account_id == "1" else "Sub", account_id == "1"]]


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def months_requested(providers) -> int:
    queries = map(query_of, providers.requests)
    return sum(query["date_start"] != query["date_end"] for query in queries)


# Countries of a listed account


def test_given_units_without_country_that_got_one_then_the_old_row_has_zero(day):
    day(FR=6, rest=4)
    _, states = synced()
    day(FR=6, BE=4)

    found, states = synced(after=states)

    assert found == {("1", "FR"): 6, ("1", "BE"): 4, ("1", ""): 0}
    assert states[-1]["written"] == {DAY: [entry("1", "FR", 6), entry("1", "BE", 4)]}


def test_given_an_account_that_was_emptied_then_its_countries_have_zero(day, providers, caplog):
    day(account(2, "Sub", IT=20), FR=6)
    _, states = synced()
    day(account(2, "Sub"), FR=6)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 6, ("2", ""): 0, ("2", "IT"): 0}
    assert (months_requested(providers), warnings(caplog)) == (0, [])


def test_given_a_sync_that_was_killed_before_a_zero_row_then_it_is_written(day):
    day(FR=6)

    found, _ = synced(saved=written("consumption", entry("1", "FR", 6), entry("1", "BE", 0)))

    assert found == {("1", "FR"): 6, ("1", "BE"): 0}


# Accounts that are not listed any more


def test_given_an_account_that_was_deleted_then_its_rows_are_written_again(day, caplog):
    day(account(2, "Sub", IT=20, FR=1), FR=6)
    _, states = synced()
    day(FR=6, total=27)

    found, states = synced(after=states)

    assert found == {("1", "FR"): 6, ("2", "IT"): 20, ("2", "FR"): 1}
    assert states[-1]["written"][DAY][1:] == [entry("2", "IT", 20), entry("2", "FR", 1)]
    [warning] = warnings(caplog)
    assert "'consumption'" in warning
    assert "Days: 1, first: 2026-03-09." in warning


def test_given_a_deleted_account_then_its_rows_still_name_its_company(day):
    day(account(2, "Sub", IT=20), FR=6)
    first = read("consumption", **AGAIN)
    day(FR=6, total=26)

    output = read("consumption", saved=state("consumption", **first.states[-1]), **AGAIN)

    assert output.records == first.records


def test_given_usage_that_the_group_total_contains_then_it_stays_without_a_request(day, providers):
    day(account(2, "Sub", IT=20), FR=6)
    _, states = synced()
    day(FR=6, total=26)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 6, ("2", "IT"): 20}
    assert months_requested(providers) == 0


def test_given_usage_that_moved_from_a_hidden_account_then_the_old_rows_have_zero(day, caplog):
    day(account(2, "Sub", IT=24), FR=100)
    _, states = synced()
    day(FR=124)

    found, states = synced(after=states)

    assert found == {("1", "FR"): 124, ("2", "IT"): 0}
    assert states[-1]["written"] == {DAY: [entry("1", "FR", 124)]}
    assert warnings(caplog) == []


@pytest.mark.parametrize("total", [129, None])
def test_given_one_account_that_moved_and_one_that_was_deleted_then_the_latter_stays(day, total):
    day(account(2, "Sub", IT=24), account(3, "Other", IT=5), FR=100)
    _, states = synced()
    day(FR=124, total=total)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 124, ("2", "IT"): 0, ("3", "IT"): 5}


def test_given_a_group_total_without_the_usage_then_old_rows_become_zero_and_warn(day, providers, caplog):
    """SMSFactor hides accounts that are idle, or does not count deleted ones any more: its own total decides."""
    day(account(2, "Sub", IT=24), FR=100)
    _, states = synced()
    day(FR=100)

    found, states = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): 0}
    assert states[-1]["written"] == {DAY: [entry("1", "FR", 100)]}
    assert months_requested(providers) == 0
    [warning] = warnings(caplog)
    assert "their rows are zero now" in warning
    assert "Days: 1, first: 2026-03-09." in warning


def test_given_a_group_total_that_contains_one_account_then_the_other_is_zero(day, caplog):
    day(account(2, "Sub", IT=24), account(3, "Other", IT=5), FR=100)
    _, states = synced()
    day(FR=100, total=105)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): 0, ("3", "IT"): 5}
    assert ["zero now" in warning for warning in warnings(caplog)] == [True, False]


@pytest.mark.parametrize("total", [None, 99, 103], ids=["not sent", "too low", "explains nothing"])
def test_given_no_usable_total_and_an_account_listed_in_a_month_then_it_becomes_zero(day, providers, caplog, total):
    """It exists: its usage was corrected away, and SMSFactor hides accounts that are idle."""
    day(account(2, "Sub", IT=24), FR=100)
    _, states = synced()
    day(FR=100, total=total)
    providers.answer(MONTH, answer(account(1, "Main", FR=900), account(2, "Sub", IT=300)))

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): 0}
    assert [each for each in warnings(caplog) if "no longer contains it" in each] == []


def test_given_an_unlisted_account_and_months_that_fail_then_its_day_is_read_again(day, providers):
    day(account(2, "Sub", IT=24), FR=100)
    _, states = synced()
    day(FR=100, total=None)
    providers.answer(MONTH, b'{"status": -99}')

    output = read("consumption", saved=state("consumption", **states[-1]), **AGAIN)

    assert output.records == []
    assert output.failure.failure_type is FailureType.transient_error


def test_given_an_unlisted_account_and_months_without_response_then_its_rows_stay(day, providers):
    day(account(2, "Sub", IT=24), FR=100)
    _, states = synced()
    day(FR=100, total=None)
    providers.answer(MONTH, b'{"status": -7}')

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): 24}


def test_given_several_days_without_an_account_then_twelve_months_are_requested_once(day, providers, caplog):
    day(account(2, "Sub", IT=24), FR=100)
    first = read("consumption")
    day(FR=100, total=None)

    output = read("consumption", saved=state("consumption", **first.states[-1]))

    assert [row["consumption"] for row in output.records] == [100, 24] * 3
    assert months_requested(providers) == 12
    warning, _no_total = warnings(caplog)
    assert "Days: 3, first: 2026-03-07." in warning


def test_given_a_refund_of_an_account_no_longer_listed_then_the_total_decides(day):
    day(account(2, "Sub", IT=-24), account(3, "Other", IT=5), FR=100)
    _, states = synced()
    day(FR=100, total=76)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): -24, ("3", "IT"): 0}


def test_given_accounts_with_usage_and_refunds_then_the_ones_in_the_total_stay(day):
    day(account(2, "Sub", IT=24), account(3, "Other", IT=-19), account(4, "Third", IT=7), FR=100)
    _, states = synced()
    day(FR=100, total=105)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): 24, ("3", "IT"): -19, ("4", "IT"): 0}


def test_given_no_total_and_a_refund_moved_from_a_hidden_account_then_it_is_zero(day):
    day(account(2, "Sub", IT=-24), FR=100)
    _, states = synced()
    day(FR=76, total=None)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 76, ("2", "IT"): 0}


def test_given_an_unlisted_account_without_usage_then_nothing_is_requested_for_it(day, providers, caplog):
    day(FR=6, total=None)

    found, _ = synced(saved=written("consumption", entry("1", "FR", 6), entry("2", "IT", 0)))

    assert found == {("1", "FR"): 6, ("2", "IT"): 0}
    assert months_requested(providers) == 0
    assert len(warnings(caplog)) == 1


def test_given_a_filter_and_an_unlisted_account_then_sums_and_total_are_not_compared(day, caplog):
    day(account(2, "Sub", IT=20, FR=5), FR=6)
    _, states = synced(countries=["FR"])
    day(FR=6, total=31)

    found, _ = synced(after=states, countries=["FR"])

    assert found == {("1", "FR"): 6, ("2", "FR"): 5}
    [warning] = warnings(caplog)
    assert "their rows are kept" in warning


def test_given_an_account_that_comes_back_then_its_reported_usage_counts(day):
    day(account(2, "Sub", IT=24), FR=100)
    _, states = synced()
    day(FR=100, total=124)
    _, states = synced(after=states)
    day(account(2, "Sub", IT=25), FR=100)

    found, _ = synced(after=states)

    assert found == {("1", "FR"): 100, ("2", "IT"): 25}


def test_given_a_running_day_without_an_account_then_its_rows_stay_without_a_warning(day, clock, caplog):
    clock.move_to("2026-03-09T12:00:00Z")
    running = {"start_date": DAY, "include_today": True}
    day(account(2, "Sub", IT=24), FR=100)
    first = read("consumption", **running)
    day(FR=124)

    second = read("consumption", saved=state("consumption", **first.states[-1]), **running)

    assert [(row["account_id"], row["consumption"]) for row in second.records] == [("1", 124), ("2", 24)]
    assert {row["is_partial"] for row in second.records} == {True}
    assert warnings(caplog) == []


# One account in the settings


def test_given_an_account_in_settings_that_is_not_listed_then_its_day_has_a_zero_row(day):
    day(FR=6)

    found, _ = synced(smsfactor_sub_account_id="2")

    assert found == {("2", ""): 0}


def test_given_an_account_in_the_settings_no_longer_listed_then_its_rows_stay(day):
    day(account(2, "Sub", rest=20), FR=6)
    _, states = synced(smsfactor_sub_account_id="2")
    day(FR=6, total=26)

    found, _ = synced(after=states, smsfactor_sub_account_id="2")

    assert found == {("2", ""): 20}


@pytest.mark.parametrize(
    ("before", "now"),
    [({}, {"smsfactor_sub_account_id": "2"}), ({"countries": ["FR", "IT"]}, {"countries": ["FR"]})],
    ids=["account", "countries"],
)
def test_given_a_setting_that_narrows_when_read_again_then_no_row_becomes_zero(day, before, now):
    day(account(2, "Sub", IT=20), FR=6)
    _, states = synced(**before)

    found, _ = synced(after=states, **now)

    assert ("1", "FR") not in found or found["1", "FR"] == 6
    assert ("2", "IT") not in found or found["2", "IT"] == 20


# The group total


@pytest.mark.parametrize("total", [25, 27])
def test_given_accounts_that_differ_from_the_group_total_then_a_warning_names_both(day, caplog, total):
    day(account(2, "Sub", IT=20), FR=6, total=total)

    found, _ = synced()

    assert found == {("1", "FR"): 6, ("2", "IT"): 20}
    [warning] = warnings(caplog)
    assert f"2026-03-09 (26, group total {total})" in warning


def test_given_no_group_total_then_one_warning_counts_the_days(providers, caplog):
    providers.answer(URL, answer(account(1, "Main", FR=6), total=None))

    output = read("consumption")

    assert [row["consumption"] for row in output.records] == [6] * 3
    [warning] = warnings(caplog)
    assert "Days: 3, first: 2026-03-07." in warning
