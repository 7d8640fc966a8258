from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from queue import Queue
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteMessage, FailureType, Type
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.message.concurrent_repository import ConcurrentMessageRepository
from airbyte_cdk.sources.types import Record
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders
from source_sms_providers import session as session_module
from source_sms_providers.errors import transient_error
from source_sms_providers.retriever import SnapshotRetriever
from source_sms_providers.session import SyncCancelled, SyncSession
from source_sms_providers.source import MANIFEST
from source_sms_providers.state import StreamState
from source_sms_providers.stream import WholeStream, make_retriever, make_stream
from unit_tests.connector import config, read, state
from unit_tests.providers import SEVEN, as_json
from unit_tests.usage import each_day_asked, usage

pytestmark = pytest.mark.usefixtures("clock")
DAILY = {
    "analytics": timedelta(days=365),
    "analytics_by_country": timedelta(days=365),
    "analytics_by_label": timedelta(days=365),
    "analytics_by_subaccount": timedelta(days=365),
    "analytics_by_subaccount_and_country": timedelta(days=365),
    "consumption": timedelta(days=365),
}
SNAPSHOTS = ["balance", "pricing", "subaccount_balances", "credits", "subaccount_credits"]
FIXED = {"type": "DatetimeBasedCursor", "datetime_format": "%Y-%m-%d", "cursor_granularity": "P1D"}
"""What the CDK's schema of a cursor demands, and cannot be anything else: the days of a stream are calendar days."""


