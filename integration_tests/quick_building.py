"""Tests build sources by the thousand: what the CDK works out of a manifest alone is worked out once."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from io import StringIO
from typing import Any, TextIO
from unittest.mock import patch

import pytest
from airbyte_cdk.sources.declarative import concurrent_declarative_source, yaml_declarative_source
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.models import declarative_component_schema
from airbyte_cdk.sources.declarative.parsers import model_to_component_factory

Manifest = dict[str, Any]

_pre_process = ConcurrentDeclarativeSource._pre_process_manifest
_validate = ConcurrentDeclarativeSource._validate_source
_parse = declarative_component_schema.BaseModel.parse_obj.__func__


@pytest.fixture(scope="session", autouse=True)
def quick_building() -> Iterator[None]:
    """Saves nine tenths of what a source takes before its streams are made."""
    processed: dict[str, Manifest] = {}
    valid: set[int] = set()
    parsed: dict[tuple[type, str], Any] = {}
    # What all tests import lives to the end: to look through it takes a tenth of the time.
    gc.set_threshold(100_000, 50, 50)

    def pre_process(source: ConcurrentDeclarativeSource, manifest: Manifest) -> Manifest:
        text = json.dumps(manifest)
        if text not in processed:
            processed[text] = _pre_process(source, manifest)
        return processed[text]

    def validate(source: ConcurrentDeclarativeSource) -> None:
        manifest: Mapping[str, Any] = source.resolved_manifest
        if id(manifest) not in valid:
            _validate(source)
            # `processed` keeps it, and with it its id.
            valid.add(id(manifest))

    def parse(model: type, definition: Manifest) -> Any:
        key = (model, json.dumps(definition))
        if key not in parsed:
            parsed[key] = _parse(model, definition)
        return parsed[key]

    with ExitStack() as patches:
        patches.enter_context(patch.object(ConcurrentDeclarativeSource, "_pre_process_manifest", pre_process))
        patches.enter_context(patch.object(ConcurrentDeclarativeSource, "_validate_source", validate))
        patches.enter_context(patch.object(declarative_component_schema.BaseModel, "parse_obj", classmethod(parse)))
        # CDK 7.28 has neither under this name.
        for module, name, once in (
            (concurrent_declarative_source, "get_declarative_component_schema", cache),
            (yaml_declarative_source, "safe_load_yaml", loaded_once),
            (model_to_component_factory, "get_type_hints", cache),
        ):
            if hasattr(module, name):
                patches.enter_context(patch.object(module, name, once(getattr(module, name))))
        yield


def loaded_once(load: Any) -> Any:
    """The function that loads YAML, for a file whose text it knows already."""
    known = cache(lambda text: load(StringIO(text)))

    def load_file(file: TextIO) -> Any:
        return known(file.read())

    return load_file
