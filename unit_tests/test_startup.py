"""What a command imports: each import is paid at every start, and three of four commands ask little else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from source_sms_providers.source import MANIFEST

REPOSITORY = Path(__file__).parent.parent

SPEC = """
import gc, json, sys
import airbyte_cdk.entrypoint, airbyte_cdk.sources.declarative.yaml_declarative_source
of_the_cdk = sorted(sys.modules)
from source_sms_providers.run import run
sys.argv[1:] = ["spec"]
run()
print(json.dumps({"of the CDK": of_the_cdk, "all": sorted(sys.modules)}))
"""
GARBAGE = """
import gc, json, sys
from source_sms_providers.run import run
imported_too_early = "airbyte_cdk" in sys.modules
collections = []
gc.callbacks.append(lambda phase, _: collections.append(phase) if gc.get_freeze_count() == 0 else None)
sys.argv[1:] = ["spec"]
run()
print(json.dumps([imported_too_early, collections, gc.isenabled(), gc.get_freeze_count() > 10_000]))
"""
SWITCHING = """
import sys
from source_sms_providers.run import run
sys.argv[1:] = ["spec"]
run()
print(round(sys.getswitchinterval(), 6))
"""


def last_line(script: str) -> Any:
    """What a process of its own prints last."""
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True)
    return json.loads(printed.splitlines()[-1])


@pytest.fixture(scope="module")
def spec() -> dict[str, set[str]]:
    """The modules that the CDK loads by itself, and all that there are after `spec`."""
    return {name: set(modules) for name, modules in last_line(SPEC).items()}


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_given_spec_then_the_collector_rests_until_all_is_imported() -> None:
    assert last_line(GARBAGE) == [False, [], True, True]


def test_given_any_command_then_threads_that_wait_for_the_network_switch_seldom() -> None:
    assert last_line(SWITCHING) == 0.1


def test_given_spec_then_nothing_is_loaded_that_only_a_stream_needs(spec: dict[str, set[str]]) -> None:
    of_streams = set(
        re.findall(r"class_name: (\S+)\.\w+(?:Requester|Retriever|SchemaLoader)$", MANIFEST.read_text(), re.MULTILINE)
    )

    assert "source_sms_providers.http.requester" in of_streams
    # The retriever of snapshots is what all others are made of.
    assert of_streams & spec["all"] == {"source_sms_providers.retriever"}


def test_given_spec_then_no_package_is_loaded_that_the_cdk_does_not_load_by_itself(spec: dict[str, set[str]]) -> None:
    more = packages(spec["all"]) - packages(spec["of the CDK"]) - {"source_sms_providers"}

    assert more <= sys.stdlib_module_names
