"""What the fake providers leave out of an answer, round, or count although they list it no more."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from integration_tests.expected import expected_records
from integration_tests.history import seven, smsfactor
from integration_tests.sandbox import world
from integration_tests.sandbox.settings import BadKnob, Settings
from integration_tests.sandbox.tests.asking import SETTINGS, consumption, seven_json

DAY = datetime.date(2026, 3, 2)
FIGURES = (*world.COUNTERS, "usage_eur")
VOICE = {"counter": "voice", "count": 5, "cost": 900}
EMPTIED = seven("scale", day=str(DAY), percent=0)


def having(**knobs: Any) -> Settings:
    return SETTINGS.with_knobs(knobs)


def grouping(settings: Settings, group_by: str, day: datetime.date = DAY, **query: str) -> list[dict[str, Any]]:
    bounds = {"start": str(day), "end": str(day)}
    return list(seven_json("analytics", settings, group_by=group_by, **{"subaccounts": "all", **bounds, **query}))


def summed(rows: list[dict[str, Any]]) -> list[float]:
    return [round(sum(row[name] for row in rows), 4) for name in FIGURES]


def reported(settings: Settings) -> list[str]:
    rows = seven_json("analytics", settings, start="2026-03-01", end="2026-03-10")
    return [row["date"][-2:] for row in rows]


def test_given_days_reported_then_older_days_are_left_out_of_every_request():
    settings = having(seven_days_reported=2)

    assert reported(settings) == ["08", "09", "10"]
    assert grouping(settings, "date") == []
    assert grouping(settings, "country") == grouping(SETTINGS, "country")


def test_given_days_left_out_then_only_the_grouping_by_date_lacks_them():
    settings = having(seven_days_left_out=["2026-03-02", "2026-03-09"])

    assert reported(settings) == ["01", "03", "04", "05", "06", "07", "08", "10"]
    assert grouping(settings, "label") == grouping(SETTINGS, "label")


@pytest.mark.parametrize("group_by", ["country", "label", "subaccount"])
def test_given_a_limit_of_groups_then_only_the_largest_are_returned(group_by):
    every, largest = grouping(SETTINGS, group_by), grouping(having(seven_most_groups=2), group_by)

    assert len({row[group_by.replace("subaccount", "account")] for row in largest}) == 2
    assert max(row["sms"] for row in every) in [row["sms"] for row in largest]
    assert grouping(having(seven_most_groups=2), "date") == grouping(SETTINGS, "date")


def test_given_ungrouped_counters_then_one_grouping_lacks_them_and_their_costs():
    day = next(
        day for n in range(30) if grouping(SETTINGS, "date", day := DAY - datetime.timedelta(days=n))[0]["voice"]
    )
    settings = having(seven_ungrouped={"country": ["voice"]})

    [total] = grouping(settings, "date", day)
    lacking = summed(grouping(settings, "country", day))

    assert lacking[FIGURES.index("voice")] == 0
    assert lacking[0] == total["sms"]
    assert lacking[-1] == pytest.approx(total["usage_eur"] - 0.1213 * total["voice"], abs=1e-9)
    assert summed(grouping(settings, "label", day)) == summed([total])


def test_given_group_costs_in_cents_then_the_total_has_four_decimals_still():
    settings = having(seven_group_costs="cents")

    assert all(round(row["usage_eur"], 2) == row["usage_eur"] for row in grouping(settings, "country"))
    assert grouping(settings, "country") != grouping(SETTINGS, "country")
    assert grouping(settings, "date") == grouping(SETTINGS, "date")


@pytest.mark.parametrize(("label", "country", "lacking"), [("otp", None, "country"), (None, "DE", "label")])
def test_given_a_charge_of_no_group_then_that_grouping_lacks_it(label, country, lacking):
    settings = having(
        corrections=[EMPTIED, seven("charge", day=str(DAY), account="", label=label, country=country, **VOICE)]
    )

    assert grouping(settings, lacking) == []
    for group_by in {"date", "country", "label", "subaccount"} - {lacking}:
        [row] = grouping(settings, group_by)
        assert (row["voice"], row["usage_eur"]) == (5, 0.09)


@pytest.mark.parametrize(
    "knobs",
    [
        {"seven_most_groups": 2},
        {"seven_ungrouped": {"country": ["sms"], "label": ["inbound", "voice"], "subaccount": ["rcs"]}},
        {"seven_group_costs": "cents"},
        {"corrections": [seven("charge", day=str(DAY), account="", label=None, country=None, **VOICE)]},
        {"corrections": [seven("delete", account="5310421", totals="kept")]},
        {"seven_unlisted": ["5310422"]},
    ],
    ids=str,
)
def test_given_anything_left_out_then_the_expected_rows_add_up_to_the_total(knobs):
    records = expected_records(having(**knobs), {}, SETTINGS.today_date(), DAY, DAY)
    *counts, cost = summed(records["analytics"])

    for stream in [name for name in records if name.startswith("analytics_by_")]:
        rows = records[stream]
        *found, found_cost = summed(rows)
        assert found == counts
        assert abs(found_cost - cost) <= 0.005 * len(rows)


def test_given_deleted_accounts_that_are_listed_then_only_the_list_shows_them():
    deleted = [seven("delete", account="5310421", totals="kept")]
    today = SETTINGS.today_date()

    assert "5310421" not in [each.account_id for each in world.seven_subaccounts(having(corrections=deleted), today)]
    settings = having(corrections=deleted, seven_deleted_subaccounts="listed")
    assert "5310421" in [each.account_id for each in world.seven_subaccounts(settings, today)]
    assert grouping(settings, "country", subaccounts="5310421") == []


def test_given_an_unnamed_account_then_the_list_has_its_id_and_no_name():
    listed = {row["id"]: row for row in seven_json("subaccounts", having(seven_unnamed=["5310422"]), action="read")}

    assert (listed["5310422"]["company"], listed["5310422"]["username"]) == (None, None)
    assert listed["5310421"]["company"]


@pytest.mark.parametrize("corrections", [[], [seven("delete", account="5310421", totals="dropped")]], ids=str)
def test_given_an_unknown_id_then_nothing_or_everything_is_returned(corrections):
    unknown = "5310421" if corrections else "99"

    assert grouping(having(corrections=corrections), "country", subaccounts=unknown) == []
    settings = having(corrections=corrections, seven_unknown_id="everything")
    assert grouping(settings, "country", subaccounts=unknown) == grouping(settings, "country")
    assert grouping(settings, "country", subaccounts="5310422") != grouping(settings, "country")


def test_given_a_removed_label_then_everything_or_nothing_is_returned():
    everything = having(seven_labels_gone=["otp"])

    assert grouping(everything, "country", label="otp") == grouping(SETTINGS, "country")
    assert grouping(SETTINGS, "country", label="otp") != grouping(SETTINGS, "country")
    assert grouping(having(seven_labels_gone=["otp"], seven_unknown_label="nothing"), "country", label="otp") == []


def test_given_no_group_total_then_smsfactor_sends_none():
    assert "total" not in consumption(having(smsfactor_group_total="missing"))


def test_given_an_idle_account_that_is_left_out_then_a_range_with_its_usage_shows_it():
    emptied = [smsfactor("move", day=str(DAY), field="account", old="2002", new="1001")]
    settings = having(corrections=emptied, smsfactor_idle_sub_accounts="left_out")

    def ids(end: str) -> set[int]:
        return {account["account_id"] for account in consumption(settings, str(DAY), end)["by_sub_accounts"]}

    assert 2002 not in ids(str(DAY))
    assert 2002 in ids("2026-03-09")


def test_given_an_smsfactor_account_deleted_with_total_kept_then_only_that_counts_it():
    before = consumption()
    after = consumption(having(corrections=[smsfactor("delete", account="2001", totals="kept")]))
    dropped = consumption(having(corrections=[smsfactor("delete", account="2001")]))

    assert after["total"] == before["total"] > dropped["total"]
    assert {**after, "total": dropped["total"]} == dropped


@pytest.mark.parametrize(
    "knobs",
    [
        {"seven_days_left_out": ["9 March"]},
        {"seven_days_reported": -1},
        {"seven_ungrouped": {"date": ["voice"]}},
        {"seven_ungrouped": {"country": ["calls"]}},
        {"corrections": [seven("charge", day=str(DAY), account=None, label="", country="", **VOICE)]},
        {"corrections": [smsfactor("delete", account="2001", totals="?")]},
    ],
    ids=str,
)
def test_given_a_bad_value_then_the_knob_is_rejected(knobs):
    with pytest.raises(BadKnob):
        having(**knobs)
