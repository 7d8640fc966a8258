from __future__ import annotations

import json
import threading

import pytest
from airbyte_cdk.models import FailureType, SyncMode
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders
from unit_tests.connector import LOGGER, Output, catalog, config, read, read_with, state
from unit_tests.providers import SEVEN, SMSFACTOR
from unit_tests.usage import each_day_asked

ANALYTICS = f"{SEVEN}/analytics"
OF_SEVEN = {
    "balance",
    "pricing",
    "analytics",
    "analytics_by_country",
    "analytics_by_label",
    "analytics_by_subaccount",
    "analytics_by_subaccount_and_country",
    "subaccount_balances",
}
OF_SMSFACTOR = {"credits", "consumption", "subaccount_credits"}


def discovered(source: SourceSmsProviders | None = None, **settings) -> dict:
    found = (source or SourceSmsProviders()).discover(LOGGER, config(**settings))
    return {stream.name: stream for stream in found.streams}


def statuses(output: Output) -> dict[str, list[str]]:
    """Stream -> what was said of its progress, in order."""
    found: dict[str, list[str]] = {}
    for message in output.messages:
        if message.trace and (told := message.trace.stream_status):
            found.setdefault(told.stream_descriptor.name, []).append(told.status.value)
    return found


# Discovery


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("settings", "streams"),
    [
        ({}, OF_SEVEN | OF_SMSFACTOR),
        ({"smsfactor_api_token": ""}, OF_SEVEN),
        ({"smsfactor_api_token": "  "}, OF_SEVEN),
        ({"seven_api_key": ""}, OF_SMSFACTOR),
        ({"seven_api_key": None}, OF_SMSFACTOR),
    ],
)
def test_given_keys_when_discovered_then_only_their_streams_are_offered(settings, streams):
    assert set(discovered(**settings)) == streams


@pytest.mark.usefixtures("clock")
def test_given_both_keys_when_discovered_then_every_stream_can_be_read_in_both_modes():
    assert {tuple(stream.supported_sync_modes) for stream in discovered().values()} == {
        (SyncMode.full_refresh, SyncMode.incremental)
    }


@pytest.mark.usefixtures("clock")
def test_given_both_keys_then_a_full_refresh_of_every_stream_can_be_resumed():
    assert {stream.is_resumable for stream in discovered().values()} == {True}


@pytest.mark.usefixtures("clock")
def test_given_no_key_when_discovered_then_the_error_names_the_keys():
    with pytest.raises(AirbyteTracedException, match=r"Enter .+ seven\.io API key") as raised:
        discovered(seven_api_key="", smsfactor_api_token="")

    assert raised.value.failure_type is FailureType.config_error


@pytest.mark.usefixtures("clock")
def test_given_a_foreign_manifest_in_the_working_directory_then_it_does_not_matter(monkeypatch, tmp_path):
    (tmp_path / "manifest.yaml").write_text("version: 0.0.0\ntype: DeclarativeSource\n")
    monkeypatch.chdir(tmp_path)

    assert set(discovered()) == OF_SEVEN | OF_SMSFACTOR


# A source that was built without settings, as standard tools do


def test_given_a_bare_source_when_its_spec_is_requested_then_it_has_one():
    assert SourceSmsProviders().spec(LOGGER).connectionSpecification["required"] == ["start_date"]


