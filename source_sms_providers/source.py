from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    ConnectorSpecification,
    Status,
)
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.declarative.interpolation.interpolated_boolean import InterpolatedBoolean
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import files
from source_sms_providers.catalog import split, why_missing, with_missing
from source_sms_providers.check import Account, check_account, check_countries
from source_sms_providers.config import validate
from source_sms_providers.errors import config_error
from source_sms_providers.messages import LoggedOnce, told_once
from source_sms_providers.session import SyncSession
from source_sms_providers.smsfactor.months import COMPARED, with_months_compared
from source_sms_providers.state import StreamState, with_states
from source_sms_providers.workers import WorkersOfEach

LOGGER = logging.getLogger("airbyte")

# Absolute: a file of that name in the working directory must not matter.
MANIFEST = Path(__file__).with_name("manifest.yaml").resolve()


class SourceSmsProviders(YamlDeclarativeSource):
    """The source that `manifest.yaml` declares.

    Built bare, as standard tools do, it makes a configured source of itself for each command: the CDK
    takes settings, catalog and state from the constructor only.
    """

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
    ) -> None:
        super().__init__(path_to_yaml=str(MANIFEST), catalog=catalog, config=config, state=state)
        self._states = defaultdict[str, StreamState](StreamState)
        self._knows_what_to_read = catalog is not None and config is not None
        self._command = SyncSession()
        self._selected: Set[str] | None = None

    read_config = staticmethod(files.read_config)
    read_catalog = staticmethod(files.read_catalog)
    read_state = staticmethod(files.read_state)

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> SourceSmsProviders:
        """Builds the source for a command line, from the files that it names. Raises AirbyteTracedException."""
        parsed = AirbyteEntrypoint.parse_args(list(arguments))
        if not parsed.command:
            raise config_error("Name a command: spec, check, discover or read.")
        catalog, config, state = (getattr(parsed, name, None) for name in ("catalog", "config", "state"))
        return cls(
            cls.read_catalog(catalog) if catalog else None,
            cls.read_config(config) if config else None,
            cls.read_state(state),
        )

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings, tidy and with what the manifest derives from them."""
        return self._config

    def configure(self, config: Mapping[str, Any], temp_dir: str) -> Mapping[str, Any]:
        """Keeps the settings in memory: the CDK writes them, keys included, to a file that a killed process leaves."""
        return self.config or config

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        """The streams that one command reads: they share what they learn of their providers, and with no other.

        Their components find what they share in their settings, which the CDK hands to each of them.
        """
        settings, groups = self._config, self.resolved_manifest["streams"]
        every_group = list(groups)
        self._config = {**settings, "_states": self._states, "_session": self._command}
        if self._selected is not None:
            # The CDK makes all streams, whichever are read, and each takes 4 ms.
            groups[:] = [
                {**group, "streams": [each for each in group["streams"] if each["name"] in self._selected]}
                for group in every_group
            ]
        try:
            return super().streams(config)
        finally:
            self._config = settings
            groups[:] = every_group

    @property
    def _account(self) -> Account:
        groups = self.resolved_manifest["streams"]
        there = [group for group in groups if InterpolatedBoolean(group["condition"], parameters={}).eval(self.config)]
        streams = {stream["name"]: stream for group in there for stream in group["streams"]}
        return Account(streams, self.resolved_manifest["spec"], self.config)

    @property
    def _all_streams(self) -> set[str]:
        return {stream["name"] for group in self.resolved_manifest["streams"] for stream in group["streams"]}

    def _workers(self) -> ConcurrentSource:
        groups = enumerate(self.resolved_manifest["streams"])
        provider_of = {stream["name"]: provider for provider, group in groups for stream in group["streams"]}
        # At least two: the one that makes the days of a stream waits when 10,000 of them are unread.
        pool = WorkersOfEach(max(2, self.config["num_workers"]), provider_of)
        self._concurrent_source._threadpool._threadpool = pool  # type: ignore[assignment]
        return self._concurrent_source

    def _validate(self) -> None:
        validate(self.config, self.resolved_manifest["spec"]["connection_specification"])

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """A failure is told as a sentence in the status, and as a trace that types it."""
        try:
            source = self if self.config else type(self)(config=config)
            source._validate()
            check_account(source._account)
        except AirbyteTracedException as error:
            error.emit_message()
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
        source = self if self._knows_what_to_read else type(self)(catalog, config, state)
        source._validate()
        check_countries(source._account)
        offered, missing = split(catalog, source._account.streams)
        reasons = [(stream, why_missing(stream.name, source._all_streams, source.config)) for stream in missing]
        source._command = command = SyncSession(source.config["num_workers"], source._workers())
        source._selected = {each.stream.name for each in offered.streams}
        messages = super(SourceSmsProviders, source).read(logger, source.config, offered, state)
        once = LoggedOnce()
        loggers = source.logger, LOGGER
        for each in loggers:
            each.addFilter(once)
        try:
            messages = with_states(messages, source._states, source.config)
            if source._selected >= COMPARED and "countries" not in source.config:
                messages = with_months_compared(messages, source.config)
            yield from told_once(with_missing(messages, reasons))
        finally:
            command.end()
            source._selected = None
            for each in loggers:
                each.removeFilter(once)


class Entrypoint(AirbyteEntrypoint):
    """Runs the source's commands. The CDK's own refusal of settings names no field; the source's sentences do."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Leaves it to the source."""
