from __future__ import annotations

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.settings import validate, validate_catalog
from unit_tests.connector import catalog, config

pytestmark = pytest.mark.usefixtures("clock")


def test_given_settings_of_both_providers_then_they_are_accepted():
    assert validate(config()) is None


@pytest.mark.parametrize("key", ["seven_api_key", "smsfactor_api_token"])
def test_given_settings_of_one_provider_then_they_are_accepted(key):
    assert validate({key: "abc", "start_date": "2026-03-07"}) is None


@pytest.mark.parametrize("empty", ["", " ", "\n", None])
def test_given_no_key_at_all_then_the_user_is_asked_for_one(empty):
    with pytest.raises(AirbyteTracedException, match=r"Enter a seven\.io API key or an SMSFactor API token") as raised:
        validate(config(seven_api_key=empty, smsfactor_api_token=empty))

    assert raised.value.failure_type is FailureType.config_error


@pytest.mark.parametrize("blank", [" abc", "abc\n"])
def test_given_blanks_around_a_key_then_it_is_accepted(blank):
    assert validate(config(seven_api_key=blank)) is None


@pytest.mark.parametrize("key", ["ab cd", "ab\ncd", "ab\tcd", "abcé", "ab\x00cd", "ab\u200bcd"])
@pytest.mark.parametrize(
    ("setting", "title"), [("seven_api_key", "seven.io API key"), ("smsfactor_api_token", "SMSFactor API token")]
)
def test_given_a_key_that_no_header_can_hold_then_it_is_refused_but_not_shown(setting, title, key):
    with pytest.raises(AirbyteTracedException, match=f"The {title} holds a blank") as raised:
        validate(config(**{setting: key}))

    assert key not in raised.value.message


@pytest.mark.parametrize("start", ["2026-02-30", "2026-13-01", "0000-01-01", "yesterday", ""])
def test_given_a_start_that_is_no_day_then_it_is_refused(start):
    with pytest.raises(AirbyteTracedException, match="no day of the calendar") as raised:
        validate(config(start_date=start))

    assert raised.value.failure_type is FailureType.config_error


def test_given_a_start_of_today_then_it_is_accepted():
    assert validate(config(start_date="2026-03-10")) is None


def test_given_a_start_of_tomorrow_then_it_is_refused():
    with pytest.raises(AirbyteTracedException, match="in the future") as raised:
        validate(config(start_date="2026-03-11"))

    assert raised.value.failure_type is FailureType.config_error


def test_given_a_catalog_of_offered_streams_then_it_is_accepted():
    assert validate_catalog(catalog("balance"), ["balance", "pricing"]) is None


def test_given_a_catalog_with_a_stream_without_key_then_it_is_refused_by_name():
    with pytest.raises(AirbyteTracedException, match="selects credits, consumption, for which") as raised:
        validate_catalog(catalog("balance", "credits", "consumption"), ["balance"])

    assert raised.value.failure_type is FailureType.config_error
