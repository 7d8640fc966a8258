from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml
from airbyte_cdk.models import AirbyteStateMessage, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders
from source_sms_providers.config import NormalizeConfig, countries_of, refuse_countries, unknown_countries, validate
from source_sms_providers.source import MANIFEST, Entrypoint
from unit_tests.connector import SEVEN_KEY, Output, config, full_refresh, read, state
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
        ({"countries": ["FR\n", " fr "]}, {"countries": ["FR", "fr"]}),
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
def test_given_settings_when_tidied_then_blanks_are_gone(given, settings):
    assert tidy(given) == settings
    assert [type(value) for value in given.values()] == [type(value) for value in settings.values()]


@pytest.mark.parametrize("empty", [None, "", " ", "\n", [], [None], [""]])
@pytest.mark.parametrize("name", specification()["properties"])
def test_given_an_empty_setting_when_tidied_then_it_is_absent(name, empty):
    assert tidy({name: empty}) == {}


def test_given_defaults_when_tidied_then_they_stand_for_what_is_not_there():
    settings = {"num_workers": None, "lookback_days": 7}

    NormalizeConfig(parameters={"num_workers": 8, "lookback_days": 3}).transform(settings)

    assert settings == {"num_workers": 8, "lookback_days": 7}


def test_given_the_form_then_each_default_in_it_is_the_one_that_holds():
    transformation = manifest()["spec"]["config_normalization_rules"]["transformations"][0]

    of_the_form = {name: each["default"] for name, each in specification()["properties"].items() if "default" in each}
    assert transformation["$parameters"] == of_the_form


def test_given_a_base_url_with_a_slash_at_its_end_when_tidied_then_it_has_none():
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


def test_given_blanks_around_settings_when_read_then_they_are_not_sent(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)

    read(
        "analytics",
        seven_api_key=f" {SEVEN_KEY}\n",
        seven_subaccounts="101\n",
        seven_label=" promo ",
        start_date="2026-03-09\n",
    )

    [request] = providers.requests
    assert request.headers["X-Api-Key"] == SEVEN_KEY
    assert providers.asked[0].query == {
        **{"group_by": "date", "subaccounts": "101", "label": "promo"},
        **{"start": "2026-03-09", "end": "2026-03-09"},
    }


def test_given_blanks_around_a_country_and_an_account_when_read_then_they_select_it(providers):
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


@pytest.mark.parametrize("empty", ["", " ", "\n", None])
def test_given_no_key_at_all_then_the_user_is_asked_for_one(empty):
    sentence = refusal(config(seven_api_key=empty, smsfactor_api_token=empty))

    assert sentence.startswith("Enter a seven.io API key or an SMSFactor API token, or both")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"start_date": None}, "The 'Start date' is missing. It must be a text like YYYY-MM-DD."),
        ({"start_date": 20260301}, "The 'Start date' must be a text like YYYY-MM-DD."),
        ({"start_date": "01/03/2026"}, "The 'Start date' must be a text like YYYY-MM-DD."),
        ({"lookback_days": "3"}, "The 'Days to read again' must be a whole number from 1 to 366."),
        ({"lookback_days": 0}, "The 'Days to read again' must be a whole number from 1 to 366."),
        ({"lookback_days": 367}, "The 'Days to read again' must be a whole number from 1 to 366."),
        ({"num_workers": 2.5}, "The 'Parallel requests' must be a whole number from 1 to 32."),
        ({"num_workers": True}, "The 'Parallel requests' must be a whole number from 1 to 32."),
        ({"include_today": "yes"}, "The 'Include today' must be true or false."),
        ({"countries": "FR"}, "The 'Countries' must be a list."),
        ({"countries": ["FR", "Germany"]}, "Each of the 'Countries' must be a text like FR (two letters)."),
        ({"countries": [33]}, "Each of the 'Countries' must be a text like FR (two letters)."),
        ({"seven_label": 7}, "The 'seven.io label' must be a text."),
        ({"seven_api_key": 7}, "The 'seven.io API key' must be a text."),
        (
            {"seven_subaccounts": "main"},
            "The 'seven.io accounts' must be a text like all, only_main or 1234567 (an id of digits).",
        ),
        (
            {"smsfactor_sub_account_id": "my company"},
            "The 'SMSFactor sub-account' must be a text like 1010101 (an id of digits).",
        ),
        (
            {"smsfactor_day_boundaries": "excluded"},
            "The 'SMSFactor day boundaries' must be one of inclusive, end_excluded, both_excluded, start_excluded.",
        ),
        (
            {"smsfactor_base_url": "http://api.smsfactor.com"},
            "The 'SMSFactor base URL' must be a text like https://host/path (or http://localhost:8400, for tests).",
        ),
        ({"outage_seconds": 0}, "The 'Outage seconds' must be a number above 0."),
        ({"requests_per_second": "10"}, "The 'Requests per second' must be a number above 0."),
        ({"seven_label": "half \ud83d"}, "The 'seven.io label' holds a character that cannot be sent. Type it anew."),
        ({"seven_label": "a\x00b"}, "The 'seven.io label' holds a character that cannot be sent. Type it anew."),
    ],
    ids=json.dumps,
)
def test_given_a_setting_that_cannot_be_then_the_sentence_names_its_title(settings, sentence):
    assert refusal(config(**settings)) == sentence


