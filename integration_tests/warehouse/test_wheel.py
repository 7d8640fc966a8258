"""What a release publishes is all that PyAirbyte and uv need, in an environment that holds nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import PRIMARY_KEYS
from integration_tests.warehouse.warehouse import CONNECTOR, PYAIRBYTE, REPOSITORY, environment

STREAMS = """
import json, sys
import airbyte as ab
name, wheel, config = sys.argv[1:]
source = ab.get_source(name, pip_url=wheel, config=json.loads(config))
source.check()
print(json.dumps(sorted(source.get_available_streams())))
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([CONNECTOR.with_name("hatchling"), "build", "--directory", folder], cwd=REPOSITORY, check=True)
    return folder


def empty_environment(folder: Path) -> dict[str, str]:
    """Nothing of the project is importable; what is installed has the versions of the lock."""
    path = f"{PYAIRBYTE.parent}:{os.environ['PATH']}"
    return {**environment(folder), "PATH": path, "UV_CONSTRAINT": str(REPOSITORY / "requirements.lock")}


def test_pyairbyte_installs_the_wheel_and_connects(dist: Path, tmp_path: Path) -> None:
    (wheel,) = map(str, dist.glob("*.whl"))
    with Sandbox() as sandbox:
        done = subprocess.run(
            [PYAIRBYTE, "-W", "ignore", "-c", STREAMS, "source-sms-providers", wheel, json.dumps(sandbox.config())],
            cwd=tmp_path,
            env=empty_environment(tmp_path),
            check=False,
            capture_output=True,
            text=True,
        )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == sorted(PRIMARY_KEYS)
    assert (tmp_path / ".venv-source-sms-providers/bin/source-sms-providers").exists()


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_uvx_runs_the_command_of_what_is_published(dist: Path, tmp_path: Path, kind: str) -> None:
    (file,) = dist.glob(kind)
    command = [PYAIRBYTE.with_name("uvx"), "--python", sys.executable, "--from", file, "source-sms-providers", "spec"]

    published = subprocess.run(command, cwd=tmp_path, env=empty_environment(tmp_path), check=True, capture_output=True)

    own = subprocess.run([CONNECTOR, "spec"], check=True, capture_output=True)
    # Log lines come from a thread of their own, before or after the others.
    assert sorted(published.stdout.splitlines()) == sorted(own.stdout.splitlines())
