"""The source: spec, check, discover and read, as `manifest.yaml` declares them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateBlob,
    AirbyteStateMessage,
    AirbyteStreamStatus,
    ConfiguredAirbyteCatalog,
    ConnectorSpecification,
    Status,
    StreamDescriptor,
)
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.declarative.interpolation.interpolated_boolean import InterpolatedBoolean
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
from airbyte_cdk.sources.message import InMemoryMessageRepository, MessageRepository
from airbyte_cdk.sources.message.concurrent_repository import ConcurrentMessageRepository
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.sources.utils.slice_logger import DebugSliceLogger
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import files
from source_sms_providers.check import check_connection
from source_sms_providers.config import credentials, normalize, validate
from source_sms_providers.errors import config_error, summarize
from source_sms_providers.session import DedupLogFilter, SyncSession
from source_sms_providers.stream import make_stream

LOGGER = logging.getLogger("airbyte")

# Absolute: a file of that name in the working directory must not matter.
MANIFEST = Path(__file__).with_name("manifest.yaml").resolve()


class SourceSmsProviders(YamlDeclarativeSource):
    """The source that `manifest.yaml` declares.

    Standard tools build it without arguments. It then makes a configured source of itself for each command, because
    the CDK takes settings, catalog and state from the constructor only.
    """

    manifest_path: ClassVar[Path] = MANIFEST

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
    ) -> None:
        super().__init__(path_to_yaml=str(self.manifest_path), catalog=catalog, config=config, state=state)
        self._normalized = normalize(config, self.resolved_manifest["spec"]) if config else {}
        self.message_repository = InMemoryMessageRepository()
        self._is_configured = catalog is not None and config is not None
        self._saved = state

    read_config = staticmethod(files.read_config)
    read_catalog = staticmethod(files.read_catalog)
    read_state = staticmethod(files.read_state)

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> SourceSmsProviders:
        """Builds the source for a command line, from the files it names. Raises AirbyteTracedException."""
        parsed = AirbyteEntrypoint.parse_args(list(arguments))
        catalog, config, state = (getattr(parsed, name, None) for name in ("catalog", "config", "state"))
        return cls(
            cls.read_catalog(catalog) if catalog else None,
            cls.read_config(config) if config else None,
            cls.read_state(state),
        )

    @property
    def config(self) -> Mapping[str, Any]:
        """The normalized settings, with what the manifest derives from them."""
        return self._normalized

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """Keeps the settings in memory: the CDK writes them, keys included, to a file that a killed process leaves."""
        return self.config or config

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        return self._make_streams(self._definitions, {}, SyncSession(), InMemoryMessageRepository())

    def _make_streams(
        self,
        names: Collection[str],
        saved: Mapping[str, Mapping[str, Any]],
        session: SyncSession,
        messages: MessageRepository,
    ) -> list[AbstractStream]:
        factory = ModelToComponentFactory()
        config = {**self.config, "_session": session, "_folder": self.manifest_path.parent}
        return [
            make_stream(definition, saved.get(name, {}), config, factory, messages)
            for name, definition in self._definitions.items()
            if name in names
        ]

    @property
    def _definitions(self) -> Mapping[str, Mapping[str, Any]]:
        """The streams of the providers that the settings have a key of, as the manifest defines them."""
        return {
            stream["name"]: stream
            for group in self.resolved_manifest["streams"]
            if InterpolatedBoolean(group["condition"], parameters={}).eval(self.config)
            for stream in group["streams"]
        }

    @property
    def _specification(self) -> Mapping[str, Any]:
        specification: Mapping[str, Any] = self.resolved_manifest["spec"]["connection_specification"]
        return specification

    def _validate(self) -> None:
        validate(self.config, self._specification)

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """A failure is a sentence in the status, and a trace that types it."""
        try:
            source = self if self.config else type(self)(config=config)
            source._validate()
            check_connection(source._definitions, source.resolved_manifest["spec"], source.config)
        except AirbyteTracedException as error:
            # Not printed here: a log line of another thread could come in between.
            self.message_repository.emit_message(error.as_sanitized_airbyte_message())
            return AirbyteConnectionStatus(status=Status.FAILED, message=error.message)
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        source = self if self.config else type(self)(config=config)
        source._validate()
        return super(SourceSmsProviders, source).discover(logger, source.config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """Reads the streams of the catalog. Raises AirbyteTracedException at the end if a part of one failed."""
        source = self if self._is_configured else type(self)(catalog, config, state)
        source._validate()
        session = SyncSession(source.config["num_workers"])
        saved = {
            each.stream.stream_descriptor.name: vars(each.stream.stream_state or AirbyteStateBlob())
            for each in (source._saved if state is None else state) or ()
            if each.stream
        }
        failures: list[AirbyteTracedException] = []
        for configured in catalog.streams:
            if configured.stream.name not in source._definitions:
                failures.append(source._missing_stream_error(configured.stream.name))
                yield failures[-1].as_airbyte_message(StreamDescriptor(name=configured.stream.name))
                yield as_airbyte_message(configured.stream, AirbyteStreamStatus.INCOMPLETE)
        selected = {each.stream.name for each in catalog.streams}
        deduplicate = DedupLogFilter()
        LOGGER.addFilter(deduplicate)
        try:
            yield from source._read(logger, selected, saved, session)
        except AirbyteTracedException:
            # The CDK's own summary calls each failure the user's.
            if not (failures or session.failures):
                raise
        finally:
            session.cancel()
            LOGGER.removeFilter(deduplicate)
        if failures := [*failures, *session.failures]:
            raise summarize(failures, "Not all streams were synced. ")

    def _read(
        self,
        logger: logging.Logger,
        selected: Collection[str],
        saved: Mapping[str, Mapping[str, Any]],
        session: SyncSession,
    ) -> Iterator[AirbyteMessage]:
        messages = ConcurrentMessageRepository(session.queue, InMemoryMessageRepository())
        streams = self._make_streams(selected, saved, session, messages)
        if streams:
            # A thread for each stream, which waits for its days, plus one that the CDK requires.
            yield from ConcurrentSource.create(
                num_workers=len(streams) + 1,
                initial_number_of_partitions_to_generate=len(streams),
                logger=logger,
                slice_logger=DebugSliceLogger(),
                message_repository=messages,
                queue=session.queue,
            ).read(streams)

    def _missing_stream_error(self, stream: str) -> AirbyteTracedException:
        for group in self.resolved_manifest["streams"]:
            if any(stream == each["name"] for each in group["streams"]):
                keys = " and the ".join(
                    title
                    for titles in credentials(self._specification).values()
                    for name, title in titles.items()
                    if f"'{name}'" in group["condition"] and name not in self.config
                )
                return config_error(f"Stream '{stream}' needs the {keys}. Enter it, or deselect the stream.")
        return config_error(f"Stream '{stream}' does not exist. Refresh the connection's schema to remove it.")


class Entrypoint(AirbyteEntrypoint):
    """Runs the source's commands. The CDK's own validation names no setting; the source's sentences do."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Leaves it to the source."""