@pytest.mark.parametrize("name", specification()["properties"])
@pytest.mark.parametrize("value", [{"a": 1}, [["FR"]]], ids=json.dumps)
def test_given_a_setting_of_a_foreign_type_then_the_sentence_names_its_title(name, value):
    assert f"'{specification()['properties'][name]['title']}' must be " in refusal(config(**{name: value}))


@pytest.mark.parametrize("value", [{"a": 1}, [["FR"]], -1, 0, 10**30, 1e400, 8.0, True, "no such value"])
def test_given_any_value_of_any_setting_then_a_source_can_be_built_that_refuses_it_later(value):
    for name in specification()["properties"]:
        assert SourceSmsProviders(config=config(**{name: value})).config[name] == value


@pytest.mark.parametrize("blank", [" abc", "abc\n"])
def test_given_blanks_around_a_key_then_it_is_accepted(blank):
    accept(config(seven_api_key=blank))


@pytest.mark.parametrize("key", ["ab cd", "ab\ncd", "ab\tcd", "abcé", "ab\x00cd", "ab\u200bcd"])
@pytest.mark.parametrize(
    ("setting", "title"), [("seven_api_key", "seven.io API key"), ("smsfactor_api_token", "SMSFactor API token")]
)
def test_given_a_key_that_no_header_can_hold_then_it_is_refused_but_not_shown(setting, title, key):
    sentence = refusal(config(**{setting: key}))

    assert sentence.startswith(f"The {title} holds a blank")
    assert key not in sentence


@pytest.mark.parametrize("start", ["2026-02-30", "2026-13-01", "0000-01-01"])
def test_given_a_start_that_is_no_day_then_it_is_refused(start):
    assert refusal(config(start_date=start)).startswith("The 'Start date' is no day of the calendar.")


@pytest.mark.parametrize(("start", "early"), [("0026-01-01", True), ("1999-12-31", True), ("2000-01-01", False)])
def test_given_a_start_of_another_millennium_then_it_is_refused(start, early):
    if early:
        assert refusal(config(start_date=start)) == "The 'Start date' is too early. Enter 2000-01-01 or a later day."
    else:
        accept(config(start_date=start))


@pytest.mark.parametrize("start", ["2026-03-10", "2026-03-11"])
def test_given_a_start_that_is_today_somewhere_then_it_is_accepted(start):
    accept(config(start_date=start))


def test_given_a_start_that_is_today_nowhere_then_it_is_refused():
    assert refusal(config(start_date="2026-03-12")).startswith("The 'Start date' is in the future.")


# A start of tomorrow, which is today in the east


@pytest.mark.parametrize("include_today", [False, True])
@pytest.mark.parametrize("stream", ["analytics", "analytics_by_country", "consumption"])
def test_given_a_start_of_tomorrow_when_read_then_nothing_is_asked_and_later_each_day_from_it_on(
    providers, clock, stream, include_today
):
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


@pytest.mark.parametrize(("settings", "codes"), [({"countries": ["FR", "fr", "de"]}, {"FR", "DE"}), ({}, set())])
def test_given_countries_however_written_then_their_codes_are_in_upper_case(settings, codes):
    assert countries_of(settings) == codes


@pytest.mark.parametrize("countries", [[], ["FR", "de"], ["XK"], ["GB", "CW", "SS"]])
def test_given_countries_of_iso_3166_then_they_are_known(countries):
    assert unknown_countries({"countries": countries}) == set()


def test_given_other_codes_then_they_are_unknown_in_upper_case():
    assert unknown_countries({"countries": ["uk", "FR", "ZZ", "zz"]}) == {"UK", "ZZ"}


def test_given_no_unknown_codes_then_nothing_is_refused():
    refuse_countries(())


@pytest.mark.parametrize(
    ("codes", "hint"),
    [
        (["UK"], " Perhaps you mean GB for Britain (UK). "),
        (["EN"], " Perhaps you mean GB for Britain (UK). "),
        (["EL"], " Perhaps you mean GR for Greece. "),
        (["SW"], " Perhaps you mean CH for Switzerland or SE for Sweden. "),
        (["ZZ", "SP"], " Perhaps you mean ES for Spain. "),
        (["ZZ"], " "),
    ],
)
def test_given_unknown_codes_then_they_are_refused_with_what_may_be_meant(codes, hint):
    with pytest.raises(AirbyteTracedException) as raised:
        refuse_countries(codes)

    assert raised.value.failure_type is FailureType.config_error
    assert raised.value.message == (
        f"The 'Countries' hold {', '.join(sorted(codes))}, which neither ISO 3166 nor your providers know.{hint}"
        "Correct them, or leave 'Countries' empty for all countries."
    )


# The command


@pytest.mark.parametrize("command", ["check", "discover", "read"])
def test_given_a_command_and_settings_that_cannot_be_then_the_sentence_is_ours(command, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config(requests_per_second=10, num_workers="many")))
    (tmp_path / "catalog.json").write_text('{"streams": []}')
    arguments = [command, "--config", str(tmp_path / "config.json")]
    arguments += ["--catalog", str(tmp_path / "catalog.json")] if command == "read" else []
    sentence = "The 'Parallel requests' must be a whole number from 1 to 32."

    entrypoint = Entrypoint(SourceSmsProviders.from_arguments(arguments))
    run = entrypoint.run(Entrypoint.parse_args(arguments))

    if command == "check":
        [status] = [message for message in map(json.loads, run) if message["type"] == "CONNECTION_STATUS"]
        assert status["connectionStatus"] == {"status": "FAILED", "message": sentence}
    else:
        with pytest.raises(AirbyteTracedException, match=sentence):
            list(run)
