from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.seven.extractors import COUNTERS, AnalyticsExtractor, BalanceExtractor, PricingExtractor
from unit_tests.providers import SEVEN
from unit_tests.responses import response
from unit_tests.usage import ZEROS, usage

pytestmark = pytest.mark.usefixtures("clock")
CONFIG = {"today": "2026-03-10"}
NETWORK = {"mcc": "232", "mncs": ["01"], "networkName": "A1", "features": [], "comment": None, "price": 0.075}
COUNTRY = {"countryCode": "AT", "countryName": "Austria", "countryPrefix": "43", "networks": [NETWORK]}


def balance(body: Any) -> dict[str, Any]:
    extractor = BalanceExtractor(config=CONFIG, parameters={})
    return next(iter(extractor.extract_records(response(f"{SEVEN}/balance", body))))


def pricing(*countries: Any, **settings: Any) -> list[dict[str, Any]]:
    networks = sum(len(country["networks"]) for country in countries)
    return pricing_of({"countCountries": len(countries), "countNetworks": networks, "countries": countries}, **settings)


def pricing_of(body: Any, asked: Mapping[str, str] | None = None, **settings: Any) -> list[dict[str, Any]]:
    extractor = PricingExtractor(config={**CONFIG, **settings}, parameters={})
    return list(extractor.extract_records(response(f"{SEVEN}/pricing", body, **(asked or {}))))


def analytics(
    *rows: Any, group_field: str = "country", start: str = "2026-03-09", end: str = "2026-03-09", **settings: Any
) -> list[dict[str, Any]]:
    extractor = AnalyticsExtractor(config={**CONFIG, **settings}, parameters={}, group_field=group_field)
    return list(extractor.extract_records(response(f"{SEVEN}/analytics", rows, start=start, end=end)))


def refusal(extract: Any, *arguments: Any, **settings: Any) -> str:
    with pytest.raises(AirbyteTracedException) as raised:
        extract(*arguments, **settings)
    assert raised.value.failure_type is FailureType.system_error
    return raised.value.message


# Balance


@pytest.mark.parametrize(("amount", "number"), [(0, 0), (-12.5, -12.5), ("44.6310", 44.631), (900, 900)])
def test_given_an_amount_when_extracted_then_it_is_a_number(amount, number):
    assert balance({"amount": amount, "currency": "EUR"})["amount"] == number


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (900, "the response is a number where an object is due"),
        ("900", "the response is a text where an object is due"),
        (None, "the response is null where an object is due"),
        ([], "the response is a list where an object is due"),
        ({}, "the response has no 'amount'"),
        ({"amount": None, "currency": "EUR"}, "amount is null where a number is due"),
        ({"amount": "", "currency": "EUR"}, "amount is a text where a number is due"),
        ({"amount": 1, "currency": 978}, "currency is a number where a text is due"),
    ],
)
def test_given_a_balance_of_another_shape_when_extracted_then_it_is_rejected(body, problem):
    assert problem in refusal(balance, body)


@pytest.mark.parametrize("body", [{"amount": 1}, {"amount": 1, "currency": None}])
def test_given_a_balance_without_currency_when_extracted_then_it_is_null(body):
    assert balance(body)["currency"] is None


def test_given_a_balance_with_fields_missing_and_more_then_a_warning_names_each(caplog):
    assert balance({"amount": 1, "bonus": 5, "threshold": 2})["amount"] == 1
    assert caplog.messages == [
        "seven.io sends bonus, threshold in its balance, which this connector does not know and leaves out. "
        "Update the connector.",
        "seven.io sends no 'currency' in its balance: the column stays empty.",
    ]


# Pricing


@pytest.mark.parametrize(("column", "field"), [("mncs", "mncs"), ("features", "features"), ("comment", "comment")])
def test_given_a_network_that_lacks_what_describes_it_then_it_is_null_with_a_warning(column, field, caplog):
    [record] = pricing({**COUNTRY, "networks": [{name: NETWORK[name] for name in NETWORK if name != field}]})

    assert (record[column], record["price"]) == (None, 0.075)
    assert caplog.messages == [f"seven.io sends no '{field}' in its price list: the column stays empty."]


@pytest.mark.parametrize(("column", "field"), [("country_name", "countryName"), ("country_prefix", "countryPrefix")])
def test_given_a_country_that_lacks_what_describes_it_then_it_is_null_with_a_warning(column, field, caplog):
    [record] = pricing({name: COUNTRY[name] for name in COUNTRY if name != field})

    assert (record[column], record["price"]) == (None, 0.075)
    assert caplog.messages == [f"seven.io sends no '{field}' in its price list: the column stays empty."]


