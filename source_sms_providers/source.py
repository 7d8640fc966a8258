from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    ConfiguredAirbyteCatalog,
    FailureType,
    Status,
    Type,
)
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error
from source_sms_providers.settings import validate

# Absolute: a file of that name in the working directory must not matter.
MANIFEST = Path(__file__).with_name("manifest.yaml").resolve()

CHECK_OUTAGE_SECONDS = 8
"""In a check a provider that does not answer is given up sooner than in a sync: a person waits."""


SEVEREST_FIRST = (FailureType.config_error, FailureType.system_error, FailureType.transient_error)


class SourceSmsProviders(YamlDeclarativeSource):
    """The source that `manifest.yaml` declares.

    Built bare, as standard tools do, it makes a configured source of itself for each command.
    """

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
    ) -> None:
        super().__init__(path_to_yaml=str(MANIFEST), catalog=catalog, config=config, state=state)

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

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """Asks each endpoint once. A failure is told as a sentence in the status, and as a trace that types it."""
        source = type(self)(config={**config, "outage_seconds": CHECK_OUTAGE_SECONDS})
        names = self.resolved_manifest["check"]["stream_names"]
        try:
            validate(config)
            for stream in source.streams(source._config):
                if stream.name in names:
                    for partition in stream.generate_partitions():
                        next(iter(partition.read()), None)
                        break
        except AirbyteTracedException as error:
            self._message_repository.emit_message(error.as_sanitized_airbyte_message())
            return AirbyteConnectionStatus(status=Status.FAILED, message=error.message)
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        validate(config)
        return super().discover(logger, config) if self._config else type(self)(config=config).discover(logger, config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        """Reads the streams of the catalog.

        Raises AirbyteTracedException, once all streams are through, if a part of one failed.
        """
        if not self._config:
            yield from type(self)(catalog, config, state).read(logger, config, catalog, state)
            return
        validate(config)
        self._refuse_missing_streams(catalog)
        failures: dict[tuple[str, str], FailureType] = {}
        partial_days: dict[str, str] = {}
        try:
            for message in super().read(logger, config, catalog, state):
                if message.type is Type.RECORD and message.record and message.record.data.get("is_partial"):
                    partial_days[message.record.stream] = message.record.data["date"]
                elif message.type is Type.STATE:
                    _hold_back(message, partial_days)
                elif message.type is Type.TRACE and message.trace and (error := message.trace.error):
                    # An outage fails each day that is left in the same way: once is enough.
                    name = error.stream_descriptor.name if error.stream_descriptor else ""
                    if (name, error.message) in failures:
                        continue
                    failures[name, error.message] = error.failure_type or FailureType.system_error
                yield message
        except AirbyteTracedException as error:
            if not failures:
                raise
            # The CDK's own summary repeats every failure and calls each of them a config error.
            summary = " ".join(f"{name}: {sentence}" for name, sentence in failures)
            kind = next((kind for kind in SEVEREST_FIRST if kind in failures.values()), error.failure_type)
            raise AirbyteTracedException(summary, f"Not all streams were synced. {summary}", kind) from None

    def _refuse_missing_streams(self, catalog: ConfiguredAirbyteCatalog) -> None:
        offered = {stream.name for stream in self.streams(self._config)}
        if missing := [stream.stream.name for stream in catalog.streams if stream.stream.name not in offered]:
            raise config_error(
                f"The connection selects {', '.join(missing)}, which the settings offer no key for. Enter the key, or "
                "refresh the connection's schema and leave these streams out."
            )


def _hold_back(message: AirbyteMessage, partial_days: Mapping[str, str]) -> None:
    """Keeps a running day out of the state, which says "every day up to this one was read wholly"."""
    stream = message.state.stream if message.state else None
    if stream and stream.stream_state and (day := partial_days.get(stream.stream_descriptor.name)):
        before = date.fromisoformat(day) - timedelta(days=1)
        if getattr(stream.stream_state, "date", "") > str(before):
            stream.stream_state.date = f"{before}T00:00:00Z"