class Seen(dict):
    """A mapping that knows which of its keys were read."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        super().__init__(mapping)
        self.keys_read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.keys_read.add(key)
        return super().__getitem__(key)


@pytest.fixture
def session() -> Iterator[SyncSession]:
    session = SyncSession()
    yield session
    session.cancel()


def definition(stream: str) -> dict[str, Any]:
    groups = SourceSmsProviders(config=config()).resolved_manifest["streams"]
    return next(dict(each) for group in groups for each in group["streams"] if each["name"] == stream)


def declared_keys(stream: str, component: Mapping[str, Any]) -> set[str]:
    """Without the parameters that the CDK hands down to each component."""
    return component.keys() - {"$parameters"} - definition(stream).get("$parameters", {}).keys()


def settings(session: SyncSession, **changed: Any) -> dict[str, Any]:
    return {**SourceSmsProviders(config=config(**changed)).config, "_session": session, "_folder": MANIFEST.parent}


def retriever_of(
    stream: str, session: SyncSession, saved: Mapping[str, Any] | None = None, **changed: Any
) -> SnapshotRetriever:
    return make_retriever(definition(stream), saved or {}, settings(session, **changed), ModelToComponentFactory())


# What the manifest declares


@pytest.mark.parametrize("stream", [*DAILY, *SNAPSHOTS])
def test_given_a_stream_then_all_of_its_incremental_sync_is_read(stream, session):
    declared = definition(stream)
    incremental = declared["incremental_sync"] = Seen(declared["incremental_sync"])

    make_stream(declared, {}, settings(session), ModelToComponentFactory(), InMemoryMessageRepository())

    unread = declared_keys(stream, incremental) - incremental.keys_read
    assert unread <= FIXED.keys()
    assert {key: incremental[key] for key in unread} == {key: FIXED[key] for key in unread}


@pytest.mark.parametrize("stream", [*DAILY, *SNAPSHOTS])
def test_given_a_stream_then_the_manifest_declares_only_what_is_read(stream):
    assert declared_keys(stream, definition(stream)) == {
        "type",
        "name",
        "primary_key",
        "incremental_sync",
        "retriever",
        "schema_loader",
    }


@pytest.mark.parametrize("stream", DAILY)
def test_given_a_daily_stream_then_its_days_are_those_of_the_settings(stream, session):
    retriever = retriever_of(stream, session, start_date="2026-02-01")

    assert retriever.stream_state.first_day == date(2026, 2, 1)
    assert retriever.last_day == date(2026, 3, 9)
    assert retriever.step == DAILY[stream]


@pytest.mark.parametrize("stream", [*DAILY, *SNAPSHOTS])
def test_given_a_midnight_after_the_settings_were_read_then_the_last_day_stays(stream, session, clock):
    read_before_midnight = settings(session)
    clock.move_to("2026-03-11T00:00:01Z")

    retriever = make_retriever(definition(stream), {}, read_before_midnight, ModelToComponentFactory())

    assert retriever.last_day == date(2026, 3, 9 if stream in DAILY else 10)
    assert retriever.stream_state.first_day == date(2026, 3, 7 if stream in DAILY else 10)


@pytest.mark.parametrize("stream", DAILY)
def test_given_a_running_day_that_is_included_then_it_is_the_last(stream, session):
    assert retriever_of(stream, session, include_today=True).last_day == date(2026, 3, 10)


@pytest.mark.parametrize("stream", DAILY)
def test_given_a_state_and_a_lookback_then_so_many_days_are_read_again(stream, session):
    saved = {"date": "2026-03-09"}

    retriever = retriever_of(stream, session, saved, start_date="2026-01-01", lookback_days=7)

    assert retriever.stream_state.first_day == date(2026, 3, 3)


@pytest.mark.parametrize("stream", SNAPSHOTS)
def test_given_a_snapshot_then_today_is_its_only_day(stream, session):
    retriever = retriever_of(stream, session, start_date="2020-01-01")

    assert (retriever.stream_state.first_day, retriever.last_day) == (date(2026, 3, 10), date(2026, 3, 10))
    assert retriever.step is None


@pytest.mark.parametrize(
    ("stream", "changed"),
    [
        ("analytics", {"seven_label": "otp"}),
        ("analytics_by_country", {"seven_subaccounts": "101"}),
        ("analytics_by_subaccount_and_country", {"seven_subaccounts": "only_main"}),
        ("consumption", {"countries": ["FR"]}),
        ("consumption", {"smsfactor_sub_account_id": "2"}),
    ],
)
def test_given_a_setting_that_narrows_a_stream_then_its_state_records_it(stream, changed, session):
    state = retriever_of(stream, session, **changed).stream_state
    state.completed(date(2026, 3, 9))

    saved = state.checkpoint()
    assert saved is not None
    assert changed.items() <= saved["filters"].items()


def test_given_countries_in_another_order_then_the_rows_of_the_state_are_known(session):
    saved = {
        "date": "2026-03-09",
        "filters": {"countries": ["CH", "FR"]},
        "written": {"2026-03-09": [[["1", "FR"], [5]]]},
    }

    state = retriever_of("consumption", session, saved, countries=["FR", "CH"]).stream_state

    assert state.previously_written("2026-03-09")


@pytest.mark.parametrize("changed", [{}, {"seven_subaccounts": "all"}, {"include_today": True, "num_workers": 3}])
@pytest.mark.parametrize("stream", ["analytics_by_country", "analytics_by_label", "consumption"])
def test_given_a_state_of_version_0_3_without_filters_then_its_rows_are_known(stream, changed, session):
    key, amounts = (["1", "FR"], [5]) if stream == "consumption" else (["FR"], [5, 0, 0, 0, 0, 0, 0])
    saved = {"date": "2026-03-09T00:00:00Z", "groups": {"2026-03-09": [[key, amounts]]}}

    known = retriever_of(stream, session, saved, **changed).stream_state.previously_written("2026-03-09")

    assert list(known) == [tuple(key)]


def test_given_a_state_of_version_0_3_and_a_renamed_group_then_the_old_row_is_zero(providers):
    providers.answer(f"{SEVEN}/analytics?group_by=date", each_day_asked)
    providers.answer(f"{SEVEN}/analytics?group_by=country", as_json([usage(country="DE", sms=1)]))
    groups = {"2026-03-09": [[["XX"], [1, 0, 0, 0, 0, 0, 0]]]}
    saved = state("analytics_by_country", date="2026-03-09T00:00:00Z", groups=groups)

    output = read("analytics_by_country", saved=saved, start_date="2026-03-09", lookback_days=1)

    assert {record["country"]: record["sms"] for record in output.records} == {"DE": 1, "XX": 0}


def test_given_a_state_of_another_connector_then_the_error_recommends_a_refresh(session):
    with pytest.raises(AirbyteTracedException, match="Refresh the stream and retain its records") as raised:
        retriever_of("analytics", session, {"date": "last week"})

    assert raised.value.failure_type is FailureType.config_error


@pytest.mark.parametrize("stream", [*DAILY, *SNAPSHOTS])
def test_given_a_stream_then_the_cdk_knows_its_key_cursor_and_schema(stream, session):
    made = make_stream(
        definition(stream), {}, settings(session), ModelToComponentFactory(), InMemoryMessageRepository()
    )

    described = made.as_airbyte_stream()

    assert described.name == stream
    assert described.source_defined_primary_key == [[name] for name in definition(stream)["primary_key"]]
    assert described.default_cursor_field == ["date"]
    assert described.json_schema["properties"]["date"]
    assert len(list(made.generate_partitions())) == 1


# One partition, read in order


class Reads:
    """Stands in for a retriever: gives what it is told, and raises at its end."""

    def __init__(self, *parts: Any, error: Exception | None = None) -> None:
        self._parts, self._error = parts, error

    def read(self) -> Iterator[Any]:
        yield from self._parts
        if self._error:
            raise self._error


def saved_state(day: int) -> StreamState:
    state = StreamState("usage", {}, date(2026, 3, 1), date(2026, 3, 10), 3, {})
    state.completed(date(2026, 3, day))
    return state


def queue_of(session: SyncSession, *parts: Any, error: Exception | None = None) -> list[Any]:
    """Records and states as they stand in the queue of a sync."""
    queue: Queue[Any] = session.queue
    messages = ConcurrentMessageRepository(queue, InMemoryMessageRepository())
    stream = WholeStream("usage", Reads(*parts, error=error), messages, session)
    for record in stream.read():
        queue.put(record)
    return [queue.get() for _ in range(queue.qsize())]


def test_given_rows_and_states_then_they_are_queued_in_their_order(session):
    found = queue_of(session, saved_state(1), {"date": "a"}, {"date": "b"}, saved_state(2), {"date": "c"})

    assert [each.data["date"] if isinstance(each, Record) else each.type for each in found] == [
        Type.STATE,
        "a",
        "b",
        Type.STATE,
        "c",
    ]


def test_given_a_state_then_its_message_is_of_the_stream(session):
    [message] = queue_of(session, saved_state(9))

    assert isinstance(message, AirbyteMessage)
    assert message.state.stream.stream_descriptor.name == "usage"
    assert vars(message.state.stream.stream_state) == {"date": "2026-03-09", "lookback_from": "2026-03-08"}


def test_given_a_state_without_changes_then_it_is_not_sent(session):
    same = saved_state(9)

    assert len(queue_of(session, same, same)) == 1


def test_given_a_consumer_that_is_behind_then_no_state_is_sent_until_there_is_room(session, monkeypatch):
    monkeypatch.setattr(session_module, "MAX_QUEUED_MESSAGES", 0)
    session.queue.put("what the consumer has not taken")
    session.cancel()

    with pytest.raises(SyncCancelled):
        queue_of(session, saved_state(1))

    assert (session.queue.qsize(), session.failures) == (1, [])


def test_given_a_failure_then_the_session_records_it_with_the_name_of_the_stream(session):
    with pytest.raises(AirbyteTracedException, match="No answer"):
        queue_of(session, {"date": "a"}, error=transient_error("No answer."))

    [failure] = session.failures
    assert failure.message == "usage: No answer."
    assert failure.failure_type is FailureType.transient_error


def test_given_a_stream_that_fails_then_rows_and_states_before_its_failure_are_sent(providers):
    providers.answer(f"{SEVEN}/analytics?group_by=date", each_day_asked)
    providers.answer(f"{SEVEN}/analytics?group_by=country", as_json([usage(country="DE", sms=1)]))
    providers.answer(f"{SEVEN}/analytics?group_by=country&start=2026-03-08", "seven/error_308.json")

    output = read("analytics_by_country")

    kinds = [message.type for message in output.messages if message.type in (Type.RECORD, Type.STATE)]
    assert kinds == [Type.STATE, Type.RECORD, Type.RECORD, Type.STATE]
    assert output.days == ["2026-03-07", "2026-03-09"]
    assert [saved["date"] for saved in output.states] == ["2026-03-06", "2026-03-07"]
    assert len(output.errors) == 1


def test_given_the_states_of_a_sync_then_each_is_of_plain_dates(providers):
    providers.answer(f"{SEVEN}/analytics", each_day_asked)
    providers.answer(f"{SEVEN}/balance", "seven/balance.json")

    states = read("analytics", "balance", include_today=True).states

    assert {"date": "2026-03-10"} in states
    assert "T00:00:00" not in json.dumps(states)
