from __future__ import annotations

from decimal import Decimal

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.odd_labels import EXPECTED
from source_sms_providers.parsing import FieldReader, json_type_name, parse_strict_json, to_decimal, to_json_number
from unit_tests.providers import as_json
from unit_tests.responses import response

READ = FieldReader("seven.io", response("https://gateway.seven.io/api/analytics", [], start="2026-03-07", label="1e3"))


def test_given_a_rejection_then_it_names_provider_path_and_problem_but_no_query():
    with pytest.raises(AirbyteTracedException) as raised:
        READ.reject("a row has no 'sms'")

    assert raised.value.message.startswith("seven.io returned an unexpected response for /api/analytics: a")
    assert "1e3" not in raised.value.message
    assert raised.value.failure_type is FailureType.system_error


def test_given_a_response_then_the_query_of_its_request_is_known():
    assert READ.query == {"start": "2026-03-07", "label": "1e3"}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((0, 0), (12, 12), (0.075, 0.075), (-3.5, -3.5), (2**63 - 1, 2**63 - 1), (1 - 2**63, 1 - 2**63)),
        *(("12", 12), ("44.6310", 44.631), ("-0.5", -0.5), ("007", 7), ("2.00", 2)),
        *(("5.6843418860808E-14", 5.6843418860808e-14), ("1.0E-5", 0.00001), ("1.5e3", 1500), ("1.0E+5", 100000)),
    ],
)
def test_given_a_number_when_read_then_it_is_a_number(value, number):
    assert READ.number(value, "amount") == number
    assert type(READ.number(value, "amount")) is type(number)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, "", " 1", "1 ", "1,5", "1e", "1e+", "1e1234", "NaN", "-", ".5", "5.", "0x1f", [], {}),
    ],
)
def test_given_no_number_when_read_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match=r"amount is .* where a number is due"):
        READ.number(value, "amount")


@pytest.mark.parametrize(
    "value",
    [
        *(2**63, -(2**63), 2.0**63, str(2**63), "1.0E+25", "123456789012345678901234567890"),
        *(float("nan"), float("inf"), float("-inf")),
        pytest.param(10**400, id="10**400"),
    ],
)
@pytest.mark.parametrize("read", [READ.number, READ.count])
def test_given_a_number_that_fits_no_column_when_read_then_it_is_rejected(read, value):
    with pytest.raises(AirbyteTracedException, match="sms is a number too large for any destination"):
        read(value, "sms")


@pytest.mark.parametrize("value", [0, 0.5])
def test_given_a_number_that_is_not_negative_when_read_as_an_amount_then_it_is_given(value):
    assert READ.amount(value, "usage_eur") == value


@pytest.mark.parametrize("value", [-1, -0.0001, "-1"])
def test_given_a_negative_number_when_read_as_an_amount_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match="usage_eur is negative"):
        READ.amount(value, "usage_eur")


@pytest.mark.parametrize("value", [0, 2**63 - 1])
def test_given_a_count_at_a_bound_when_read_then_it_is_accepted(value):
    assert READ.count(value, "sms") == value


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0"])
def test_given_a_whole_number_when_read_as_a_count_then_it_is_an_integer(value):
    assert READ.count(value, "sms") == 3
    assert type(READ.count(value, "sms")) is int


@pytest.mark.parametrize("value", [1.5, "1.5", -1, True, None])
def test_given_no_whole_number_when_read_as_a_count_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match="sms"):
        READ.count(value, "sms")


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (1, True), ("1", True), (False, False), (0, False), ("0", False)]
)
def test_given_a_boolean_in_any_form_when_read_then_it_is_a_boolean(value, flag):
    assert READ.boolean(value, "postpaid") is flag


@pytest.mark.parametrize("value", ["", "yes", "true", 2, -1, None, [], {}])
def test_given_no_boolean_when_read_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match="postpaid"):
        READ.boolean(value, "postpaid")


@pytest.mark.parametrize("value", [None, 1, False, [], {}])
def test_given_no_text_when_read_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match="currency"):
        READ.text(value, "currency")


def test_given_null_when_read_as_an_optional_text_then_it_is_none():
    assert READ.optional_text(None, "comment") is None


@pytest.mark.parametrize(
    ("read", "value"),
    [(READ.mapping, {"a": 1}), (READ.sequence, [1]), (READ.text, ""), (READ.optional_text, "EUR")],
    ids=["object", "list", "text", "optional text"],
)
def test_given_a_value_of_the_expected_type_when_read_then_it_is_returned(read, value):
    assert read(value, "a field") is value


