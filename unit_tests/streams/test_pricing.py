from __future__ import annotations

import pytest

from unit_tests.connector import SEVEN_KEY, full_refresh, read, state
from unit_tests.providers import SEVEN, Asked

URL = f"{SEVEN}/pricing"
DEFAULT_ROW_OF_ANDORRA = {
    "date": "2026-03-10",
    "country_code": "AD",
    "country_name": "Andorra (Principality of)",
    "country_prefix": "376",
    "mcc": "213",
    "mncs": None,
    "network_name": "",
    "price": 0.075,
    "features": [],
    "comment": None,
}
ANDORRA_TELECOM = {
    **DEFAULT_ROW_OF_ANDORRA,
    "mncs": ["03"],
    "network_name": "Andorra Telecom SAU",
    "comment": "3G start date: …",
}
AUSTRIA = {
    **DEFAULT_ROW_OF_ANDORRA,
    "country_code": "AT",
    "country_name": "Austria",
    "country_prefix": "43",
    "mcc": "232",
    "comment": "",
}
DOCUMENTED = [
    {**AUSTRIA, "mncs": ["02"], "network_name": "A1 Telekom Austria"},
    {
        **AUSTRIA,
        "mncs": ["01"],
        "network_name": "A1 Telekom Austria (A1.net)",
        "features": ["alpha", "numeric", "dlr", "sc"],
    },
    {**AUSTRIA, "mncs": ["11"], "network_name": "A1 Telekom Austria (bob)"},
    {**AUSTRIA, "mncs": ["09"], "network_name": "A1 Telekom Austria (Tele2Mobil)"},
]


def test_given_no_countries_when_read_then_the_whole_list_is_requested_as_json(providers):
    providers.answer(URL, "seven/pricing.json")

    read("pricing")

    assert providers.asked == [Asked("GET", URL, {"format": "json"})]
    assert providers.requests[0].headers["Accept"] == "application/json"
    assert providers.requests[0].headers["X-Api-Key"] == SEVEN_KEY


def test_given_one_country_when_read_then_it_is_requested_in_upper_case(providers):
    providers.answer(URL, "seven/pricing.json")

    read("pricing", countries=["at"])

    assert providers.asked == [Asked("GET", URL, {"format": "json", "country": "AT"})]


def test_given_several_countries_when_read_then_they_are_picked_from_the_whole_list(providers):
    providers.answer(URL, "seven/pricing_world.json")

    output = read("pricing", countries=["AD", "fr"])

    assert providers.asked == [Asked("GET", URL, {"format": "json"})]
    assert [record["country_code"] for record in output.records] == ["AD", "AD", "FR", "FR"]


@pytest.mark.parametrize("run", [read, full_refresh])
def test_given_the_documented_response_when_read_then_each_network_is_a_record(providers, run):
    providers.answer(URL, "seven/pricing.json")

    assert run("pricing").records == DOCUMENTED


def test_given_a_default_row_when_read_then_its_keys_are_empty_texts(providers):
    providers.answer(URL, "seven/pricing_world.json")

    assert read("pricing").records[:2] == [DEFAULT_ROW_OF_ANDORRA, ANDORRA_TELECOM]


def test_given_a_country_without_networks_when_read_then_it_has_no_record(providers):
    providers.answer(URL, "seven/pricing_world.json")

    assert "" not in {record["country_code"] for record in read("pricing").records}


def test_given_prices_when_read_then_the_state_is_today(providers):
    providers.answer(URL, "seven/pricing.json")

    assert read("pricing").states[-1] == {"date": "2026-03-10"}


def test_given_a_state_of_today_when_read_then_the_prices_are_requested_again(providers):
    providers.answer(URL, "seven/pricing.json")

    assert read("pricing", saved=state("pricing", date="2026-03-10")).records == DOCUMENTED


def test_given_a_list_that_is_cut_when_read_then_no_price_of_it_is_synced(providers):
    providers.answer(URL, b'{"countCountries":1,"countNetworks":4,"countries":[]}')

    output = read("pricing")

    assert output.records == []
    assert "countCountries says 1, the list holds 0" in output.errors[0].message
