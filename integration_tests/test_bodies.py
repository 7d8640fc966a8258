"""An answer is either what the API promises, or an error that tells the user what to do."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import Any

import pytest

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.sync import check, sync, without_nulls

pytestmark = pytest.mark.usefixtures("no_waiting")

TODAY = date(2026, 3, 10)
SEVEN = ("balance", "pricing", "analytics", "analytics_by_country", "analytics_by_label", "analytics_by_subaccount")
SMSFACTOR = ("credits", "consumption")
ENDPOINTS = {
    "balance": "/api/balance",
    "pricing": "/api/pricing",
    "analytics": "/api/analytics",
    "credits": "/credits",
    "consumption": "/metrics/consumption",
}
USER, RETRY, CONNECTOR = "config_error", "transient_error", "system_error"


def body(text: str, content_type: str = "application/json") -> dict[str, Any]:
    return {"kind": "body", "body": text, "content_type": content_type}


# name -> (what is answered, who can act at seven.io, who can act at SMSFactor)
BODIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "HTML": (body("<!doctype html><title>Login</title>", "text/html"), RETRY, RETRY),
    "HTML called JSON": (body("<html>"), RETRY, RETRY),
    "XML": (body('<?xml version="1.0"?><response><status>1</status></response>', "text/xml"), RETRY, RETRY),
    "empty": (body(""), RETRY, RETRY),
    "blank": (body(" \n"), RETRY, RETRY),
    "null": (body("null"), CONNECTOR, CONNECTOR),
    "0": (body("0"), CONNECTOR, CONNECTOR),
    "true": (body("true"), CONNECTOR, CONNECTOR),
    "a text": (body('"OK"'), CONNECTOR, CONNECTOR),
    "900 as text": (body('"900"'), USER, CONNECTOR),
    "900 as number": (body("900"), USER, CONNECTOR),
    "900 as plain text": (body("900", "text/plain"), USER, CONNECTOR),
    "300": (body("300"), USER, CONNECTOR),
    "901": (body('"901"'), USER, CONNECTOR),
    "902": (body('"902"'), USER, CONNECTOR),
    "903": (body("903"), USER, CONNECTOR),
    "308": (body('"308"'), CONNECTOR, CONNECTOR),
    "600": (body('"600"'), RETRY, CONNECTOR),
    "700": (body("700"), RETRY, CONNECTOR),
    "a plain balance": (body("290.67", "text/plain"), CONNECTOR, CONNECTOR),
    "{}": (body("{}"), CONNECTOR, CONNECTOR),
    "a list of texts": (body('["a"]'), CONNECTOR, CONNECTOR),
    "a list of lists": (body("[[]]"), CONNECTOR, CONNECTOR),
    "an unknown object": (body('{"hello":"world"}'), CONNECTOR, CONNECTOR),
    "NaN": (body('{"amount":NaN,"currency":"EUR","status":1,"credits":NaN}'), RETRY, RETRY),
    "a key twice": (body('{"status":1,"amount":1,"amount":2,"currency":"EUR","credits":1,"credits":2}'), RETRY, RETRY),
    "deep nesting": (body("[" * 100_000), RETRY, RETRY),
    "cut JSON": ({"kind": "json_cut"}, RETRY, RETRY),
    "cut gzip": ({"kind": "gzip_cut"}, RETRY, RETRY),
    "UTF-16": ({"kind": "latin1", "charset": "utf-16"}, RETRY, RETRY),
    "status -1": (body('{"status":-1,"message":"x","details":"Token invalide"}'), CONNECTOR, USER),
    "status -1 as text": (body('{"status":"-1","message":"x"}'), CONNECTOR, USER),
    "status -2": (body('{"status":-2,"message":"x"}'), CONNECTOR, CONNECTOR),
    "status -3": (body('{"status":-3,"message":"x"}'), CONNECTOR, CONNECTOR),
    "status -5": (body('{"status":-5,"message":"x"}'), CONNECTOR, CONNECTOR),
    "status -8": (body('{"status":-8,"message":"x"}'), CONNECTOR, CONNECTOR),
    "status -99": (body('{"status":-99,"message":"x"}'), CONNECTOR, RETRY),
    "an error": (body('{"error":"Unauthorized"}'), RETRY, RETRY),
    "no success": (body('{"success":false,"code":null,"error_message":"x"}'), RETRY, CONNECTOR),
    "an error code": (body('{"error_code":7}'), RETRY, CONNECTOR),
    "900 as error_code": (body('{"error_code":900,"error_message":"x"}'), USER, CONNECTOR),
    "900 as code": (body('{"success":false,"code":"900"}'), USER, CONNECTOR),
    "903 as code with an error": (body('{"code":903,"error":"x"}'), USER, RETRY),
    "902 as success": (body('{"success":"902"}'), USER, CONNECTOR),
    "600 as code": (body('{"success":false,"code":600}'), RETRY, CONNECTOR),
    "308 as code": (body('{"success":false,"code":308,"error_message":"x"}'), CONNECTOR, CONNECTOR),
    "more than fits": ({"kind": "huge", "bytes": 100_000_000}, RETRY, RETRY),
}
FOREIGN_DAY = {
    **dict.fromkeys(("sms", "rcs", "voice", "hlr", "mnp", "inbound", "usage_eur"), 1),
    "date": "2026-03-01",
}
SENTENCES = {
    USER: ("Copy", "Give", "Use", "Add", "Make", "Check"),
    RETRY: ("The next sync tries again.",),
    CONNECTOR: ("pdate the connector",),
}
SENTENCES_OF_A_TEST = {**SENTENCES, RETRY: ("Test the connection again.",)}


def broken(sandbox: Sandbox, rule: dict[str, Any], path: str = "/") -> None:
    sandbox.fault(
        rule["kind"], **{name: value for name, value in rule.items() if name != "kind"}, path=path, times=None
    )


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(("streams", "column"), [(SEVEN, 1), (SMSFACTOR, 2)], ids=["seven.io", "SMSFactor"])
def test_given_a_broken_body_when_read_then_each_stream_fails_without_records(
    sandbox: Sandbox, streams: tuple[str, ...], column: int, name: str
) -> None:
    case = BODIES[name]
    # So many MB take their time, and one stream is enough.
    selected = streams[:1] if name == "more than fits" else streams
    broken(sandbox, case[0])

    config = sandbox.config(start_date="2026-03-09", countries=["FR"], max_outage_seconds=600)
    result = sync(config, selected, now=TODAY)

    assert {stream: kind for stream, (kind, _) in result.failures().items()} == dict.fromkeys(selected, case[column])
    for stream, (kind, sentence) in result.failures().items():
        assert any(advice in sentence for advice in SENTENCES[kind]), sentence
        assert len(sentence) < 400
        assert ("more data than this connector accepts" in sentence) is (name == "more than fits")
        assert result.records(stream) == []
    assert result.failure_type is not None
    assert result.failure_type.value == case[column]


@pytest.mark.parametrize("stream", ENDPOINTS)
@pytest.mark.parametrize(
    "name",
    list(BODIES)
    if os.environ.get("ROUNDS")
    else ["HTML", "null", "900 as text", "{}", "status -1", "an error", "cut gzip", "600"],
)
def test_given_a_broken_body_when_checked_then_the_status_is_failed_with_a_sentence(
    sandbox: Sandbox, stream: str, name: str
) -> None:
    rule, *kinds = BODIES[name]
    broken(sandbox, rule, ENDPOINTS[stream])

    status, sentence, kind = check(sandbox.config(max_outage_seconds=600), TODAY)

    assert (status, kind) == ("FAILED", kinds[stream in SMSFACTOR])
    assert any(advice in sentence for advice in SENTENCES_OF_A_TEST[kind]), sentence
    assert "next sync" not in sentence


@pytest.mark.parametrize(
    ("stream", "edit"),
    [
        ("balance", {"delete": ["amount"]}),
        ("balance", {"set": {"amount": "much"}}),
        ("balance", {"set": {"amount": None}}),
        ("balance", {"set": {"amount": True}}),
        ("balance", {"set": {"amount": [1]}}),
        ("balance", {"set": {"currency": 978}}),
        ("pricing", {"set": {"countNetworks": 1}}),
        ("pricing", {"set": {"countCountries": 3}}),
        ("pricing", {"set": {"countries": {}}}),
        ("pricing", {"delete": ["countries.0.networks"]}),
        ("pricing", {"set": {"countries.0.networks": None}}),
        ("pricing", {"delete": ["countries.0.networks.1.price"]}),
        ("pricing", {"set": {"countries.0.networks.1.price": -0.1}}),
        ("pricing", {"set": {"countries.0.networks.1.price": None}}),
        ("pricing", {"set": {"countries.0.networks.1.mcc": [262]}}),
        ("pricing", {"set": {"countries.0.networks.1.networkName": {"0": "x"}}}),
        ("pricing", {"set": {"countries.9.networks": []}}),
        ("analytics", {"set": {"0.date": "2026-03-01"}}),
        ("analytics", {"set": {"0.date": "yesterday"}}),
        ("analytics", {"append_row": {"": FOREIGN_DAY}}),
        ("analytics", {"set": {"0.sms": -1}}),
        ("analytics", {"set": {"0.sms": 1.5}}),
        ("analytics", {"set": {"0.usage_eur": "free"}}),
        ("analytics_by_country", {"set": {"0.country": 4.5}}),
        ("analytics_by_country", {"delete": ["0.country"]}),
        ("analytics_by_subaccount", {"set": {"0.account": {"id": 1}}}),
        ("credits", {"delete": ["credits"]}),
        ("credits", {"set": {"credits": "many"}}),
        ("consumption", {"delete": ["data"]}),
        ("consumption", {"set": {"data": []}}),
        ("consumption", {"delete": ["data.my_account"]}),
        ("consumption", {"delete": ["data.my_account.conso"]}),
        ("consumption", {"delete": ["data.my_account.conso.total"]}),
        ("consumption", {"delete": ["data.my_account.account_id"]}),
        ("consumption", {"set": {"data.my_account.account_id": ""}}),
        ("consumption", {"set": {"data.my_account.account_id": 2001}}),
        ("consumption", {"set": {"data.my_account.conso.total": -4}}),
        ("consumption", {"set": {"data.my_account.conso.total": 0}}),
        ("consumption", {"set": {"data.my_account.conso.by_country": "FR"}}),
        ("consumption", {"set": {"data.my_account.conso.by_country": [1]}}),
        ("consumption", {"set": {"data.my_account.conso.by_country": {"FR": "some"}}}),
        ("consumption", {"set": {"data.my_account.conso.by_country": [{"FR": 1}, {"FR": 2}]}}),
        ("consumption", {"set": {"data.by_sub_accounts": "none"}}),
        ("consumption", {"set": {"data.by_sub_accounts.0": None}}),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_given_a_response_with_one_invalid_value_when_read_then_the_error_names_it(
    sandbox: Sandbox, stream: str, edit: dict[str, Any]
) -> None:
    path = ENDPOINTS.get(stream, "/api/analytics")
    group = "date" if stream == "analytics" else stream.removeprefix("analytics_by_")
    query = {"group_by": group} if path == "/api/analytics" else {}
    sandbox.fault("edit", path=path, query=query, times=None, **edit)
    # The counts of a price list are those of the whole one.
    countries = [] if stream == "pricing" and "countries.0" not in json.dumps(edit) else ["FR"]

    result = sync(
        sandbox.config(start_date="2026-03-09", countries=countries, max_outage_seconds=600), [stream], now=TODAY
    )

    kind, sentence = result.failures()[stream]
    assert kind == CONNECTOR
    assert "returned an unexpected response for " in sentence
    assert result.records(stream) == []


@pytest.mark.parametrize(
    ("stream", "edit", "column", "value"),
    [
        ("balance", {"delete": ["currency"]}, "currency", None),
        ("pricing", {"delete": ["countCountries", "countNetworks"]}, "price", ...),
        ("pricing", {"delete": ["countries.*.networks.*.features"]}, "features", None),
        ("analytics", {"delete": ["*.rcs"]}, "rcs", None),
        ("analytics", {"set": {"*.usage_eur": -0.01}}, "usage_eur", -0.01),
        ("analytics", {"set": {"*.whatsapp": 7}}, "whatsapp", None),
        ("balance", {"set": {"bonus": 5}}, "bonus", None),
        ("pricing", {"set": {"countries.*.networks.*.currency": "EUR"}}, "currency", None),
        ("credits", {"set": {"postpaid": "maybe"}}, "postpaid", None),
        ("credits", {"set": {"postpaid_limit": "none"}}, "postpaid_limit", None),
        ("credits", {"set": {"unlimited": True}, "delete": ["credits"]}, "credits", None),
        ("credits", {"set": {"expires": "2027-01-01"}}, "expires", None),
        ("consumption", {"delete": ["data.total"]}, "consumption", ...),
        ("consumption", {"set": {"data.my_account.status": "archived", "data.by_channel": {}}}, "status", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_given_a_response_with_missing_or_extra_fields_then_the_rest_arrives(
    sandbox: Sandbox, stream: str, edit: dict[str, Any], column: str, value: Any
) -> None:
    sandbox.fault("edit", path=ENDPOINTS.get(stream, "/api/analytics"), times=None, **edit)

    result = sync(sandbox.config(start_date="2026-03-09"), [stream], now=TODAY)

    assert result.error is None, result.sentence
    assert result.records(stream)
    if value is not ...:
        assert {row.get(column) for row in result.records(stream)} == {value}


N = "countries.*.networks.*"
"""Each network of a price list."""


@pytest.mark.parametrize(
    ("edit", "column", "value"),
    [
        ({"set": {f"{N}.features": {"0": "alpha", "2": "dlr"}}}, "features", ["alpha", "dlr"]),
        ({"set": {f"{N}.features": ""}}, "features", []),
        ({"set": {f"{N}.mncs": "01"}}, "mncs", ["01"]),
        ({"set": {f"{N}.mncs": ["01", 10]}}, "mncs", ["01", "10"]),
        ({"set": {f"{N}.comment": False}}, "comment", None),
        ({"set": {"countries.*.countryPrefix": 49}}, "country_prefix", "49"),
        ({"set": {f"{N}.price": "1.0E-5"}}, "price", 0.00001),
        ({"set": {f"{N}.features": {"a": {"b": 1}}}}, "features", None),
        ({"set": {f"{N}.mncs": [["01"]]}}, "mncs", None),
        ({"set": {f"{N}.comment": {"text": "x"}}}, "comment", None),
        ({"set": {"countries.*.countryName": ["x"]}}, "country_name", None),
    ],
    ids=json.dumps,
)
def test_given_a_price_list_in_shapes_of_php_when_read_then_each_row_arrives(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, edit: dict[str, Any], column: str, value: Any
) -> None:
    right = len(sync(sandbox.config(), ["pricing"], now=TODAY).records("pricing"))
    sandbox.fault("edit", path="/api/pricing", times=None, **edit)
    caplog.clear()

    result = sync(sandbox.config(), ["pricing"], now=TODAY)

    rows = result.records("pricing")
    assert result.error is None, result.sentence
    assert len(rows) == right
    assert all(row.get(column) == value for row in rows)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == (1 if value is None and edit["set"] != {f"{N}.comment": False} else 0)


def test_given_mccs_as_numbers_when_read_then_they_are_texts(sandbox: Sandbox) -> None:
    sandbox.fault("edit", path="/api/pricing", times=None, set={"countries.*.networks.0.mcc": 99901})

    result = sync(sandbox.config(), ["pricing"], now=TODAY)

    assert "99901" in {row["mcc"] for row in result.records("pricing")}


def test_given_a_firewall_response_when_read_then_the_error_names_it_and_the_key(sandbox: Sandbox) -> None:
    sandbox.fault("status", code=403, body="<html>Request blocked</html>", times=None)

    result = sync(sandbox.config(), ["balance", "credits"], now=TODAY)

    for kind, sentence in result.failures().values():
        assert kind == USER
        assert "rejected the key, or a firewall blocked the request" in sentence


def test_given_a_day_that_is_left_out_when_read_then_it_is_a_transient_error(sandbox: Sandbox) -> None:
    sandbox.fault("edit", path="/api/analytics", query={"group_by": "date"}, delete=["0"], times=None)

    result = sync(sandbox.config(start_date="2026-03-09"), ["analytics"], now=TODAY)

    kind, sentence = result.failures()["analytics"]
    assert kind == RETRY
    assert "does not report 2026-03-09" in sentence
    assert result.records("analytics") == []


def test_given_an_empty_grouping_of_a_day_with_messages_then_there_is_no_zero_row(
    sandbox: Sandbox,
) -> None:
    sandbox.fault("body", body="[]", query={"group_by": "label"}, times=None)

    result = sync(sandbox.config(start_date="2026-03-09"), ["analytics", "analytics_by_label"], now=TODAY)

    [total] = result.records("analytics")
    assert total["sms"]
    assert result.records("analytics_by_label") == [{**total, "label": ""}]
    # An empty list is more likely a fault than an answer: it is requested once more.
    assert sum(request["query"]["group_by"] == "label" for request in sandbox.requests()) == 2


def test_given_two_rows_of_one_day_when_read_then_their_counters_are_added_exactly(sandbox: Sandbox) -> None:
    row = {"sms": 1, "rcs": 0, "voice": 0, "hlr": 0, "mnp": 0, "inbound": 0}
    rows = [{"date": "2026-03-09", **row, "usage_eur": 0.1}, {"date": "2026-03-09", **row, "usage_eur": 0.2}]
    sandbox.fault("body", body=json.dumps(rows), path="/api/analytics", times=None)

    result = sync(sandbox.config(start_date="2026-03-09"), ["analytics"], now=TODAY)

    assert result.records("analytics") == [
        {"date": "2026-03-09", **row, "sms": 2, "usage_eur": 0.3, "is_partial": False}
    ]


def test_given_a_balance_of_exactly_900_when_read_and_checked_then_it_is_a_balance(sandbox: Sandbox) -> None:
    sandbox.set(balance_amount=900)

    result = sync(sandbox.config(start_date="2026-03-09"), ["balance"], now=TODAY)

    assert [row["amount"] for row in result.records("balance")] == [900]
    assert check(sandbox.config(), TODAY)[0] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seven_api_key": "a-key-that-nobody-has"}, "seven.io does not accept the API key."),
        ({"smsfactor_api_token": "a-token-that-nobody-has"}, "SMSFactor does not accept the API token"),
    ],
)
def test_given_a_wrong_key_when_checked_and_read_then_it_is_a_config_error(
    sandbox: Sandbox, settings: dict[str, Any], words: str
) -> None:
    config = sandbox.config(start_date="2026-03-09", **settings)

    status, sentence, kind = check(config, TODAY)
    result = sync(config, now=TODAY)

    assert (status, kind) == ("FAILED", USER)
    assert sentence.startswith(words)
    assert result.error is not None
    assert words in result.sentence


def test_given_a_key_without_a_right_when_checked_then_the_sentence_names_the_rights(sandbox: Sandbox) -> None:
    sandbox.set(seven_keys={"a-key-for-the-balance-only": ["balance"]})

    status, sentence, kind = check(sandbox.config(seven_api_key="a-key-for-the-balance-only"), TODAY)

    assert (status, kind) == ("FAILED", USER)
    assert "permissions balance, pricing and analytics" in sentence


@pytest.mark.parametrize("charset", ["latin-1", "utf-8"])
def test_given_another_charset_when_read_then_texts_are_right_or_it_is_an_error(sandbox: Sandbox, charset: str) -> None:
    sandbox.fault("latin1", charset=charset, times=None)

    config = sandbox.config(start_date="2026-03-09", max_outage_seconds=600)
    result = sync(config, ["consumption", "analytics_by_subaccount"], now=TODAY)

    expected = expected_records(sandbox.settings(), {}, TODAY, date(2026, 3, 9), date(2026, 3, 9))
    for stream in ("consumption", "analytics_by_subaccount"):
        if stream not in result.failures():
            assert without_nulls(result.records(stream), stream) == without_nulls(expected[stream], stream)
