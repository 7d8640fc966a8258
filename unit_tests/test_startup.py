"""What a command imports: each import is paid at every start, and three of four commands ask little else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGE = "source_sms_providers"
OURS = {
    *("", ".answers", ".connection_test", ".errors", ".messages", ".run", ".settings", ".source", ".state"),
    *(".http", ".http.provider"),
    *(".seven", ".seven.by_date", ".seven.connection_test", ".seven.extractors"),
    *(".smsfactor", ".smsfactor.connection_test", ".smsfactor.extractors"),
}
"""What `spec` loads of this package; the rest is named in the manifest and loaded when a stream is built."""

HEAVY = ("pandas", "numpy", "nltk", "google", "duckdb", "sqlalchemy", "airbyte", "pytest", "unstructured", "pyarrow")

SPEC = f"""
import json, sys
import airbyte_cdk.entrypoint, airbyte_cdk.sources.declarative.yaml_declarative_source
of_the_cdk = sorted(sys.modules)
from {PACKAGE}.run import run
sys.argv = ["{PACKAGE}", "spec"]
run()
print(json.dumps([of_the_cdk, sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def spec() -> tuple[set[str], set[str]]:
    """The modules that the CDK loads by itself, and those loaded after `spec`."""
    printed = subprocess.check_output([sys.executable, "-c", SPEC], cwd=REPOSITORY, text=True)
    *said, modules = map(json.loads, printed.splitlines())
    assert "SPEC" in [message["type"] for message in said]
    of_the_cdk, after = map(set, modules)
    return of_the_cdk, after


def test_given_the_command_then_the_garbage_collector_rests_during_the_import_and_works_afterwards() -> None:
    script = f"""
import gc, sys
from {PACKAGE}.run import run
print("airbyte_cdk" in sys.modules)
import builtins
imported = builtins.__import__
def watch(name, *rest, **more):
    if name.startswith("airbyte_cdk") and name not in sys.modules:
        assert not gc.isenabled()
    return imported(name, *rest, **more)
builtins.__import__ = watch
sys.argv = ["{PACKAGE}", "spec"]
run()
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True).splitlines()

    assert (printed[0], printed[-1]) == ("False", "True True")


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_given_spec_then_only_the_known_modules_of_ours_are_loaded(spec: tuple[set[str], set[str]]) -> None:
    _, after = spec
    assert {module.removeprefix(PACKAGE) for module in after if packages({module}) == {PACKAGE}} == OURS


def test_given_spec_then_no_package_is_loaded_that_the_cdk_does_not_load_by_itself(
    spec: tuple[set[str], set[str]],
) -> None:
    of_the_cdk, after = spec
    ours = packages(after) - packages(of_the_cdk) - {PACKAGE}
    assert {name for name in ours if name not in sys.stdlib_module_names} == set()


@pytest.mark.parametrize("name", HEAVY)
def test_given_spec_then_nothing_heavy_is_loaded(name: str, spec: tuple[set[str], set[str]]) -> None:
    assert name not in packages(spec[1])
