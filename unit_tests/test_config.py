from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml
from airbyte_cdk.models import AirbyteStateMessage, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders
from source_sms_providers.config import NormalizeConfig, countries_of, normalize, validate
from source_sms_providers.source import MANIFEST, Entrypoint
from unit_tests.connector import SEVEN_KEY, Output, check, config, full_refresh, read, state
from unit_tests.providers import SEVEN, SMSFACTOR
from unit_tests.usage import each_day_asked

pytestmark = pytest.mark.usefixtures("clock")


@cache
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return found


def specification() -> dict[str, Any]:
    found: dict[str, Any] = manifest()["spec"]["connection_specification"]
    return found


def tidy(settings: dict[str, Any]) -> dict[str, Any]:
    NormalizeConfig(parameters={}).transform(settings)
    return settings


def refusal(settings: dict[str, Any]) -> str:
    with pytest.raises(AirbyteTracedException) as raised:
        validate(tidy(settings), specification())
    assert raised.value.failure_type is FailureType.config_error
    return raised.value.message


def accept(settings: dict[str, Any]) -> None:
    validate(tidy(settings), specification())


# Tidying


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({"countries": ["FR\n", " de "]}, {"countries": ["FR", "DE"]}),
        ({"countries": ["fr", 33, "Germany"]}, {"countries": ["FR", 33, "GERMANY"]}),
        ({"countries": ["", None, " ", "FR"]}, {"countries": ["FR"]}),
        ({"seven_subaccounts": "101\n"}, {"seven_subaccounts": "101"}),
        ({"seven_label": " \tpromo of May "}, {"seven_label": "promo of May"}),
        ({"smsfactor_sub_account_id": "2001 "}, {"smsfactor_sub_account_id": "2001"}),
        ({"smsfactor_base_url": "\nhttps://api.smsfactor.com "}, {"smsfactor_base_url": "https://api.smsfactor.com"}),
        ({"num_workers": 8.0, "lookback_days": 2.5}, {"num_workers": 8, "lookback_days": 2.5}),
        ({"include_today": False, "lookback_days": 0}, {"include_today": False, "lookback_days": 0}),
        ({"unknown": {"a": " "}}, {"unknown": {"a": " "}}),
    ],
    ids=json.dumps,
)
def test_given_settings_when_normalized_then_surrounding_spaces_are_removed(given, settings):
    assert tidy(given) == settings
    assert [type(value) for value in given.values()] == [type(value) for value in settings.values()]


@pytest.mark.parametrize("empty", [None, "", " ", "\n", [], [None], [""]])
@pytest.mark.parametrize("name", specification()["properties"])
def test_given_an_empty_setting_when_normalized_then_it_is_absent(name, empty):
    assert tidy({name: empty}) == {}


def test_given_defaults_when_normalized_then_they_replace_missing_settings():
    settings = {"num_workers": None, "lookback_days": 7}

    NormalizeConfig(parameters={"num_workers": 8, "lookback_days": 3}).transform(settings)

    assert settings == {"num_workers": 8, "lookback_days": 7}


def test_given_the_form_then_each_default_in_it_is_the_one_that_is_applied():
    transformation = manifest()["spec"]["config_normalization_rules"]["transformations"][0]

    of_the_form = {name: each["default"] for name, each in specification()["properties"].items() if "default" in each}
    assert transformation["$parameters"] == of_the_form


def test_given_a_base_url_with_a_trailing_slash_when_normalized_then_it_has_none():
    assert tidy({"smsfactor_base_url": "https://api.example.com/"}) == {"smsfactor_base_url": "https://api.example.com"}


@pytest.mark.parametrize("empty", [None, ""])
def test_given_every_optional_setting_empty_when_read_then_the_defaults_hold(providers, empty):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    names = specification()["properties"].keys() - {"start_date", "seven_api_key"}

    output = read("analytics", **dict.fromkeys(names, empty))

    assert (output.failure, output.days) == (None, ["2026-03-07", "2026-03-08", "2026-03-09"])
    [request] = providers.asked
    assert request.url == f"{SEVEN}/analytics"
    assert (request.query["subaccounts"], request.query["label"]) == ("all", "all")