def test_given_a_bare_source_when_read_then_it_uses_settings_and_state_of_the_call(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    saved = state("analytics", date="2026-03-01")

    output = read_with(SourceSmsProviders(), catalog("analytics"), saved, start_date="2026-01-01")

    assert (output.days[0], output.days[-1]) == ("2026-02-28", "2026-03-09")


def test_given_a_source_with_settings_alone_then_it_uses_the_state_of_the_read(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    source = SourceSmsProviders(config=config(start_date="2026-01-01"))

    output = read_with(source, catalog("analytics"), state("analytics", date="2026-03-01"), start_date="2026-01-01")

    assert output.days[0] == "2026-02-28"


@pytest.mark.parametrize(
    ("saved", "first"), [(state("analytics", date="2026-03-01"), "2026-02-28"), ([], "2026-01-01")]
)
def test_given_a_source_with_a_state_then_that_of_the_read_counts(providers, saved, first):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    selected, own = catalog("analytics"), state("analytics", date="2026-03-09")
    source = SourceSmsProviders(selected, config(start_date="2026-01-01"), own)

    assert read_with(source, selected, saved).days[0] == first


def test_given_a_source_that_has_read_some_streams_then_all_are_offered(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    source = SourceSmsProviders(catalog("analytics"), config())

    output = read_with(source, catalog("analytics"))

    assert set(statuses(output)) == {"analytics"}
    assert set(discovered(source)) == OF_SEVEN | OF_SMSFACTOR


def test_given_a_state_and_a_full_refresh_then_the_attempt_goes_on(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)

    output = read(
        "analytics",
        saved=state("analytics", date="2026-03-01"),
        sync_mode=SyncMode.full_refresh,
        start_date="2026-01-01",
    )

    assert (output.days[0], output.days[-1]) == ("2026-02-28", "2026-03-09")


# The command line


def test_given_a_command_line_when_built_then_its_files_count(providers, tmp_path):
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")
    (tmp_path / "config.json").write_text(json.dumps(config(num_workers=3)))
    arguments = ["check", "--config", str(tmp_path / "config.json")]

    assert SourceSmsProviders.from_arguments(arguments).config["num_workers"] == 3


# Reading


def test_given_a_catalog_with_a_stream_without_key_then_the_others_are_synced(providers):
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")

    output = read("credits", "balance", smsfactor_api_token="")

    assert len(output.records) == 1
    assert output.failure.message == (
        "Not all streams were synced. Stream 'credits' needs the SMSFactor API token. Enter it, or deselect the stream."
    )
    assert output.failure.failure_type is FailureType.config_error
    assert statuses(output)["credits"] == ["INCOMPLETE"]
    assert statuses(output)["balance"][-1] == "COMPLETE"


def test_given_a_catalog_with_a_stream_that_is_not_there_then_the_others_are_synced(providers):
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")

    output = read("journal", "balance")

    assert len(output.records) == 1
    assert [error.message for error in output.errors] == [
        "Stream 'journal' does not exist. Refresh the connection's schema to remove it."
    ]
    assert output.failure.failure_type is FailureType.config_error
    assert statuses(output)["journal"] == ["INCOMPLETE"]


def test_given_a_catalog_of_unknown_streams_then_nothing_is_requested(providers):
    output = read("journal", "contacts")

    assert statuses(output) == {"journal": ["INCOMPLETE"], "contacts": ["INCOMPLETE"]}
    assert "Stream 'journal' does not exist." in output.failure.message
    assert "Stream 'contacts' does not exist." in output.failure.message
    assert providers.asked == []


def test_given_one_stream_that_fails_when_read_then_the_others_are_synced(providers):
    providers.answer(f"{SEVEN}/balance", "seven/error_902.json")
    providers.answer(f"{SMSFACTOR}/credits", "smsfactor/credits.json")

    output = read("balance", "credits")

    assert [record["credits"] for record in output.records] == [44690]
    assert output.failure.message.startswith("Not all streams were synced. balance: The seven.io API key lacks a ")
    assert output.failure.failure_type is FailureType.config_error


def test_given_an_outage_in_an_earlier_command_when_read_then_it_is_forgotten(providers, waiting):
    providers.answer(f"{SMSFACTOR}/metrics/consumption", b"", status=503)
    read("consumption", start_date="2026-02-01", num_workers=1)
    providers.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")

    assert read("consumption").failure is None


@pytest.mark.parametrize("second", [{"seven_api_key": "other-key"}, {}], ids=["another key", "the same key"])
def test_given_two_equal_reads_in_one_process_then_each_gets_its_own_responses(providers, second):
    providers.answer(ANALYTICS, each_day_asked)
    read("analytics")
    providers.answer(ANALYTICS, lambda request: each_day_asked(request).replace(b'"sms": 1', b'"sms": 2'))

    assert {record["sms"] for record in read("analytics", **second).records} == {2}


def test_given_one_source_when_it_reads_twice_then_each_read_sends_new_requests(providers):
    providers.answer(ANALYTICS, each_day_asked)
    selected = catalog("analytics")
    source = SourceSmsProviders()
    read_with(source, selected)
    asked_first = len(providers.requests)

    read_with(source, selected)

    assert len(providers.requests) == 2 * asked_first > 0


def test_given_two_reads_in_one_process_then_each_warns_once_of_the_same(providers, caplog):
    providers.answer(ANALYTICS, lambda request: each_day_asked(request).replace(b'"rcs": 0', b'"rcs": null'))

    read("analytics")
    read("analytics")

    assert len([each for each in caplog.messages if "'rcs'" in each]) == 2


def test_given_a_source_that_has_read_then_its_settings_are_as_before(providers):
    providers.answer(ANALYTICS, each_day_asked)
    selected = catalog("analytics")
    source = SourceSmsProviders(selected, config(requests_per_second=1000))
    before = json.dumps(source.config)

    read_with(source, selected)

    assert json.dumps(source.config) == before


def test_given_a_sync_that_runs_across_midnight_when_read_then_its_last_day_stays(providers, clock):
    def just_before_midnight(request):
        clock.move_to("2026-03-11T00:00:01Z")
        return each_day_asked(request)

    providers.answer(f"{SEVEN}/analytics", just_before_midnight)
    clock.move_to("2026-03-10T23:59:59Z")

    output = read("analytics", include_today=True)

    assert output.records[-1]["date"] == "2026-03-10"
    assert output.records[-1]["is_partial"] is True
    assert output.states[-1]["date"] == "2026-03-09"


# Failures


def test_given_a_stream_that_fails_on_many_days_when_read_then_it_has_one_error(providers):
    providers.answer(f"{SEVEN}/analytics?group_by=date", each_day_asked)
    providers.answer(f"{SEVEN}/analytics?group_by=country", "seven/error_308.json")

    output = read("analytics_by_country", start_date="2026-02-01")

    [error] = output.errors
    assert output.failure.message == f"Not all streams were synced. analytics_by_country: {error.message}"
    assert statuses(output)["analytics_by_country"][-1] == "INCOMPLETE"


def test_given_streams_that_fail_for_several_reasons_then_it_is_a_config_error(providers):
    providers.answer(f"{SEVEN}/balance", "seven/error_902.json")
    providers.answer(f"{SMSFACTOR}/credits", b"<html></html>")

    output = read("balance", "credits")

    assert "balance: " in output.failure.message
    assert "credits: " in output.failure.message
    assert output.failure.failure_type is FailureType.config_error
    assert len(output.errors) == 2


def test_given_a_bug_in_one_stream_when_read_then_the_others_are_synced(providers, monkeypatch):
    def fail(*_args, **_kwargs):
        raise KeyError("a bug")

    providers.answer(ANALYTICS, each_day_asked)
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")
    monkeypatch.setattr("source_sms_providers.seven.extractors.BalanceExtractor.extract_records", fail)

    output = read("balance", "analytics")

    assert output.days == ["2026-03-07", "2026-03-08", "2026-03-09"]
    assert output.failure.failure_type is FailureType.system_error
    assert statuses(output)["analytics"][-1] == "COMPLETE"
    assert statuses(output)["balance"][-1] == "INCOMPLETE"


@pytest.mark.parametrize("taken", [1, 5, 20])
def test_given_a_consumer_that_leaves_when_read_then_no_thread_of_the_sync_stays(providers, taken):
    providers.answer(ANALYTICS, each_day_asked)
    before = set(threading.enumerate())
    messages = SourceSmsProviders().read(LOGGER, config(start_date="2020-01-01"), catalog("analytics"), None)

    for _ in range(taken):
        next(messages)
    messages.close()

    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()
