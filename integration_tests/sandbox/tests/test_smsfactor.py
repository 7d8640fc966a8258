from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from integration_tests.sandbox import smsfactor, world
from integration_tests.sandbox.messages import Request
from integration_tests.sandbox.settings import SMSFACTOR_TOKEN
from integration_tests.sandbox.tests.asking import SETTINGS, ask_smsfactor, consumption, smsfactor_json

IDLE = "2026-02-28"
"""No SMSFactor account has traffic on it; on 2026-03-02 only account 2002 has none."""


def _xml(path: str, **query: str) -> ElementTree.Element:
    headers = {"authorization": f"Bearer {SMSFACTOR_TOKEN}"}
    return ElementTree.fromstring(smsfactor.answer(SETTINGS, Request("GET", path, query, headers)).body)


def test_given_a_wrong_token_then_http_200_holds_the_recorded_error():
    answer = ask_smsfactor("credits", token="wrong")

    assert answer.status == 200
    assert json.loads(answer.body) == {
        "status": -1,
        "message": "Le login et le mot de passe ne correspondent pas",
        "details": "Token invalide",
    }


def test_given_no_scheme_before_the_token_then_it_is_rejected():
    headers = {"authorization": SMSFACTOR_TOKEN, "accept": "application/json"}

    assert b'"status":-1' in smsfactor.answer(SETTINGS, Request("GET", "/credits", {}, headers)).body


def test_given_no_accept_header_for_json_then_every_response_is_xml():
    range_ = {"date_start": "2026-03-02", "date_end": "2026-03-02"}
    answer = _xml("/metrics/consumption", **range_)
    shown = consumption()

    assert answer.findtext("status") == "1"
    assert int(answer.findtext("data/total")) == shown["total"]
    by_country = answer.find("data/my_account/conso/by_country")
    assert {row.tag: int(row.text) for row in by_country} == shown["my_account"]["conso"]["by_country"]
    assert [row.findtext("account_id") for row in answer.findall("data/by_sub_accounts")] == [
        "2001",
        "2002",
        "2003",
    ]
    assert _xml("/credits").findtext("postpaid") == "0"
    assert len(_xml("/sub-accounts").findall("sub-accounts")) == 3


def test_given_any_method_but_get_then_405():
    assert smsfactor.answer(SETTINGS, Request("POST", "/credits", {}, {})).status == 405


def test_given_an_unknown_path_then_resource_not_found():
    assert smsfactor_json("send")["status"] == -5


def test_given_an_unreadable_date_then_a_data_error():
    assert smsfactor_json("metrics/consumption", date_start="2026-02-31")["status"] == -7


def test_given_no_dates_then_the_last_30_days_are_counted():
    assert smsfactor_json("metrics/consumption")["data"] == consumption(start="2026-02-08", end="2026-03-10")


@pytest.mark.parametrize(
    ("boundaries", "start", "end"),
    [
        ("inclusive", "2026-03-02", "2026-03-02"),
        ("end_excluded", "2026-03-02", "2026-03-03"),
        ("both_excluded", "2026-03-01", "2026-03-03"),
        ("start_excluded", "2026-03-01", "2026-03-02"),
    ],
)
def test_given_date_range_bounds_when_requested_accordingly_then_one_day_is_returned(boundaries, start, end):
    settings = replace(SETTINGS, smsfactor_day_boundaries=boundaries)

    assert consumption(settings, start, end) == consumption()
    assert consumption()["total"] == 752 + 2682 + 311


def test_given_an_excluded_end_when_one_day_is_requested_as_itself_then_it_is_empty():
    settings = replace(SETTINGS, smsfactor_day_boundaries="end_excluded")

    assert consumption(settings)["total"] == 0


def test_given_a_range_then_it_is_the_sum_of_its_days():
    days = [consumption(start=f"2026-03-0{n}", end=f"2026-03-0{n}")["total"] for n in range(1, 8)]

    assert consumption(start="2026-03-01", end="2026-03-07")["total"] == sum(days)


def test_given_a_day_then_the_accounts_add_up_to_the_group():
    data = consumption()
    accounts = [data["my_account"], *data["by_sub_accounts"]]

    assert sum(account["conso"]["total"] for account in accounts) == data["total"]
    assert data["my_account"]["company"] == "Sandbox SARL"
    assert [account["account_id"] for account in accounts] == [1001, 2001, 2002, 2003]
    for code, units in data["by_country"].items():
        # An empty map is a list, which holds no code.
        maps = [dict(account["conso"]["by_country"] or {}) for account in accounts]
        assert sum(by_country.get(code, 0) for by_country in maps) == units


def test_given_a_total_off_by_five_then_the_accounts_no_longer_add_up():
    assert consumption(replace(SETTINGS, smsfactor_total_off_by=5))["total"] == consumption()["total"] + 5