def test_given_unknown_fields_of_countries_and_networks_then_a_warning_names_them(caplog):
    assert pricing({**COUNTRY, "region": "EU", "networks": [{**NETWORK, "currency": "EUR"}]}) == pricing(COUNTRY)
    assert caplog.messages == [
        f"seven.io sends {field} in its price list, which this connector does not know and leaves out. "
        "Update the connector."
        for field in ("region", "currency")
    ]


def test_given_a_row_without_mcc_and_name_then_its_keys_are_empty_texts():
    [record] = pricing({**COUNTRY, "networks": [{**NETWORK, "mcc": None, "networkName": None, "mncs": None}]})

    assert (record["mcc"], record["network_name"], record["mncs"]) == ("", "", None)


def test_given_several_mccs_when_extracted_then_they_stay_one_text():
    [record] = pricing({**COUNTRY, "networks": [{**NETWORK, "mcc": "424, 430, 431"}]})

    assert record["mcc"] == "424, 430, 431"


def test_given_mncs_with_leading_zeros_when_extracted_then_the_zeros_stay():
    [record] = pricing({**COUNTRY, "networks": [{**NETWORK, "mncs": ["01", "007"]}]})

    assert record["mncs"] == ["01", "007"]


def test_given_no_countries_when_extracted_then_there_are_no_records():
    assert pricing() == []


@pytest.mark.parametrize("code", ["AT", "at"])
@pytest.mark.parametrize("countries", [["AT"], ["AT", "DE"]])
def test_given_countries_in_the_settings_when_extracted_then_others_are_left_out(countries, code):
    records = pricing({**COUNTRY, "countryCode": code}, {**COUNTRY, "countryCode": "FR"}, countries=countries)

    assert [record["country_code"] for record in records] == [code]


def test_given_a_country_that_the_list_lacks_when_extracted_then_there_is_a_warning(caplog):
    pricing(COUNTRY, countries=["AT", "XX"])

    assert "seven.io lists no price for XX." in caplog.text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"countCountries": 2}, "countCountries says 2, the list holds 1"),
        ({"countNetworks": 0}, "countNetworks says 0, the list holds 1"),
        ({"countries": {}}, "countries is an object where a list is due"),
        ({"countries": None}, "countries is null where a list is due"),
    ],
)
def test_given_a_list_that_contradicts_itself_when_extracted_then_it_is_rejected(change, problem):
    body = {"countCountries": 1, "countNetworks": 1, "countries": [COUNTRY], **change}

    assert problem in refusal(pricing_of, body)


def test_given_a_list_without_countries_when_extracted_then_it_is_rejected():
    assert "the response has no 'countries'" in refusal(pricing_of, {"countCountries": 1, "countNetworks": 1})


@pytest.mark.parametrize("body", [{}, {"countCountries": None, "countNetworks": None}])
def test_given_a_list_without_counts_when_extracted_then_it_is_taken(body):
    assert len(pricing_of({"countries": [COUNTRY], **body})) == 1


def test_given_counts_as_texts_when_extracted_then_they_are_numbers():
    assert len(pricing_of({"countries": [COUNTRY], "countCountries": "1", "countNetworks": "1"})) == 1


def test_given_one_requested_country_and_counts_of_the_whole_list_then_it_is_taken():
    body = {"countCountries": 232, "countNetworks": 2140, "countries": [COUNTRY]}

    assert len(pricing_of(body, {"country": "AT"}, countries=["AT"])) == 1


def test_given_a_network_with_two_prices_when_extracted_then_the_list_is_rejected():
    twice = {**COUNTRY, "networks": [NETWORK, {**NETWORK, "price": 0.08}]}

    assert "a network of country 'AT' has two prices" in refusal(pricing, twice)


@pytest.mark.parametrize("other", [{"mcc": "424"}, {"networkName": "B1"}], ids=["another mcc", "another name"])
def test_given_networks_that_differ_in_one_part_of_their_key_then_each_has_its_price(other):
    records = pricing({**COUNTRY, "networks": [NETWORK, {**NETWORK, "price": 0.08, **other}]})

    assert [record["price"] for record in records] == [0.075, 0.08]


