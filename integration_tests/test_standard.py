"""The CDK's standard tests, with no stream excluded. What they run is listed in acceptance-test-config.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from airbyte_cdk.test.standard_tests.source_base import SourceTestSuiteBase

from integration_tests.sandbox.client import Sandbox
from source_sms_providers import SourceSmsProviders

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]

REPOSITORY = Path(__file__).parent.parent


class SourceOfSandbox(SourceSmsProviders):
    """The connector, reading from a sandbox on a free port instead of the one that the config files name."""

    sandbox: ClassVar[Sandbox]

    @classmethod
    def read_config(cls, config_path: str) -> dict[str, Any]:
        return {**super().read_config(config_path), **cls.sandbox.place()}


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> Iterator[None]:
    with Sandbox() as SourceOfSandbox.sandbox:
        yield


class TestStandard(SourceTestSuiteBase):
    connector = SourceOfSandbox
    connector_name = "source-sms-providers"

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        return REPOSITORY

    # The image has tests of its own, which need a container engine: integration_tests/image.
    test_docker_image_build_and_spec = None
    test_docker_image_build_and_config_matches_spec = None
    test_docker_image_build_and_check = None
    test_docker_image_build_and_discover = None
    test_docker_image_build_and_read = None
    test_docker_image_spec_backward_compatibility = None