@pytest.mark.parametrize(("shape", "empty"), [("list", []), ("object", {}), ("null", None)])
def test_given_no_traffic_then_the_empty_country_map_has_the_chosen_shape(shape, empty):
    data = consumption(replace(SETTINGS, smsfactor_empty_country_map=shape), IDLE, IDLE)

    assert data["by_country"] == data["my_account"]["conso"]["by_country"] == empty


def test_given_no_traffic_when_empty_maps_are_missing_then_there_is_no_country_map():
    data = consumption(replace(SETTINGS, smsfactor_empty_country_map="missing"), IDLE, IDLE)

    assert "by_country" not in data
    assert data["my_account"]["conso"] == {"total": 0}


def test_given_maps_as_pairs_then_they_are_lists_of_one_pair_objects():
    pairs = consumption(replace(SETTINGS, smsfactor_country_map="pairs"))["by_country"]

    assert {code: units for pair in pairs for code, units in pair.items()} == consumption()["by_country"]
    assert all(len(pair) == 1 for pair in pairs)


def test_given_sub_accounts_keyed_then_they_are_an_object_by_id():
    keyed = consumption(replace(SETTINGS, smsfactor_sub_accounts_shape="keyed"))["by_sub_accounts"]

    assert list(keyed) == ["2001", "2002", "2003"]
    assert list(keyed.values()) == consumption()["by_sub_accounts"]


@pytest.mark.parametrize(("shape", "empty"), [("list", []), ("null", None), ("missing", "no such key")])
def test_given_no_sub_accounts_then_their_list_has_the_chosen_shape(shape, empty):
    data = consumption(replace(SETTINGS, smsfactor_sub_accounts=0, smsfactor_empty_sub_accounts=shape))

    assert data.get("by_sub_accounts", "no such key") == empty


def test_given_idle_accounts_are_left_out_then_only_those_with_traffic_are_shown():
    data = consumption(replace(SETTINGS, smsfactor_idle_sub_accounts="left_out"))

    assert [account["account_id"] for account in data["by_sub_accounts"]] == [2001, 2003]


def test_given_countries_then_only_they_are_in_the_maps_and_totals_follow_the_knob():
    filtered = consumption(country="fr,CH")
    unfiltered_totals = consumption(replace(SETTINGS, smsfactor_country_filter_totals=False), country="fr,CH")

    assert set(filtered["by_country"]) <= {"FR", "CH"}
    assert filtered["total"] == sum(filtered["by_country"].values()) < consumption()["total"]
    assert unfiltered_totals["by_country"] == filtered["by_country"]
    assert unfiltered_totals["total"] == consumption()["total"]


@pytest.mark.parametrize(
    ("knob", "my_total"), [("my_account_stays", 752), ("my_account_zero", 0), ("my_account_vanishes", None)]
)
def test_given_one_sub_account_then_it_is_listed_and_my_account_follows_the_knob(knob, my_total):
    data = consumption(replace(SETTINGS, smsfactor_sub_account_filter=knob), sub_account_id="2003")

    assert [account["account_id"] for account in data["by_sub_accounts"]] == [2003]
    assert data.get("my_account", {"conso": {"total": None}})["conso"]["total"] == my_total
    assert data["total"] == (my_total or 0) + 311


def test_given_numbers_as_strings_then_no_number_is_left():
    settings = replace(SETTINGS, smsfactor_numbers_as_strings=True)

    assert smsfactor_json("metrics/consumption", settings)["status"] == "1"
    assert consumption(settings)["total"] == str(consumption()["total"])
    assert consumption(settings)["my_account"]["account_id"] == "1001"


def test_given_credits_then_numbers_are_text_and_prepaid_has_no_limit():
    left = world.credits(SETTINGS, SETTINGS.today_date()).credits

    assert smsfactor_json("credits") == {
        "status": 1,
        "message": "OK",
        "credits": str(left),
        "postpaid": "0",
        "postpaid_limit": False,
        "unlimited": False,
    }
    assert smsfactor_json("credits", replace(SETTINGS, credits_old_shape=True)) == {
        "credits": str(left),
        "message": "OK",
    }


def test_given_a_postpaid_account_then_credits_show_its_limit():
    credits = smsfactor_json("credits", replace(SETTINGS, postpaid_limit=500))

    assert (credits["postpaid"], credits["postpaid_limit"]) == ("1", 500)


def test_given_sub_accounts_then_their_months_agree_with_their_consumption():
    second = smsfactor_json("sub-accounts")["sub-accounts"][1]
    month = consumption(start="2026-02-01", end="2026-02-28", sub_account_id="2002")["by_sub_accounts"][0]

    assert (second["client_id"], second["description"]) == ("2002", "Boutique Genève")
    assert second["previous_month_consumption"] == month["conso"]["total"]
