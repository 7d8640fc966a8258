from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.smsfactor.consumption import ConsumptionExtractor
from source_sms_providers.smsfactor.extractors import CreditsExtractor, SubaccountCreditsExtractor
from unit_tests.providers import SMSFACTOR
from unit_tests.responses import response

pytestmark = pytest.mark.usefixtures("clock")
CONFIG = {"today": "2026-03-10", "smsfactor_days_before": 0, "smsfactor_days_after": 0}


def account(account_id: Any, total: Any, by_country: Any, company: str | None = "A company") -> dict[str, Any]:
    return {"account_id": account_id, "company": company, "conso": {"total": total, "by_country": by_country}}


MINE = account(1, 80, {"FR": 50, "CH": 30})
SUB = account(2, 20, {"IT": 20})


def group(mine: Any = MINE, subs: Any = (SUB,), total: Any = 100) -> dict[str, Any]:
    return {"status": 1, "message": "OK", "data": {"total": total, "my_account": mine, "by_sub_accounts": subs}}


def consumption(body: Any, start: str = "2026-03-09", end: str = "2026-03-09", **settings: Any) -> list[dict[str, Any]]:
    extractor = ConsumptionExtractor(config={**CONFIG, **settings}, parameters={})
    url = f"{SMSFACTOR}/metrics/consumption"
    return list(extractor.extract_records(response(url, body, date_start=start, date_end=end)))


def units(body: Any, **settings: Any) -> list[tuple[str, str, Any]]:
    """The records as (account, country, consumption)."""
    records = consumption(body, **settings)
    return [(record["account_id"], record["country"], record["consumption"]) for record in records]


def credits(body: Any) -> dict[str, Any]:
    extractor = CreditsExtractor(config=CONFIG, parameters={})
    return next(iter(extractor.extract_records(response(f"{SMSFACTOR}/credits", body))))


def refusal(extract: Any, *arguments: Any) -> str:
    with pytest.raises(AirbyteTracedException) as raised:
        extract(*arguments)
    assert raised.value.failure_type is FailureType.system_error
    return raised.value.message


# Consumption: the shapes that PHP gives one answer


@pytest.mark.parametrize(
    "by_country",
    [
        {"FR": 50, "CH": 30},
        {"FR": "50", "CH": "30"},
        [{"FR": 50}, {"CH": 30}],
        [{"FR": 50, "CH": 30}],
        [{"FR": "50"}, {}, {"CH": 30.0}],
    ],
)
def test_given_a_map_of_countries_in_any_shape_then_the_records_are_the_same(by_country):
    assert units(group(account(1, 80, by_country))) == [("1", "FR", 50), ("1", "CH", 30), ("2", "IT", 20)]


@pytest.mark.parametrize("by_country", [{}, [], None, [{}]])
def test_given_an_empty_map_of_countries_in_any_shape_then_the_account_is_idle(by_country):
    assert units(group(account(1, 0, by_country), total=20)) == [("1", "", 0), ("2", "IT", 20)]


def test_given_no_map_of_countries_then_the_account_is_idle():
    idle = {"account_id": 1, "company": None, "conso": {"total": 0}}

    assert units(group(idle, total=20)) == [("1", "", 0), ("2", "IT", 20)]


@pytest.mark.parametrize("subs", [[SUB], {"2": SUB}, {"0": SUB}])
def test_given_sub_accounts_in_any_shape_then_the_records_are_the_same(subs):
    assert units(group(subs=subs)) == [("1", "FR", 50), ("1", "CH", 30), ("2", "IT", 20)]


@pytest.mark.parametrize("subs", [[], {}, None])
def test_given_no_sub_accounts_in_any_shape_then_the_main_account_is_alone(subs):
    assert units(group(subs=subs, total=80)) == [("1", "FR", 50), ("1", "CH", 30)]


def test_given_a_response_without_sub_accounts_then_the_main_account_is_alone():
    body = group(total=80)
    del body["data"]["by_sub_accounts"]

    assert units(body) == [("1", "FR", 50), ("1", "CH", 30)]