def test_given_one_network_of_two_countries_then_it_has_a_price_in_each():
    elsewhere = {**COUNTRY, "countryCode": "LI", "networks": [{**NETWORK, "price": 0.08}]}

    records = pricing(COUNTRY, elsewhere)

    assert [(record["country_code"], record["price"]) for record in records] == [("AT", 0.075), ("LI", 0.08)]


def test_given_two_prices_of_a_network_elsewhere_then_selected_countries_are_read():
    twice = {**COUNTRY, "networks": [NETWORK, {**NETWORK, "price": 0.08}]}

    assert len(pricing(twice, {**COUNTRY, "countryCode": "FR"}, countries=["FR"])) == 1


def test_given_a_network_listed_twice_with_one_price_then_it_is_one_record_of_both():
    networks = [{**NETWORK, "features": ["dlr"]}, {**NETWORK, "mncs": ["01", "09"], "features": ["alpha"]}]

    [record] = pricing({**COUNTRY, "networks": networks})

    assert (record["mncs"], record["features"]) == (["01", "09"], ["dlr", "alpha"])


def test_given_a_network_listed_twice_without_what_describes_it_then_that_is_null():
    network = {**NETWORK, "mncs": None, "features": None}

    [record] = pricing({**COUNTRY, "networks": [network, network]})

    assert (record["mncs"], record["features"]) == (None, None)


@pytest.mark.parametrize("price", [None, "free", -0.01, True])
def test_given_a_price_that_is_no_amount_when_extracted_then_it_is_rejected(price):
    assert "price is" in refusal(pricing, {**COUNTRY, "networks": [{**NETWORK, "price": price}]})


@pytest.mark.parametrize("missing", ["mcc", "networkName", "price"])
def test_given_a_network_without_key_or_price_when_extracted_then_it_is_rejected(missing):
    network = {name: value for name, value in NETWORK.items() if name != missing}

    assert f"a network has no '{missing}'" in refusal(pricing, {**COUNTRY, "networks": [network]})


@pytest.mark.parametrize("missing", ["countryCode", "networks"])
def test_given_a_country_without_key_or_networks_when_extracted_then_it_is_rejected(missing):
    country = {name: value for name, value in COUNTRY.items() if name != missing}

    assert f"a country has no '{missing}'" in refusal(pricing_of, {"countries": [country]})


def test_given_a_network_without_what_describes_it_when_extracted_then_that_is_null():
    [record] = pricing({"countryCode": "AT", "networks": [{"mcc": "232", "networkName": "A1", "price": 0.075}]})

    assert record == {
        "date": "2026-03-10",
        "country_code": "AT",
        "country_name": None,
        "country_prefix": None,
        "mcc": "232",
        "mncs": None,
        "network_name": "A1",
        "price": 0.075,
        "features": None,
        "comment": None,
    }


def test_given_a_country_with_a_null_code_when_extracted_then_it_is_an_empty_text():
    assert [record["country_code"] for record in pricing({**COUNTRY, "countryCode": None})] == [""]


# Analytics by group


@pytest.mark.parametrize("body", [{}, "900", 900, None])
def test_given_no_list_when_extracted_then_the_response_is_rejected(body):
    extractor = AnalyticsExtractor(config=CONFIG, parameters={}, group_field="country")
    answer = response(f"{SEVEN}/analytics", body, start="2026-03-09", end="2026-03-09")

    assert "where a list is due" in refusal(extractor.extract_records, answer)


@pytest.mark.parametrize(("today", "partial"), [("2026-03-10", False), ("2026-03-09", True)])
def test_given_a_day_when_extracted_then_it_is_partial_only_if_it_is_running(today, partial):
    [record] = analytics(usage(country="DE", sms=1), today=today)

    assert record["is_partial"] is partial


@pytest.mark.parametrize("group_field", ["country", "label", "account"])
def test_given_a_group_when_extracted_then_its_record_is_of_the_requested_day(group_field):
    assert analytics(usage(**{group_field: "A", "sms": 1}), group_field=group_field) == [
        usage(**{"date": "2026-03-09", group_field: "A", "sms": 1, "is_partial": False})
    ]


@pytest.mark.parametrize(("label", "text"), [("", ""), (None, ""), (False, ""), (0, "0"), (123, "123"), ("1e3", "1e3")])
def test_given_a_label_of_any_kind_when_extracted_then_it_is_a_text(label, text):
    [record] = analytics(usage(label=label, sms=1), group_field="label")

    assert record["label"] == text