def test_given_spaces_around_settings_when_read_then_they_are_not_sent(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    providers.answer(f"{SEVEN}/analytics?group_by=label", b"[]")
    providers.answer(f"{SEVEN}/subaccounts", b'[{"id": 101}]')

    read(
        "analytics",
        seven_api_key=f" {SEVEN_KEY}\n",
        seven_subaccounts="101\n",
        seven_label=" promo ",
        start_date="2026-03-09\n",
    )

    assert {request.headers["X-Api-Key"] for request in providers.requests} == {SEVEN_KEY}
    [request] = [request for request in providers.asked if request.query.get("group_by") == "date"]
    assert request.query == {
        **{"group_by": "date", "subaccounts": "101", "label": "promo"},
        **{"start": "2026-03-09", "end": "2026-03-09"},
    }


def test_given_spaces_around_country_and_account_when_read_then_both_are_selected(providers):
    providers.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")

    output = full_refresh("consumption", start_date="2026-03-09", countries=["ch\n"], smsfactor_sub_account_id=" 1\n")

    [record] = output.records
    assert (record["account_id"], record["country"], record["consumption"]) == ("1", "CH", 30)


# What cannot be


def test_given_settings_of_both_providers_then_they_are_accepted():
    accept(config())


@pytest.mark.parametrize("key", ["seven_api_key", "smsfactor_api_token"])
def test_given_settings_of_one_provider_then_they_are_accepted(key):
    accept({key: "abc", "start_date": "2026-03-07"})


def test_given_some_credentials_of_a_provider_then_the_error_names_the_missing_ones():
    two = {"properties": {name: {"title": name, "group": "a", "airbyte_secret": True} for name in ("id", "token")}}

    with pytest.raises(AirbyteTracedException, match=r"^The token is missing\. "):
        validate({"id": "abc", "start_date": "2026-03-07"}, two)
    with pytest.raises(AirbyteTracedException, match=r"^Enter the id and the token\.$"):
        validate({"start_date": "2026-03-07"}, two)
    validate({"id": "abc", "token": "def", "start_date": "2026-03-07"}, two)


@pytest.mark.parametrize("empty", ["", " ", "\n", None])
def test_given_no_key_at_all_then_the_error_names_both_keys(empty):
    sentence = refusal(config(seven_api_key=empty, smsfactor_api_token=empty))

    assert sentence.startswith("Enter the ")
    assert "seven.io API key" in sentence
    assert "SMSFactor API token" in sentence


@pytest.mark.parametrize(
    ("settings", "value", "requirement"),
    [
        ({"start_date": 20260301}, "20260301", "a text like YYYY-MM-DD"),
        ({"start_date": "01/03/2026"}, "'01/03/2026'", "a text like YYYY-MM-DD"),
        ({"lookback_days": "3"}, "'3'", "a whole number from 1 to 366"),
        ({"lookback_days": 0}, "0", "a whole number from 1 to 366"),
        ({"lookback_days": 367}, "367", "a whole number from 1 to 366"),
        ({"num_workers": 2.5}, "2.5", "a whole number from 1 to 32"),
        ({"num_workers": True}, "True", "a whole number from 1 to 32"),
        ({"include_today": "yes"}, "'yes'", "true or false"),
        ({"countries": "FR"}, "'FR'", "a list"),
        ({"countries": ["FR", "Germany"]}, "'GERMANY'", "a text like FR (two letters)"),
        ({"countries": [33]}, "33", "a text like FR (two letters)"),
        ({"seven_label": 7}, "7", "a text"),
        ({"seven_subaccounts": "main"}, "'main'", "a text like all, only_main or 1234567 (an id of digits)"),
        ({"smsfactor_sub_account_id": "my company"}, "'my company'", "a text like 1010101 (an id of digits)"),
        (
            {"smsfactor_day_boundaries": "excluded"},
            "'excluded'",
            "one of inclusive, end_excluded, both_excluded, start_excluded",
        ),
        ({"requests_per_second": "10"}, "'10'", "a number above 0"),
    ],
    ids=json.dumps,
)
def test_given_an_invalid_setting_then_the_error_names_its_title_and_value(settings, value, requirement):
    [name] = settings
    title = specification()["properties"][name]["title"]

    assert refusal(config(**settings)) == f"'{title}': {value} must be {requirement}."


def test_given_no_start_date_then_the_error_reports_that_it_is_missing():
    sentence = refusal(config(start_date=None))

    assert sentence == "'Start date' is missing. It must be a text like YYYY-MM-DD."


def test_given_several_invalid_settings_then_each_has_a_sentence():
    sentence = refusal(config(start_date="yesterday", lookback_days=0, countries=["Germany", "France"]))

    titles = [specification()["properties"][name]["title"] for name in ("start_date", "lookback_days", "countries")]
    assert all(f"'{title}': " in sentence for title in titles)
    assert "'GERMANY'" in sentence
    assert "'FRANCE'" in sentence


def test_given_problems_of_both_kinds_then_each_is_named_at_once():
    wrong = {"seven_api_key": "a b", "countries": ["UK", "FRA", "EN"], "start_date": "2026-13-01", "lookback_days": 0}
    sentence = refusal(config(**wrong))

    assert "The seven.io API key contains a space" in sentence
    assert "'Countries': 'FRA' must be a text like FR" in sentence
    assert "'Countries': EN, UK is not an ISO 3166 country code." in sentence
    assert "'Start date': 2026-13-01 is not a valid date." in sentence
    assert "'Lookback window (days)': 0 must be" in sentence


def test_given_only_a_key_of_another_type_then_no_key_is_asked_for():
    sentence = refusal(config(seven_api_key=["x"], smsfactor_api_token=None))

    assert sentence == "'seven.io API key': it must be a text."


def test_given_a_value_of_any_length_then_the_sentence_shows_its_beginning():
    sentence = refusal(config(seven_subaccounts="x" * 1000))

    assert "xxx" in sentence
    assert len(sentence) < 200


@pytest.mark.parametrize("name", ["seven_api_key", "smsfactor_api_token", "seven_base_url", "smsfactor_base_url"])
@pytest.mark.parametrize("value", [["a-secret-value"], {"a": "a-secret-value"}])
def test_given_a_key_or_url_of_another_type_then_it_is_not_shown(name, value):
    sentence = refusal(config(**{name: value}))

    assert f"'{specification()['properties'][name]['title']}': it must be " in sentence
    assert "a-secret-value" not in sentence


def test_given_a_base_url_with_a_password_then_it_is_not_shown():
    assert "a-secret-value" not in refusal(config(seven_base_url="https://user:a-secret-value@example.com"))


def test_given_plain_http_to_another_machine_then_it_is_rejected():
    assert "https://host/path" in refusal(config(smsfactor_base_url="http://api.smsfactor.com"))


@pytest.mark.parametrize("label", ["half \ud83d", "a\x00b"])
def test_given_a_label_with_invalid_characters_then_it_is_rejected(label):
    assert refusal(config(seven_label=label)).startswith("The 'seven.io label' contains an invalid character.")


def test_given_several_problems_beyond_the_schema_then_each_has_a_sentence():
    sentence = refusal(config(seven_api_key="a b", countries=["ZZ"], start_date="1999-12-31"))

    assert "seven.io API key" in sentence
    assert "'Countries': ZZ" in sentence
    assert "'Start date': 1999-12-31" in sentence


@pytest.mark.parametrize("name", specification()["properties"])
@pytest.mark.parametrize("value", [{"a": 1}, [["FR"]]], ids=json.dumps)
def test_given_a_setting_of_a_foreign_type_then_the_sentence_names_its_title(name, value):
    title = specification()["properties"][name]["title"]

    assert re.search(f"'{re.escape(title)}': .+ must be ", refusal(config(**{name: value})))


@pytest.mark.parametrize("value", [{"a": 1}, [["FR"]], -1, 0, 10**30, 1e400, 8.0, True, "no such value"])
def test_given_any_value_of_any_setting_then_a_source_can_be_built(value):
    for name in specification()["properties"]:
        assert SourceSmsProviders(config=config(**{name: value})).config[name] == value


@pytest.mark.parametrize("blank", [" abc", "abc\n"])
def test_given_spaces_around_a_key_then_it_is_accepted(blank):
    accept(config(seven_api_key=blank))


@pytest.mark.parametrize("key", ["ab cd", "ab\ncd", "ab\tcd", "abcé", "ab\x00cd", "ab\u200bcd"])
@pytest.mark.parametrize(
    ("setting", "title"), [("seven_api_key", "seven.io API key"), ("smsfactor_api_token", "SMSFactor API token")]
)
def test_given_a_key_that_no_header_can_hold_then_it_is_rejected_but_not_shown(setting, title, key):
    sentence = refusal(config(**{setting: key}))

    assert sentence.startswith(f"The {title} contains a space or an invalid character.")
    assert key not in sentence


@pytest.mark.parametrize("start", ["2026-02-30", "2026-13-01", "0000-01-01"])
def test_given_a_start_that_is_not_a_valid_date_then_it_is_rejected(start):
    assert refusal(config(start_date=start)) == f"'Start date': {start} is not a valid date."


@pytest.mark.parametrize(("start", "early"), [("0026-01-01", True), ("1999-12-31", True), ("2000-01-01", False)])
def test_given_a_start_before_the_year_2000_then_it_is_rejected(start, early):
    if early:
        sentence = refusal(config(start_date=start))
        assert sentence == f"'Start date': {start} is too early. Enter 2000-01-01 or a later day."
    else:
        accept(config(start_date=start))


@pytest.mark.parametrize("start", ["2026-03-10", "2026-03-11"])
def test_given_a_start_that_is_today_somewhere_then_it_is_accepted(start):
    accept(config(start_date=start))


def test_given_a_start_that_is_after_today_everywhere_then_it_is_rejected():
    assert refusal(config(start_date="2026-03-12")).startswith("'Start date': 2026-03-12 is in the future.")


# A start of tomorrow, which is today in the east


@pytest.mark.parametrize("include_today", [False, True])
@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country", "consumption"])
def test_given_a_start_of_tomorrow_then_nothing_is_requested_before_it(providers, clock, stream, include_today):
    settings = {"start_date": "2026-03-11", "include_today": include_today}
    early = read(stream, **settings)
    assert (early.failure, early.records, providers.asked) == (None, [], [])
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    providers.answer(f"{SEVEN}/analytics?group_by=country", b'[{"country":"FR",%s}]' % COUNTERS)
    providers.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")
    clock.move_to("2026-03-13T12:00:00Z")

    output = read(stream, saved=states_of(stream, early), **settings)

    days = ["2026-03-11", "2026-03-12", *(["2026-03-13"] if include_today else [])]
    assert output.failure is None
    assert sorted(set(output.days)) == days


COUNTERS = json.dumps(dict.fromkeys(("sms", "rcs", "voice", "hlr", "mnp", "inbound", "usage_eur"), 1))[1:-1].encode()


def states_of(stream: str, output: Output) -> list[AirbyteStateMessage] | None:
    return state(stream, **output.states[-1]) if output.states else None


# Countries


def normalized(**settings: Any) -> dict[str, Any]:
    return normalize(config(**settings), manifest()["spec"])


@pytest.mark.parametrize(("settings", "codes"), [({"countries": ["FR", "fr", "de"]}, {"FR", "DE"}), ({}, set())])
def test_given_countries_however_written_then_their_codes_are_in_upper_case(settings, codes):
    assert countries_of(normalized(**settings)) == codes


@pytest.mark.parametrize("countries", [[], ["FR", "de"], ["XK"], ["GB", "CW", "SS"], ["AN", "ac"]])
def test_given_countries_of_iso_3166_or_of_price_lists_then_they_are_accepted(countries):
    accept(config(countries=countries))


def test_given_other_codes_then_they_are_rejected_in_upper_case():
    sentence = refusal(config(countries=["uk", "FR", "ZZ", "zz"]))

    assert sentence.startswith("'Countries': UK, ZZ is not an ISO 3166 country code.")


@pytest.mark.parametrize("command", [check, full_refresh])
def test_given_a_code_that_iso_3166_lacks_then_no_request_is_sent(providers, command):
    outcome = command("pricing", countries=["ZZ"]) if command is full_refresh else command(countries=["ZZ"])

    assert "ZZ" in (outcome.failure.message if command is full_refresh else outcome.message)
    assert providers.asked == []


# The command


@pytest.mark.parametrize("command", ["check", "discover", "read"])
def test_given_a_command_and_invalid_settings_then_the_error_is_our_own(command, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config(requests_per_second=10, num_workers="many")))
    (tmp_path / "catalog.json").write_text('{"streams": []}')
    arguments = [command, "--config", str(tmp_path / "config.json")]
    arguments += ["--catalog", str(tmp_path / "catalog.json")] if command == "read" else []
    sentence = f"'{specification()['properties']['num_workers']['title']}': 'many' must be a whole number from 1 to 32."

    entrypoint = Entrypoint(SourceSmsProviders.from_arguments(arguments))
    run = entrypoint.run(Entrypoint.parse_args(arguments))

    if command == "check":
        [status] = [message for message in map(json.loads, run) if message["type"] == "CONNECTION_STATUS"]
        assert status["connectionStatus"] == {"status": "FAILED", "message": sentence}
    else:
        with pytest.raises(AirbyteTracedException, match=sentence):
            list(run)