@pytest.mark.parametrize("account_id", [1, "1"])
def test_given_an_account_id_as_a_number_or_text_then_it_is_a_text(account_id):
    assert units(group(account(account_id, 80, {"FR": 80}), subs=[], total=80)) == [("1", "FR", 80)]


def test_given_main_and_sub_account_then_the_flag_distinguishes_them():
    records = consumption(group())

    assert [record["is_main_account"] for record in records] == [True, True, False]


# Consumption: what the records say


def test_given_a_total_of_more_than_its_countries_then_the_rest_has_no_country():
    assert units(group(account(1, 80, {"FR": 50}))) == [("1", "FR", 50), ("1", "", 30), ("2", "IT", 20)]


def test_given_a_rest_beside_consumption_without_country_then_they_are_one_record():
    assert units(group(account(1, 80, {"FR": 50, "": 10}))) == [("1", "FR", 50), ("1", "", 30), ("2", "IT", 20)]


def test_given_fractions_then_the_rest_is_without_noise():
    assert units(group(account(1, 0.3, {"FR": 0.1}), subs=[], total=0.3)) == [("1", "FR", 0.1), ("1", "", 0.2)]


@pytest.mark.parametrize("total", [None, 80])
def test_given_countries_above_an_unconfirmed_total_then_the_response_is_rejected(total):
    body = group(account(1, 70, {"FR": 50, "CH": 30}))
    body["data"]["total"] = total

    assert "add up to more than its total" in refusal(consumption, body)


def test_given_countries_above_a_confirmed_total_then_the_rest_is_negative():
    """For example a refund that has no country."""
    body = group(account(1, 70, {"FR": 50, "CH": 30}), subs=[], total=70)

    assert units(body) == [("1", "FR", 50), ("1", "CH", 30), ("1", "", -10)]


@pytest.mark.parametrize("total", [-24, "-24"])
def test_given_a_refund_that_is_more_than_the_consumption_then_it_is_negative(total):
    body = group(account(1, total, {"FR": 6, "CH": -30}), subs=[], total=total)

    assert units(body) == [("1", "FR", 6), ("1", "CH", -30)]


@pytest.mark.parametrize(("today", "partial"), [("2026-03-10", False), ("2026-03-09", True)])
def test_given_a_day_then_it_is_partial_only_if_it_is_running(today, partial):
    assert {record["is_partial"] for record in consumption(group(), today=today)} == {partial}


@pytest.mark.parametrize(
    ("before", "after", "start", "end"),
    [
        (0, 0, "2026-03-09", "2026-03-09"),
        (0, 1, "2026-03-09", "2026-03-10"),
        (1, 1, "2026-03-08", "2026-03-10"),
        (1, 0, "2026-03-08", "2026-03-09"),
    ],
)
def test_given_date_range_bounds_then_the_records_are_of_the_day_between_them(before, after, start, end):
    records = consumption(group(), start, end, smsfactor_days_before=before, smsfactor_days_after=after)

    assert {record["date"] for record in records} == {"2026-03-09"}


def test_given_a_request_of_two_days_then_it_is_rejected():
    with pytest.raises(ValueError, match="must cover exactly one day"):
        consumption(group(), start="2026-03-08", end="2026-03-09")


# Consumption: the filters


@pytest.mark.parametrize("countries", [["FR", "IT"], ["FR", "IT", "XX"]])
def test_given_countries_in_the_settings_then_others_are_left_out(countries):
    assert units(group(), countries=countries) == [("1", "FR", 50), ("2", "IT", 20)]


def test_given_countries_in_small_letters_then_those_in_the_settings_are_found():
    assert units(group(account(1, 80, {"fr": 50, "ch": 30})), countries=["FR"]) == [("1", "fr", 50), ("2", "", 0)]


def test_given_countries_in_the_settings_then_an_account_without_them_is_idle():
    assert units(group(), countries=["CH"]) == [("1", "CH", 30), ("2", "", 0)]


def test_given_countries_in_the_settings_then_the_rest_is_left_out():
    assert units(group(account(1, 80, {"FR": 50})), countries=["FR"]) == [("1", "FR", 50), ("2", "", 0)]


