"""The requesters that the manifest declares, without the streams around them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import requests
from airbyte_cdk.sources.declarative.models.declarative_component_schema import CustomRequester
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import SourceSmsProviders
from source_sms_providers.config import NormalizeConfig
from source_sms_providers.http.requester import ReadOnlyRequester
from unit_tests.connector import config


def requester(stream: str = "balance", **settings: Any) -> ReadOnlyRequester:
    return build(definition(stream), **settings)


def build(declared: dict[str, Any], **settings: Any) -> ReadOnlyRequester:
    tidy = config(**settings)
    transformations = _manifest()["spec"]["config_normalization_rules"]["transformations"]
    NormalizeConfig(parameters=transformations[0]["$parameters"]).transform(tidy)
    derived = {"today": "2026-03-10", "smsfactor_days_before": 0, "smsfactor_days_after": 0}
    made = ModelToComponentFactory().create_component(CustomRequester, declared, {**tidy, **derived}, name="any")
    assert isinstance(made, ReadOnlyRequester)
    return made


def ask(stream: str = "balance", day: str = "2026-03-07", **settings: Any) -> requests.Response:
    return requester(stream, **settings).send_request(stream_slice=slice_of(day))


def slice_of(day: str) -> StreamSlice:
    return StreamSlice(partition={}, cursor_slice={"start_time": f"{day}T00:00:00Z", "end_time": f"{day}T23:59:59Z"})


def failure_of(stream: str = "balance", day: str = "2026-03-07", **settings: Any) -> AirbyteTracedException:
    with pytest.raises(AirbyteTracedException) as raised:
        ask(stream, day, **settings)
    return raised.value


def definition(stream: str) -> dict[str, Any]:
    """What the manifest says of the stream's requester, a copy."""
    streams = (each for group in _manifest()["streams"] for each in group["streams"])
    return next(dict(each["retriever"]["requester"]) for each in streams if each["name"] == stream)


@cache
def _manifest() -> Mapping[str, Any]:
    return SourceSmsProviders(config=config()).resolved_manifest