def test_given_a_field_when_read_then_its_value_is_given():
    assert READ.field({"sms": 3}, "sms", "a row") == 3


@pytest.mark.parametrize("value", [None, [], "{}", 1])
def test_given_no_object_when_read_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match="where an object is due"):
        READ.mapping(value, "a row")


@pytest.mark.parametrize("value", [None, {}, "[]", 1])
def test_given_no_list_when_read_then_it_is_rejected(value):
    with pytest.raises(AirbyteTracedException, match="where a list is due"):
        READ.sequence(value, "the response")


def test_given_an_object_without_the_field_when_read_then_it_is_rejected():
    with pytest.raises(AirbyteTracedException, match="a row has no 'sms'"):
        READ.field({}, "sms", "a row")


def test_given_an_object_whose_field_is_null_when_read_then_it_is_null():
    assert READ.field({"sms": None}, "sms", "a row") is None


@pytest.mark.parametrize(
    "body", [b"NaN", b"[Infinity]", b"[-Infinity]", b'{"a":1,"a":1}', b"", b"\xff", b'"\xff"', b"{}{}", b"900x"]
)
def test_given_a_body_that_is_not_json_when_parsed_then_it_is_rejected(body):
    with pytest.raises(ValueError):  # noqa: PT011 (it is the promise of strict_json)
        parse_strict_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [(b'"900"', "900"), (b" 900\n", 900), (b"\xef\xbb\xbf900", 900), (b'{"a":"\\u00e9\\/"}', {"a": "é/"})],
)
def test_given_a_body_that_is_json_when_parsed_then_its_value_is_given(body, value):
    assert parse_strict_json(body) == value


@pytest.mark.parametrize(("label", "stored"), EXPECTED.items())
def test_given_an_odd_text_when_parsed_then_it_is_what_a_destination_can_store(label, stored):
    body = as_json({"label": label, "in a list": [[label]], label: 1})

    assert parse_strict_json(body) == {"label": stored, "in a list": [[stored]], stored: 1}
    assert parse_strict_json(as_json(label)) == stored


def test_given_an_upper_case_escape_when_parsed_then_it_is_replaced_too():
    assert parse_strict_json(b'"\\uD83D \\uDE00 \\ud83D\\uDe00"') == "\ufffd \ufffd \U0001f600"


@pytest.mark.parametrize("escape", ["\\uD83D", "\\uDe00", "\\udE00", "\\uDBFF", "\\udfff", "\\u0000"])
def test_given_one_escape_of_any_case_when_parsed_then_it_is_replaced(escape):
    assert parse_strict_json(f'"{escape}"'.encode()) == "\ufffd"


def test_given_keys_that_are_stored_alike_when_parsed_then_they_stay_apart():
    assert parse_strict_json(b'{"F\\ud83d":1,"F\\u0000":2,"F":3}') == {"F\ufffd": 1, "F\ufffd\ufffd": 2, "F": 3}


def test_given_three_keys_that_are_stored_alike_when_parsed_then_each_has_its_value():
    assert parse_strict_json(b'{"\\ud83d":1,"\\ud83e":2,"\\u0000":3}') == {
        "\ufffd": 1,
        "\ufffd\ufffd": 2,
        "\ufffd\ufffd\ufffd": 3,
    }


def test_given_a_nul_that_is_not_escaped_when_parsed_then_it_is_no_json():
    with pytest.raises(ValueError):  # noqa: PT011 (it is the promise of strict_json)
        parse_strict_json(b'"a\x00"')


@pytest.mark.parametrize(
    ("left", "right", "total"), [(0.1, 0.2, 0.3), (1, 0.5, 1.5), (1.5, 0.5, 2), (5e-05, 1e-05, 6e-05)]
)
def test_given_two_numbers_when_added_exactly_then_there_is_no_noise(left, right, total):
    assert repr(to_json_number(to_decimal(left) + to_decimal(right))) == repr(total)


def test_given_a_decimal_that_is_whole_when_made_plain_then_it_is_an_integer():
    assert repr(to_json_number(Decimal("2.00"))) == "2"


@pytest.mark.parametrize(
    ("value", "name"),
    [({}, "an object"), ([], "a list"), ("secret", "a text"), (True, "a boolean"), (None, "null"), (1, "a number")],
)
def test_given_a_value_when_named_then_it_is_not_shown(value, name):
    assert json_type_name(value) == name