@pytest.mark.parametrize(("only", "records"), [("1", [("1", "FR", 50), ("1", "CH", 30)]), ("2", [("2", "IT", 20)])])
def test_given_an_account_in_the_settings_then_others_are_left_out(only, records):
    assert units(group(), smsfactor_sub_account_id=only) == records


def test_given_an_account_in_the_settings_that_is_left_out_then_there_is_no_record():
    assert consumption(group(), smsfactor_sub_account_id="99") == []


# Consumption: what cannot be


@pytest.mark.parametrize("twice", [account(1, 20, {"IT": 20}), account("1", 20, {"IT": 20})])
def test_given_an_account_twice_then_the_response_is_rejected(twice):
    assert "an account is listed twice" in refusal(consumption, group(subs=[twice]))


def test_given_a_country_twice_then_the_response_is_rejected():
    assert "a country is listed twice" in refusal(consumption, group(account(1, 80, [{"FR": 50}, {"FR": 30}])))


def test_given_countries_that_are_stored_alike_then_they_are_added_up():
    answered = group(account(1, 80, [{"F\ufffd": 50}, {"F\ufffd": 30}]), subs=[], total=80)

    assert units(answered) == [("1", "F\ufffd", 80)]


def test_given_the_documented_response_then_there_is_no_warning(caplog):
    consumption(group())

    assert caplog.records == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([], "the response is a list where an object is due"),
        ({"status": 1}, "the response has no 'data'"),
        ({"data": []}, "data is a list where an object is due"),
        ({"data": {}}, "data has no 'my_account'"),
        (group(None), "my_account is null where an object is due"),
        (group(subs=[None]), "a sub-account is null where an object is due"),
        (group(subs="none"), "what holds a sub-account is a text where a list is due"),
        (group(subs=""), "what holds a sub-account is a text where a list is due"),
        (group(subs=False), "what holds a sub-account is a boolean where a list is due"),
        (group({"company": "", "conso": {}}), "an account has no 'account_id'"),
        (group({"account_id": 1}), "an account has no 'conso'"),
        (group({"account_id": 1, "conso": {"by_country": {"FR": 80}}}), "conso has no 'total'"),
        (group(account("", 80, {})), "account_id is empty"),
        (group(account(None, 80, {})), "account_id is null"),
        (group(account(True, 80, {})), "account_id is a boolean"),
        (group(account(1, None, {})), "conso.total is null"),
        (group(account(1, 80, {"FR": None})), "a country's consumption is null"),
        (group(account(1, 80, "FR")), "by_country is a text where a list is due"),
        (group(account(1, 80, ["FR"])), "an entry of by_country is a text where an object is due"),
    ],
)
def test_given_a_response_of_another_shape_then_it_is_rejected(body, problem):
    assert problem in refusal(consumption, body)


@pytest.mark.parametrize("total", ["left out", "null"])
def test_given_no_group_total_then_the_records_are_the_same(total, caplog):
    body = group(total=None)
    if total == "left out":
        del body["data"]["total"]

    assert consumption(body) == consumption(group())
    assert caplog.messages == []


@pytest.mark.parametrize(("company", "read"), [(7, "7"), (False, None), ([], None)])
def test_given_a_company_in_another_form_then_the_consumption_is_read_all_the_same(company, read):
    assert [row["company"] for row in consumption(group(subs=[{**SUB, "company": company}]))][-1] == read


def test_given_an_account_without_company_then_it_is_null_with_a_warning(caplog):
    nameless = {name: value for name, value in SUB.items() if name != "company"}

    assert [record["company"] for record in consumption(group(subs=[nameless]))] == ["A company", "A company", None]
    assert caplog.messages == ["SMSFactor sends no 'company' in its consumption: the column stays empty."]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({**group(), "currency": "EUR"}, "currency"),
        ({**group(), "data": {**group()["data"], "by_channel": {}, "average": 1}}, "average, by_channel"),
        (group({**MINE, "status": "archived"}), "status"),
        (group(subs=[{**SUB, "conso": {**SUB["conso"], "by_operator": {}}}]), "by_operator"),
    ],
)
def test_given_fields_of_consumption_that_are_not_known_then_a_warning_names_them(body, named, caplog):
    assert consumption(body) == consumption(group())
    assert caplog.messages == [
        f"SMSFactor sends {named} in its consumption, which this connector does not know and leaves out. "
        "Update the connector."
    ]


