"""Streams of the manifest as streams of the CDK. Each is one partition, which is read in the order of its days."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import date, timedelta
from typing import Any

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStateType,
    AirbyteStreamState,
    StreamDescriptor,
    Type,
)
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.models.declarative_component_schema import CustomRetriever, CustomSchemaLoader
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor, CursorField
from airbyte_cdk.sources.streams.concurrent.default_stream import DefaultStream
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.streams.concurrent.partitions.partition_generator import PartitionGenerator
from airbyte_cdk.sources.types import Record
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import bug_error, summarize
from source_sms_providers.retriever import SnapshotRetriever
from source_sms_providers.session import SyncCancelled, SyncSession
from source_sms_providers.state import StreamState

ALL = "all"
"""What a setting that filters a stream is where it does not."""


def make_retriever(
    definition: Mapping[str, Any],
    saved: Mapping[str, Any],
    config: Mapping[str, Any],
    factory: ModelToComponentFactory,
) -> SnapshotRetriever:
    """The retriever of a stream's definition in the resolved manifest, from the stream's saved state on.

    Of `incremental_sync`, the first and the last day, the step and the lookback window are used. The CDK's own cursor
    is not: it marks the first day as complete before it is read, never reads a failed day of the lookback again, and
    ends days out of their order (CONTRIBUTING.md, S1).
    """
    incremental = definition["incremental_sync"]

    def value(field: str) -> str:
        return str(InterpolatedString.create(incremental[field], parameters={}).eval(config))

    state = StreamState(
        definition["name"],
        saved,
        start=date.fromisoformat(value("start_datetime")),
        today=date.fromisoformat(config["today"]),
        lookback_days=_days(value("lookback_window")) if "lookback_window" in incremental else 0,
        filters={
            # In one order, in which the state remembers them.
            setting: sorted(narrowed) if isinstance(narrowed, list) else narrowed
            for setting in definition["retriever"].get("filters", ())
            if (narrowed := config.get(setting, ALL)) != ALL
        },
    )
    retriever: SnapshotRetriever = factory.create_component(
        CustomRetriever,
        definition["retriever"],
        config,
        name=definition["name"],
        primary_key=definition["primary_key"],
        stream_state=state,
        last_day=date.fromisoformat(value("end_datetime")),
        step=timedelta(days=_days(value("step"))) if "step" in incremental else None,
    )
    return retriever


def make_stream(
    definition: Mapping[str, Any],
    saved: Mapping[str, Any],
    config: Mapping[str, Any],
    factory: ModelToComponentFactory,
    messages: MessageRepository,
) -> DefaultStream:
    """The stream of a definition in the resolved manifest."""
    name = definition["name"]
    retriever = make_retriever(definition, saved, config, factory)
    schema_loader = factory.create_component(CustomSchemaLoader, definition["schema_loader"], config)
    return DefaultStream(
        partition_generator=WholeStream(name, retriever, messages, config["_session"]),
        name=name,
        json_schema=schema_loader.get_json_schema,
        primary_key=definition["primary_key"],
        cursor_field=CursorField(definition["incremental_sync"]["cursor_field"]),
        logger=logging.getLogger(f"airbyte.{name}"),
        cursor=NoCursor(),
    )


def _days(duration: str) -> int:
    """`P365D` -> 365"""
    return int(duration.removeprefix("P").removesuffix("D"))


class WholeStream(Partition, PartitionGenerator):
    """All days of a stream as its only partition: its rows and states leave in their order."""

    def __init__(
        self, stream: str, retriever: SnapshotRetriever, messages: MessageRepository, session: SyncSession
    ) -> None:
        self._stream = stream
        self._retriever = retriever
        self._messages = messages
        self._session = session

    def generate(self) -> Iterable[Partition]:
        yield self

    def read(self) -> Iterable[Record]:
        try:
            for each in self._retriever.read():
                if not isinstance(each, StreamState):
                    yield Record(each, self._stream)
                    continue
                self._session.wait_for_room()
                if state := each.checkpoint():
                    self._messages.emit_message(_state_message(self._stream, state))
        except SyncCancelled:
            raise
        except Exception as error:
            failure = error if isinstance(error, AirbyteTracedException) else bug_error(error)
            self._session.failures.append(summarize([failure], f"{self._stream}: "))
            raise

    def to_slice(self) -> None:
        return None

    def stream_name(self) -> str:
        return self._stream

    def __hash__(self) -> int:
        return hash(self._stream)


class NoCursor(Cursor):
    """Has no state of its own: the stream's states stand among its rows."""

    @property
    def state(self) -> MutableMapping[str, Any]:
        return {}

    def observe(self, record: Record) -> None: ...

    def close_partition(self, partition: Partition) -> None: ...

    def ensure_at_least_one_state_emitted(self) -> None: ...

    def should_be_synced(self, record: Record) -> bool:
        return True


def _state_message(stream: str, state: Mapping[str, Any]) -> AirbyteMessage:
    saved = AirbyteStreamState(StreamDescriptor(name=stream), AirbyteStateBlob(**state))
    return AirbyteMessage(Type.STATE, state=AirbyteStateMessage(AirbyteStateType.STREAM, stream=saved))
