from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    Status,
)
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.check import check_account
from source_sms_providers.command import Command
from source_sms_providers.http.provider import Providers
from source_sms_providers.messages import LoggedOnce, told_once
from source_sms_providers.settings import validate, validate_catalog
from source_sms_providers.state import StreamState, with_states

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
        if config:
            # The components find it in their settings, which the CDK hands to each of them.
            self._config = {**self._config, "_states": defaultdict[str, StreamState](StreamState)}
        self._knows_what_to_read = catalog is not None and config is not None

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> SourceSmsProviders:
        """Builds the source for a command line, from the files that it names."""
        parsed = AirbyteEntrypoint.parse_args(list(arguments))
        catalog, config, state = (getattr(parsed, name, None) for name in ("catalog", "config", "state"))
        return cls(
            cls.read_catalog(catalog) if catalog else None,
            cls.read_config(config) if config else None,
            cls.read_state(state) if state else None,
        )

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings, with what the manifest derives from them."""
        return self._config

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        """The streams that one command reads: they share what they learn of their providers, and with no other."""
        settings = self._config
        self._config = {**settings, "_providers": Providers()}
        try:
            return super().streams(config)
        finally:
            self._config = settings

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """A failure is told as a sentence in the status, and as a trace that types it."""
        try:
            validate(config)
            check_account(lambda settings: type(self)(config=settings), config)
        except AirbyteTracedException as error:
            error.emit_message()
            return AirbyteConnectionStatus(status=Status.FAILED, message=error.message)
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        validate(config)
        source = self if self.config else type(self)(config=config)
        return super(SourceSmsProviders, source).discover(logger, config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """Reads the streams of the catalog. Raises AirbyteTracedException at the end if a part of one failed."""
        validate(config)
        source = self if self._knows_what_to_read else type(self)(catalog, config, state)
        validate_catalog(catalog, [stream["name"] for stream in source._stream_configs(source.resolved_manifest)])
        command = Command(source.config.get("num_workers", 8), source._concurrent_source)
        source._config = {**source.config, "_command": command}
        messages = super(SourceSmsProviders, source).read(logger, config, catalog, state)
        once = LoggedOnce()
        source.logger.addFilter(once)
        try:
            yield from told_once(with_states(messages, source.config))
        finally:
            command.end()
            source.logger.removeFilter(once)
