"""Each kind of correction, as the providers' answers and the expected records show it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from integration_tests.expected import expected_records
from integration_tests.sandbox import world
from integration_tests.sandbox.settings import BadKnob, Settings
from integration_tests.sandbox.tests.asking import SETTINGS, consumption, seven_json, smsfactor_json

TODAY = SETTINGS.today_date()
DAY = datetime.date(2026, 3, 2)
NEXT_DAY = DAY + datetime.timedelta(days=1)
IDLE_DAY = datetime.date(2026, 3, 4)
FIGURES = (*world.COUNTERS, "usage_eur")


def seven(kind: str, **what: Any) -> dict[str, Any]:
    return {"provider": "seven", "kind": kind, **what}


def smsfactor(kind: str, **what: Any) -> dict[str, Any]:
    return {"provider": "smsfactor", "kind": kind, **what}


def after(*corrections: dict[str, Any]) -> Settings:
    return SETTINGS.with_knobs({"corrections": list(corrections)})


def groups(settings: Settings, group_by: str, day: datetime.date = DAY, **query: str) -> dict[str, dict[str, Any]]:
    """Group -> its figures, rows of one group added up, as seven.io answers them of a day."""
    field = {"subaccount": "account"}.get(group_by, group_by)
    found: dict[str, dict[str, Any]] = {}
    for row in seven_json(
        "analytics", settings, group_by=group_by, start=str(day), end=str(day), **{"subaccounts": "all", **query}
    ):
        figures = found.setdefault(row[field], dict.fromkeys(FIGURES, 0))
        for name in FIGURES:
            figures[name] = round(figures[name] + row[name], 4)
    return found


def total(settings: Settings, day: datetime.date = DAY, **query: str) -> dict[str, Any]:
    return groups(settings, "date", day, **query)[str(day)]


def summed(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: round(sum(figures[name] for figures in found.values()), 4) for name in FIGURES}


def by_country(settings: Settings, account: int, day: datetime.date = DAY) -> dict[str, int]:
    """Country -> units of one SMSFactor account; country `""` is what no country explains."""
    data = consumption(settings, str(day), str(day))
    (conso,) = [
        each["conso"] for each in (data["my_account"], *data["by_sub_accounts"]) if each["account_id"] == account
    ]
    found = dict(conso["by_country"] or {})
    if rest := conso["total"] - sum(found.values()):
        found[""] = found.get("", 0) + rest
    return found


EVERY_KIND = [
    seven("scale", day=str(DAY), percent=130),
    seven("scale", day=str(DAY), percent=0),
    seven("add", day=str(DAY), account="5310422", label="new", country="ES", messages=3),
    seven("charge", day=str(DAY), account="", label="otp", country="DE", counter="voice", count=2, cost=90),
    seven("move", day=str(DAY), field="country", old="DE", new=""),
    seven("move", day=str(DAY), field="label", old="otp", new="new"),
    seven("move", day=str(DAY), field="account", old="", new="5310423"),
    seven("rename", account="5310421", name="Tochter Bonn"),
    seven("rename", account="5310421", name="Main GmbH"),
    seven("delete", account="5310421", totals="dropped"),
]


@pytest.mark.parametrize("correction", EVERY_KIND, ids=str)
def test_given_a_correction_of_seven_then_every_grouping_adds_up_to_the_total(correction: dict[str, Any]) -> None:
    for group_by in ("country", "label", "subaccount"):
        assert summed(groups(after(correction), group_by)) == total(after(correction))


@pytest.mark.parametrize("correction", EVERY_KIND, ids=str)
def test_given_a_correction_of_seven_then_the_expected_records_follow(correction: dict[str, Any]) -> None:
    records = expected_records(after(correction), {}, TODAY, DAY, DAY)

    for group_by, field in (("country", "country"), ("label", "label"), ("subaccount", "account")):
        rows = {row[field]: {name: row[name] for name in FIGURES} for row in records[f"analytics_by_{group_by}"]}
        assert rows == (groups(after(correction), group_by) or {"": dict.fromkeys(FIGURES, 0)})


def test_given_a_correction_of_a_day_then_other_days_and_providers_do_not_change() -> None:
    settings = after(
        seven("scale", day=str(DAY), percent=0), seven("move", day=str(DAY), field="country", old="DE", new="")
    )

    assert total(settings) == dict.fromkeys(FIGURES, 0)
    assert groups(settings, "country", NEXT_DAY) == groups(SETTINGS, "country", NEXT_DAY)
    assert consumption(settings) == consumption()
    smsfactors = after(smsfactor("scale", day=str(DAY), percent=0))
    assert consumption(smsfactors)["total"] == 0
    assert consumption(smsfactors, str(NEXT_DAY), str(NEXT_DAY)) == consumption(start=str(NEXT_DAY), end=str(NEXT_DAY))
    assert total(smsfactors) == total(SETTINGS)


def test_given_a_day_that_is_emptied_and_refilled_then_it_has_only_the_new_group() -> None:
    emptied = seven("scale", day=str(DAY), percent=0)
    refilled = seven("add", day=str(DAY), account="", label="otp", country="CH", messages=2)

    assert groups(after(emptied), "country") == {}
    assert groups(after(emptied, refilled), "subaccount") == {
        "Main GmbH": {**dict.fromkeys(FIGURES, 0), "sms": 2, "usage_eur": 0.14}
    }
    assert groups(after(refilled, emptied), "label") == {}


def test_given_a_group_moved_then_it_is_gone_and_its_usage_is_the_other_ones() -> None:
    before, moved = groups(SETTINGS, "label"), seven("move", day=str(DAY), field="label", old="otp", new="")

    settings = after(moved)

    assert groups(settings, "label").keys() == before.keys() - {"otp"}
    assert groups(settings, "label")[""]["sms"] == before["otp"]["sms"] + before[""]["sms"]
    assert groups(settings, "country") == groups(SETTINGS, "country")


def test_given_an_account_moved_then_its_usage_is_found_by_its_id() -> None:
    settings = after(seven("move", day=str(DAY), field="account", old="", new="5310423"))

    assert groups(settings, "subaccount", subaccounts="only_main") == {}
    assert groups(settings, "subaccount", subaccounts="5310423").keys() == {"Test & Labor"}
    assert total(settings) == total(SETTINGS)


def test_given_an_account_renamed_then_it_has_its_new_name_on_all_days_and_its_usage() -> None:
    settings = after(seven("rename", account="", name="Holding"))

    for day in (DAY, NEXT_DAY):
        before = groups(SETTINGS, "subaccount", day)
        before["Holding"] = before.pop("Main GmbH")
        assert groups(settings, "subaccount", day) == before


def test_given_an_account_deleted_with_its_totals_then_nothing_shows_it() -> None:
    settings = after(seven("delete", account="5310421", totals="dropped"))

    assert groups(settings, "subaccount").keys() == groups(SETTINGS, "subaccount").keys() - {"Tochter Köln"}
    assert total(settings, subaccounts="5310421") == dict.fromkeys(FIGURES, 0)


def test_given_a_deleted_account_kept_in_totals_then_only_subaccount_rows_lack_it() -> None:
    settings = after(seven("delete", account="5310421", totals="kept"))

    left = groups(SETTINGS, "subaccount")
    gone = left.pop("Tochter Köln")
    assert groups(settings, "subaccount") == left
    assert total(settings)["sms"] == summed(left)["sms"] + gone["sms"]
    assert total(settings) == total(SETTINGS)
    assert groups(settings, "country") == groups(SETTINGS, "country")
    assert total(settings, subaccounts="5310421") == dict.fromkeys(FIGURES, 0)


def test_given_a_deleted_account_kept_in_totals_when_corrected_then_its_usage_stays() -> None:
    deleted = seven("delete", account="5310421", totals="kept")
    alone = total(SETTINGS, subaccounts="5310421")
    labels = groups(SETTINGS, "label", subaccounts="5310421")
    label = next(iter(labels))

    emptied = after(deleted, seven("scale", day=str(DAY), percent=0))
    moved = after(deleted, seven("move", day=str(DAY), field="label", old=label, new="elsewhere"))

    assert groups(emptied, "subaccount") == {}
    assert total(emptied) == alone
    assert groups(moved, "label")[label] == labels[label]


def test_given_a_running_day_then_half_of_its_corrected_figures_are_known() -> None:
    settings = after(
        seven("scale", day=str(TODAY), percent=0),
        seven("add", day=str(TODAY), account="", label="otp", country="CH", messages=4),
        smsfactor("scale", day=str(TODAY), percent=0),
        smsfactor("add", day=str(TODAY), account="2001", country="ES", messages=6),
    )

    assert groups(settings, "country", TODAY)["CH"]["sms"] == 2
    assert by_country(settings, 2001, TODAY) == {"ES": 3}


@pytest.mark.parametrize(
    ("correction", "left"),
    [
        (smsfactor("scale", day=str(DAY), percent=200), {"FR": 12, "": 8}),
        (smsfactor("scale", day=str(DAY), percent=0), {}),
        (smsfactor("add", day=str(DAY), account="2001", country="FR", messages=1), {"FR": 7, "": 4}),
        (smsfactor("move", day=str(DAY), field="country", old="", new="BE"), {"FR": 6, "BE": 4}),
        (smsfactor("move", day=str(DAY), field="country", old="FR", new=""), {"": 10}),
        (smsfactor("move", day=str(DAY), field="country", old="FR", new="FR"), {"FR": 6, "": 4}),
        (smsfactor("move", day=str(DAY), field="account", old="2001", new="1001"), {}),
        (smsfactor("move", day=str(DAY), field="account", old="1001", new="2001"), {"FR": 8, "": 4}),
    ],
    ids=str,
)
def test_given_a_correction_of_smsfactor_then_the_account_has_those_countries(
    correction: dict[str, Any], left: dict[str, int]
) -> None:
    settings = after(
        smsfactor("scale", day=str(DAY), percent=0),
        smsfactor("add", day=str(DAY), account="2001", country="FR", messages=6),
        smsfactor("add", day=str(DAY), account="2001", country="", messages=4),
        smsfactor("add", day=str(DAY), account="1001", country="FR", messages=2),
        correction,
    )

    assert by_country(settings, 2001) == left
    data = consumption(settings)
    assert "" not in data["by_country"]
    assert data["total"] == sum(account["conso"]["total"] for account in (data["my_account"], *data["by_sub_accounts"]))
    rows = [row for row in expected_records(settings, {}, TODAY, DAY, DAY)["consumption"] if row["consumption"]]
    assert {row["country"]: row["consumption"] for row in rows if row["account_id"] == "2001"} == left


def test_given_a_deleted_smsfactor_account_then_it_is_unlisted_and_cannot_change() -> None:
    settings = after(
        smsfactor("delete", account="2001"),
        smsfactor("add", day=str(DAY), account="2001", country="FR", messages=6),
        smsfactor("move", day=str(DAY), field="account", old="1001", new="2001"),
    )

    assert [account["account_id"] for account in consumption(settings)["by_sub_accounts"]] == [2002, 2003]
    assert consumption(settings)["my_account"] == consumption()["my_account"]
    listed = smsfactor_json("sub-accounts", settings)["sub-accounts"]
    assert [account["client_id"] for account in listed] == ["2002", "2003"]
    rows = expected_records(settings, {}, TODAY, DAY, DAY)["consumption"]
    assert {row["account_id"] for row in rows} == {"1001", "2002", "2003"}


def test_given_an_idle_day_when_corrected_then_only_what_is_added_shows() -> None:
    settings = after(
        seven("scale", day=str(IDLE_DAY), percent=200),
        seven("move", day=str(IDLE_DAY), field="country", old="DE", new=""),
        seven("add", day=str(IDLE_DAY), account="", label="", country="", messages=1),
    )

    assert groups(settings, "country", IDLE_DAY).keys() == {""}


@pytest.mark.parametrize(
    ("correction", "sentence"),
    [
        ({"provider": "twilio", "kind": "scale"}, "There is no provider 'twilio' to correct; they are seven, smsf"),
        (
            seven("vanish"),
            "There is no correction 'vanish' of seven; they are scale, add, charge, move, rename",
        ),
        (smsfactor("rename", account="2001", name="x"), "There is no correction 'rename' of smsfactor"),
        (seven("rename", account=""), "Correction rename of seven takes exactly account, kind, name, provider."),
        (seven("scale", day="2026-03-02", percent=-1), "Correction scale of seven does not take -1 as percent."),
        (seven("scale", day="2026-02-31", percent=1), "does not take '2026-02-31' as day."),
        (seven("move", day="2026-03-02", field="sms", old="", new=""), "does not take 'sms' as field."),
        (smsfactor("move", day="2026-03-02", field="label", old="", new=""), "does not take 'label' as field."),
        (seven("move", day="2026-03-02", field="account", old="", new="7"), "does not take '7' as new."),
        (smsfactor("delete", account="Lyon"), "does not take 'Lyon' as account."),
        (seven("delete", account="5310421", totals="?"), "does not take '?' as totals."),
        (smsfactor("delete", account="1001"), "The main account of smsfactor cannot be deleted."),
        ({"provider": ["seven"], "kind": "scale"}, "A correction's values are texts and whole numbers."),
    ],
    ids=str,
)
def test_given_an_invalid_correction_then_the_knob_is_rejected_with_an_error(
    correction: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadKnob) as refused:
        after(correction)

    assert sentence in str(refused.value)


def test_given_corrections_that_are_no_list_of_objects_then_they_are_rejected() -> None:
    with pytest.raises(BadKnob, match=r"Knob corrections does not take \('all',\); it takes a list of objects\."):
        SETTINGS.with_knobs({"corrections": ["all"]})


def test_given_settings_with_corrections_as_json_when_read_back_then_they_are_equal() -> None:
    settings = after(seven("rename", account="", name="Holding"))

    assert Settings().with_knobs(settings.as_json()) == settings
    assert replace(settings, corrections=()) == SETTINGS
