"""What the connection test asks: each endpoint once, and what settings the account's figures disprove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import requests
from airbyte_cdk.sources.declarative.models.declarative_component_schema import CustomRequester
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice

from source_sms_providers.http.requester import ReadOnlyRequester
from source_sms_providers.seven.check import check as check_seven
from source_sms_providers.smsfactor.check import check as check_smsfactor

if TYPE_CHECKING:
    from source_sms_providers.source import SourceSmsProviders

OUTAGE_SECONDS = 8
"""A person waits for the answer: a provider that is silent is given up sooner than in a sync."""

PROOFS: Mapping[str, Callable[..., None]] = {"analytics": check_seven, "consumption": check_smsfactor}
"""Stream -> what its provider has to prove."""


def check_account(build: Callable[[Mapping[str, Any]], SourceSmsProviders], config: Mapping[str, Any]) -> None:
    """Raises AirbyteTracedException with a sentence for the first thing that is wrong."""
    source = build({"outage_seconds": OUTAGE_SECONDS, **config})
    streams = {stream.name: stream for stream in source.streams(source.config)}
    for name in source.resolved_manifest["check"]["stream_names"]:
        if name in streams and (partition := next(iter(streams[name].generate_partitions()), None)):
            next(iter(partition.read()), None)

    @cache
    def requester(stream: str, settings: tuple[tuple[str, Any], ...]) -> ReadOnlyRequester:
        variant = build({**source.config, **dict(settings)})
        groups = variant.resolved_manifest["streams"]
        definition = next(found for group in groups for found in group["streams"] if found["name"] == stream)
        made: ReadOnlyRequester = ModelToComponentFactory().create_component(
            CustomRequester, definition["retriever"]["requester"], variant.config, name=stream
        )
        return made

    def answer(stream: str, first: date, last: date, **settings: Any) -> requests.Response:
        days = {"start_time": f"{first}T00:00:00Z", "end_time": f"{last}T23:59:59Z"}
        return requester(stream, tuple(settings.items())).send_request(
            stream_slice=StreamSlice(partition={}, cursor_slice=days)
        )

    for stream, prove in PROOFS.items():
        if stream in streams:
            prove(source.config, answer)
