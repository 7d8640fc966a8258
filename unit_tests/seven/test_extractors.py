from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.seven.extractors import AnalyticsExtractor, BalanceExtractor, PricingExtractor
from unit_tests.providers import SEVEN, canned_json
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


def pricing_of(body: Any, **settings: Any) -> list[dict[str, Any]]:
    extractor = PricingExtractor(config={**CONFIG, **settings}, parameters={})
    return list(extractor.extract_records(response(f"{SEVEN}/pricing", body)))


def analytics(
    *rows: Any, group_field: str = "date", start: str = "2026-03-09", end: str = "2026-03-09", **settings: Any
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
        (900, "the answer is a number where an object is due"),
        ("900", "the answer is a text where an object is due"),
        (None, "the answer is null where an object is due"),
        ([], "the answer is a list where an object is due"),
        ({}, "the answer has no 'amount'"),
        ({"amount": 1}, "the answer has no 'currency'"),
        ({"amount": None, "currency": "EUR"}, "amount is null where a number is due"),
        ({"amount": "", "currency": "EUR"}, "amount is a text where a number is due"),
        ({"amount": 1, "currency": None}, "currency is null where a text is due"),
    ],
)
def test_given_a_balance_in_another_form_when_extracted_then_it_is_refused(body, problem):
    assert problem in refusal(balance, body)


# Pricing


def test_given_a_row_without_mcc_and_name_when_extracted_then_its_keys_are_empty_texts():
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


@pytest.mark.parametrize("countries", [["at"], ["AT", "DE"]])
def test_given_countries_in_the_settings_when_extracted_then_others_are_left_out(countries):
    records = pricing(COUNTRY, {**COUNTRY, "countryCode": "FR"}, countries=countries)

    assert [record["country_code"] for record in records] == ["AT"]


def test_given_a_country_that_the_list_lacks_when_extracted_then_there_is_a_warning(caplog):
    pricing(COUNTRY, countries=["at", "xx"])

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
def test_given_a_list_that_contradicts_itself_when_extracted_then_it_is_refused(change, problem):
    body = {"countCountries": 1, "countNetworks": 1, "countries": [COUNTRY], **change}

    assert problem in refusal(pricing_of, body)


@pytest.mark.parametrize("missing", ["countCountries", "countNetworks", "countries"])
def test_given_a_list_without_a_part_when_extracted_then_it_is_refused(missing):
    body = canned_json("seven/pricing.json")
    del body[missing]

    assert f"the answer has no '{missing}'" in refusal(pricing_of, body)


def test_given_a_network_with_two_prices_when_extracted_then_the_list_is_refused():
    twice = {**COUNTRY, "networks": [NETWORK, {**NETWORK, "price": 0.08}]}

    assert "a network is listed twice" in refusal(pricing, twice)


@pytest.mark.parametrize("price", [None, "free", -0.01, True])
def test_given_a_price_that_is_no_amount_when_extracted_then_it_is_refused(price):
    assert "price is" in refusal(pricing, {**COUNTRY, "networks": [{**NETWORK, "price": price}]})


@pytest.mark.parametrize("missing", ["mcc", "mncs", "networkName", "features", "price"])
def test_given_a_network_without_a_field_when_extracted_then_it_is_refused(missing):
    network = {name: value for name, value in NETWORK.items() if name != missing}

    assert f"a network has no '{missing}'" in refusal(pricing, {**COUNTRY, "networks": [network]})


# Analytics by date


def test_given_rows_in_any_order_when_extracted_then_the_records_are_in_the_order_of_days():
    rows = [usage(date="2026-03-09", sms=2), usage(date="2026-03-08", sms=1)]

    assert [record["sms"] for record in analytics(*rows, start="2026-03-08")] == [1, 2]


def test_given_two_rows_of_a_day_when_extracted_then_they_are_added_without_noise():
    [record] = analytics(usage(date="2026-03-09", sms=1, usage_eur=0.1), usage(date="2026-03-09", sms=2, usage_eur=0.2))

    assert (record["sms"], record["usage_eur"]) == (3, 0.3)