# Credits


ACCOUNT = {"credits": 1, "postpaid": "0", "postpaid_limit": False, "unlimited": False}


@pytest.mark.parametrize(
    ("name", "value"), [("postpaid", "yes"), ("unlimited", 2), ("postpaid_limit", True), ("postpaid_limit", "none")]
)
def test_given_an_unknown_status_of_the_account_then_it_is_null_with_a_warning(name, value, caplog):
    record = credits({**ACCOUNT, name: value})

    assert (record["credits"], record[name]) == (1, None)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            f"SMSFactor sends an unexpected '{name}' in its credits: the column stays empty. Update the connector.",
        )
    ]


@pytest.mark.parametrize("name", ["postpaid", "postpaid_limit", "unlimited"])
def test_given_a_missing_status_of_the_account_then_it_is_null_with_a_warning(name, caplog):
    record = credits({field: value for field, value in ACCOUNT.items() if field != name})

    assert (record["credits"], record[name]) == (1, None)
    assert caplog.messages == [f"SMSFactor sends no '{name}' in its credits: the column stays empty."]


@pytest.mark.parametrize("none", [False, None, ""])
def test_given_no_limit_in_any_shape_then_it_is_null_without_a_warning(none, caplog):
    assert credits({**ACCOUNT, "postpaid_limit": none})["postpaid_limit"] is None
    assert caplog.messages == []


@pytest.mark.parametrize("state", ["postpaid", "unlimited"])
@pytest.mark.parametrize("how", ["left out", "null"])
def test_given_missing_credits_of_an_account_without_limit_then_they_are_null(state, how, caplog):
    body = {**ACCOUNT, state: True, "credits": None}
    if how == "left out":
        del body["credits"]

    record = credits(body)

    assert (record["credits"], record[state]) == (None, True)
    assert caplog.messages == ["SMSFactor sends no 'credits' in its credits: the column stays empty."]


def test_given_fields_of_credits_that_are_not_known_then_a_warning_names_them(caplog):
    assert credits({**ACCOUNT, "expires": "2027-01-01", "bonus": 5})["credits"] == 1
    assert caplog.messages == [
        "SMSFactor sends bonus, expires in its credits, which this connector does not know and leaves out. "
        "Update the connector."
    ]


@pytest.mark.parametrize(("text", "number"), [("44690", 44690), (44690, 44690), ("0", 0), ("-3", -3), ("12.5", 12.5)])
def test_given_credits_as_text_or_number_then_they_are_a_number(text, number):
    assert credits({"credits": text})["credits"] == number


@pytest.mark.parametrize(("flag", "value"), [("0", False), ("1", True), (0, False), (True, True), (None, None)])
@pytest.mark.parametrize("name", ["postpaid", "unlimited"])
def test_given_a_flag_in_any_shape_then_it_is_a_boolean(name, flag, value):
    assert credits({"credits": 1, name: flag})[name] is value


@pytest.mark.parametrize(("limit", "value"), [(False, None), (None, None), ("500", 500), (500, 500), (0, 0)])
def test_given_a_limit_in_any_shape_then_it_is_a_number_or_null(limit, value):
    found = credits({"credits": 1, "postpaid_limit": limit})["postpaid_limit"]

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (44690, "the response is a number where an object is due"),
        ({"status": 1, "message": "OK"}, "the response has no 'credits'"),
        ({"credits": None}, "credits is null"),
        ({"credits": "many"}, "credits is a text where a number is due"),
        ({"credits": None, "postpaid": "0", "unlimited": False}, "credits is null"),
        ({"credit": 5, "details": {"credits": 5}, "data": {"credits": 5}}, "the response has no 'credits'"),
    ],
)
def test_given_credits_of_another_shape_then_they_are_rejected(body, problem):
    assert problem in refusal(credits, body)