@pytest.mark.parametrize("label", [True, 1.5, [], {}])
def test_given_an_invalid_label_when_extracted_then_it_is_rejected(label):
    assert "label is" in refusal(analytics, usage(label=label), group_field="label")


@pytest.mark.parametrize("rows", [[], [usage(country="")], [usage(country="DE")]])
def test_given_a_day_without_usage_when_extracted_then_it_is_one_zero_row(rows):
    assert analytics(*rows, group_field="country") == [usage(date="2026-03-09", country="", is_partial=False)]


def test_given_rows_without_the_group_when_extracted_then_they_are_rejected():
    assert "a row has no 'account'" in refusal(analytics, usage(subaccount="A"), group_field="account")


def test_given_a_request_of_two_days_when_extracted_then_it_is_rejected():
    with pytest.raises(ValueError, match="must cover exactly one day"):
        analytics(usage(country="DE", sms=1), group_field="country", start="2026-03-08")


def test_given_another_label_than_that_of_the_settings_then_it_is_a_config_error():
    with pytest.raises(AirbyteTracedException, match="does not know the label") as raised:
        analytics(usage(label="other", sms=1), group_field="label", seven_label="newsletter")

    assert raised.value.failure_type is FailureType.config_error


@pytest.mark.parametrize("group_field", ["country", "account"])
def test_given_a_label_in_the_settings_then_groups_of_another_kind_are_no_labels(group_field):
    [record] = analytics(usage(**{group_field: "A", "sms": 1}), group_field=group_field, seven_label="newsletter")

    assert record[group_field] == "A"


# The counters of a row


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("value", [-1, 0.5, "many", True, 2**63])
def test_given_a_counter_that_is_no_count_then_the_error_names_it_and_its_day(counter, value):
    assert f"{counter} of 2026-03-09 is" in refusal(analytics, usage(country="DE", **{counter: value}))


@pytest.mark.parametrize("value", ["many", True, []])
def test_given_costs_that_are_no_number_then_the_error_names_them_and_their_day(value):
    assert "usage_eur of 2026-03-09 is" in refusal(analytics, usage(country="DE", usage_eur=value))


def test_given_a_refund_when_extracted_then_the_costs_are_negative():
    [record] = analytics(usage(country="DE", sms=1, usage_eur=-2.5))

    assert record["usage_eur"] == -2.5


def test_given_numbers_as_texts_when_extracted_then_they_are_numbers():
    [record] = analytics(usage(country="DE", sms="12", usage_eur="1.5000"))

    assert (record["sms"], record["usage_eur"]) == (12, 1.5)


@pytest.mark.parametrize("missing", list(ZEROS))
@pytest.mark.parametrize("how", ["left out", "null"])
def test_given_a_counter_that_is_not_sent_then_it_is_null_with_a_warning(missing, how, caplog):
    row = usage(country="DE", sms=1, usage_eur=1)
    row = {**row, missing: None} if how == "null" else {name: row[name] for name in row if name != missing}
    # Whatever is left says that the day had usage.
    row = {**row, "voice" if missing != "voice" else "sms": 1}

    [record] = analytics(row)

    assert record[missing] is None
    assert caplog.messages == [f"seven.io sends no '{missing}' in its usage: the column stays empty."]


def test_given_two_rows_of_a_group_when_one_lacks_a_counter_then_the_sum_is_null():
    [record] = analytics(usage(country="DE", sms=1), usage(country="DE", sms=None, voice=2))

    assert (record["sms"], record["voice"]) == (None, 2)


def test_given_a_counter_of_another_name_when_extracted_then_warnings_name_both(caplog):
    row = {("two_way" if name == "inbound" else name): value for name, value in usage(country="DE", sms=1).items()}

    [record] = analytics(row)

    assert record["inbound"] is None
    assert [message.partition(" in its")[0] for message in caplog.messages] == [
        "seven.io sends no 'inbound'",
        "seven.io sends two_way",
    ]


@pytest.mark.parametrize(("unknown", "named"), [({"whatsapp": 7, "fax": 1}, "fax, whatsapp"), ({"fax": 1}, "fax")])
def test_given_counters_that_are_not_known_when_extracted_then_a_warning_names_them(unknown, named, caplog):
    [record] = analytics(usage(country="DE", sms=1, **unknown))

    assert record == usage(date="2026-03-09", country="DE", sms=1, is_partial=False)
    assert caplog.messages == [
        f"seven.io sends {named} in its usage, which this connector does not know and leaves out. Update the connector."
    ]
