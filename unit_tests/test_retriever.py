from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from airbyte_cdk.sources.declarative.models.declarative_component_schema import DeclarativeStream
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory

from source_sms_providers import SourceSmsProviders
from unit_tests.connector import config

ONE_MORE_FIELD = {"type": "AddFields", "fields": [{"type": "AddedFieldDefinition", "path": ["a"], "value": "b"}]}


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("where", "declared"),
    [
        (("retriever", "paginator"), {"type": "NoPagination"}),
        (("retriever", "decoder"), {"type": "JsonDecoder"}),
        (("retriever", "record_selector", "record_filter"), {"type": "RecordFilter", "condition": "{{ false }}"}),
        (("transformations",), [ONE_MORE_FIELD]),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_given_a_stream_that_declares_what_is_not_honoured_when_built_then_it_is_refused(where, declared):
    source = SourceSmsProviders(config=config())
    streams = {stream["name"]: stream for group in source.resolved_manifest["streams"] for stream in group["streams"]}
    stream: dict[str, Any] = deepcopy(streams["balance"])
    *parents, field = where
    holder = stream
    for parent in parents:
        holder = holder[parent]
    holder[field] = declared

    with pytest.raises(ValueError, match="The retriever of 'balance' honours no"):
        ModelToComponentFactory().create_component(DeclarativeStream, stream, source.config)