def test_given_a_day_before_the_range_when_extracted_then_it_is_refused():
    assert "it holds 2026-03-08, asked were 2026-03-09 to 2026-03-09" in refusal(
        analytics, usage(date="2026-03-08"), usage(date="2026-03-09")
    )


def test_given_a_range_that_lacks_a_day_when_extracted_then_it_is_refused():
    assert "it lacks 2026-03-08, asked were 2026-03-07 to 2026-03-09" in refusal(
        analytics, usage(date="2026-03-07"), usage(date="2026-03-09"), start="2026-03-07"
    )


def test_given_no_rows_when_extracted_then_it_is_refused():
    assert "it lacks 2026-03-09" in refusal(analytics)


@pytest.mark.parametrize("missing", list(ZEROS))
def test_given_a_row_without_a_counter_when_extracted_then_it_is_refused(missing):
    row = {name: value for name, value in usage(date="2026-03-09").items() if name != missing}

    assert f"a row has no '{missing}'" in refusal(analytics, row)


@pytest.mark.parametrize("counter", list(ZEROS))
@pytest.mark.parametrize("value", [None, -1, "many", True])
def test_given_a_counter_that_is_no_amount_when_extracted_then_it_is_refused(counter, value):
    assert f"{counter} is" in refusal(analytics, usage(date="2026-03-09", **{counter: value}))


def test_given_numbers_as_texts_when_extracted_then_they_are_numbers():
    [record] = analytics(usage(date="2026-03-09", sms="12", usage_eur="1.5000"))

    assert (record["sms"], record["usage_eur"]) == (12, 1.5)


@pytest.mark.parametrize(("today", "partial"), [("2026-03-10", False), ("2026-03-09", True)])
def test_given_a_day_when_extracted_then_it_is_partial_only_if_it_is_running(today, partial):
    [record] = analytics(usage(date="2026-03-09"), today=today)

    assert record["is_partial"] is partial


@pytest.mark.parametrize("body", [{}, "900", 900, None])
def test_given_no_list_when_extracted_then_it_is_refused(body):
    extractor = AnalyticsExtractor(config=CONFIG, parameters={})
    answer = response(f"{SEVEN}/analytics", body, start="2026-03-09", end="2026-03-09")

    assert "where a list is due" in refusal(extractor.extract_records, answer)


# Analytics by group


@pytest.mark.parametrize("group_field", ["country", "label", "account"])
def test_given_a_group_when_extracted_then_its_record_is_of_the_day_asked(group_field):
    assert analytics(usage(**{group_field: "A", "sms": 1}), group_field=group_field) == [
        usage(**{"date": "2026-03-09", group_field: "A", "sms": 1, "is_partial": False})
    ]


@pytest.mark.parametrize(("label", "text"), [("", ""), (None, ""), (False, ""), (0, "0"), (123, "123"), ("1e3", "1e3")])
def test_given_a_label_of_any_kind_when_extracted_then_it_is_a_text(label, text):
    [record] = analytics(usage(label=label, sms=1), group_field="label")

    assert record["label"] == text


@pytest.mark.parametrize("label", [True, 1.5, [], {}])
def test_given_a_label_that_is_none_when_extracted_then_it_is_refused(label):
    assert "label is" in refusal(analytics, usage(label=label), group_field="label")


@pytest.mark.parametrize("rows", [[], [usage(country="")], [usage(country="DE")]])
def test_given_a_day_without_usage_when_extracted_then_it_is_one_record_of_zeros(rows):
    assert analytics(*rows, group_field="country") == [usage(date="2026-03-09", country="", is_partial=False)]


def test_given_rows_without_the_group_when_extracted_then_they_are_refused():
    assert "a row has no 'account'" in refusal(analytics, usage(subaccount="A"), group_field="account")


def test_given_two_days_asked_at_once_when_extracted_then_they_are_not_booked_on_one():
    with pytest.raises(ValueError, match="must be of one day"):
        analytics(usage(country="DE", sms=1), group_field="country", start="2026-03-08")


def test_given_another_label_than_that_of_the_settings_when_extracted_then_it_is_the_users_to_mend():
    with pytest.raises(AirbyteTracedException, match="does not know the label") as raised:
        analytics(usage(label="other", sms=1), group_field="label", seven_label="newsletter")

    assert raised.value.failure_type is FailureType.config_error