# The list of sub-accounts

LISTED = {
    "client_id": "1010101",
    "email": "camille@example.com",
    "firstname": "Camille",
    "lastname": "Exemple",
    "city": "Lyon",
    "country_code": "FR",
    "lang": "FR",
    "credits": "250",
    "unlimited": "0",
    "description": "Filiale Lyon",
    "senderid": "",
    "status": "1",
    "time_zone": "Europe/Paris",
    "current_month_consumption": 556,
    "previous_month_consumption": 1203,
}
LISTED_RECORD = {
    "date": "2026-03-10",
    "account_id": "1010101",
    "description": "Filiale Lyon",
    "credits": 250,
    "unlimited": False,
    "status": "1",
    "country_code": "FR",
    "time_zone": "Europe/Paris",
    "current_month_consumption": 556,
    "previous_month_consumption": 1203,
    "retrieved_at": "2026-03-10T12:00:00+00:00",
}


def listed(accounts: Any, **settings: Any) -> list[dict[str, Any]]:
    extractor = SubaccountCreditsExtractor(config={**CONFIG, **settings}, parameters={})
    answer = {"status": 1, "message": "OK", "sub-accounts": accounts}
    return list(extractor.extract_records(response(f"{SMSFACTOR}/sub-accounts", answer)))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"client_id": 1010101},
        {"credits": 250, "unlimited": False, "status": 1},
        {"current_month_consumption": "556", "previous_month_consumption": "1203"},
        {"firstname": None, "a_new_field": 1},
    ],
)
def test_given_a_sub_account_in_any_spelling_then_its_record_has_no_personal_data(changed):
    assert listed([{**LISTED, **changed}]) == [LISTED_RECORD]


def test_given_an_older_shape_of_a_sub_account_then_what_it_lacks_is_null():
    newer = ("time_zone", "current_month_consumption", "previous_month_consumption")
    older = {name: value for name, value in LISTED.items() if name not in newer}

    assert listed([older]) == [{**LISTED_RECORD, **dict.fromkeys(newer)}]


@pytest.mark.parametrize("accounts", [[LISTED], {"1010101": LISTED}, {"0": LISTED}])
def test_given_the_list_of_sub_accounts_in_any_shape_then_the_records_are_the_same(accounts):
    assert listed(accounts) == [LISTED_RECORD]


def test_given_a_response_without_the_list_then_it_is_rejected():
    extractor = SubaccountCreditsExtractor(config=CONFIG, parameters={})
    answer = response(f"{SMSFACTOR}/sub-accounts", {"status": 1, "message": "OK"})

    assert "the response has no 'sub-accounts'" in refusal(extractor.extract_records, answer)


@pytest.mark.parametrize("nothing", [[], None, {}])
def test_given_no_sub_account_then_there_is_no_record(nothing):
    assert listed(nothing) == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [({}, ["1", "2"]), ({"smsfactor_sub_account_id": "2"}, ["2"]), ({"smsfactor_sub_account_id": "3"}, [])],
)
def test_given_the_setting_of_a_sub_account_then_only_that_one_is_a_record(settings, found):
    accounts = [{**LISTED, "client_id": "1"}, {**LISTED, "client_id": "2"}]

    assert [record["account_id"] for record in listed(accounts, **settings)] == found


@pytest.mark.parametrize(
    ("accounts", "problem"),
    [
        ("", "what holds a sub-account is a text where a list is due"),
        (0, "what holds a sub-account is a number where a list is due"),
        (False, "what holds a sub-account is a boolean where a list is due"),
        (LISTED, "a sub-account is a text where an object is due"),
        ([{**LISTED, "client_id": ""}], "client_id is empty"),
        ([{**LISTED, "credits": "many"}], "credits is a text where a number is due"),
        ([LISTED, LISTED], "a sub-account is listed twice"),
    ],
)
def test_given_a_list_of_another_shape_then_it_is_rejected_with_an_error(accounts, problem):
    with pytest.raises(AirbyteTracedException, match=problem):
        listed(accounts)
