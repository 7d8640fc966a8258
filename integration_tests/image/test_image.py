"""The image does what the package does, wherever Airbyte runs it. Run by integration_tests/image/run.sh."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from integration_tests.image.container import (
    BASE_IMAGE,
    HARDENED,
    IMAGE,
    PLAIN,
    Run,
    folder_of,
    image,
    inside,
    inspected,
    last_states,
    package,
    run,
)
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.world import seven_cells
from integration_tests.streams import GROUPED, PRIMARY_KEYS, configured_catalog

REPOSITORY = Path(__file__).parents[2]
METADATA = yaml.safe_load((REPOSITORY / "metadata.yaml").read_text(encoding="utf-8"))["data"]
VENV = "/opt/connector/"

WAYS = pytest.mark.parametrize(
    "options",
    [PLAIN, HARDENED, ("--memory=512m", "--memory-swap=512m")],
    ids=["as it is", "any uid, read-only root, no capabilities", "512 MB"],
)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def providers(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture(scope="module")
def folder(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job(running, tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="module")
def of_package(folder: Path) -> Run:
    """What the installed package prints, reading the same."""
    return package("read", "--config", folder / "config.json", "--catalog", folder / "catalog.json")


def job(sandbox: Sandbox, folder: Path) -> Path:
    config = sandbox.config(start_date=str(sandbox.today() - timedelta(days=10)))
    return folder_of(folder, config=config, catalog=configured_catalog(PRIMARY_KEYS))


def test_spec_needs_no_network() -> None:
    assert image("spec", network="none").messages("SPEC") == package("spec").messages("SPEC")


@WAYS
def test_check_succeeds(folder: Path, options: tuple[str, ...]) -> None:
    (status,) = image("check", "--config=/config/config.json", folder=folder, options=options).messages(
        "CONNECTION_STATUS"
    )
    assert status["connectionStatus"]["status"] == "SUCCEEDED"


@WAYS
def test_discover_offers_what_the_package_offers(folder: Path, options: tuple[str, ...]) -> None:
    of_image = image("discover", "--config=/config/config.json", folder=folder, options=options)
    assert of_image.messages("CATALOG") == package("discover", "--config", folder / "config.json").messages("CATALOG")


@WAYS
def test_records_are_those_of_the_package_byte_for_byte(
    folder: Path, of_package: Run, options: tuple[str, ...]
) -> None:
    of_image = image(
        "read", "--config=/config/config.json", "--catalog=/config/catalog.json", folder=folder, options=options
    )

    assert of_image.exit_code == of_package.exit_code == 0
    assert of_image.record_lines() == of_package.record_lines()
    assert {message["record"]["stream"] for message in of_image.messages("RECORD")} == PRIMARY_KEYS.keys()


def test_a_wrong_key_fails_the_check_without_showing_it(providers: Sandbox, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "job", config=providers.config(seven_api_key="wrong-key-4d1c9f"))

    result = image("check", "--config=/config/config.json", folder=folder)

    (status,) = result.messages("CONNECTION_STATUS")
    assert status["connectionStatus"]["status"] == "FAILED"
    assert "does not accept the API key" in status["connectionStatus"]["message"]
    assert b"wrong-key-4d1c9f" not in b"".join(result.lines)


def test_ten_years_fit_into_256_megabytes(providers: Sandbox, tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "job",
        config=providers.config(start_date=str(providers.today() - timedelta(days=3652)), num_workers=16),
        catalog=configured_catalog(PRIMARY_KEYS),
    )

    result = image(
        "read",
        "--config=/config/config.json",
        "--catalog=/config/catalog.json",
        folder=folder,
        options=("--memory=256m", "--memory-swap=256m"),
    )

    assert result.exit_code == 0
    days = {message["record"]["data"]["date"] for message in result.messages("RECORD")}
    assert len(days) == 3653


def in_a_pod(folder: Path, *arguments: str) -> Run:
    """Runs the image under the contract of Airbyte's pods: ENTRYPOINT is ignored, a shell evaluates
    AIRBYTE_ENTRYPOINT in a volume as working directory, and reads and writes through named pipes.
    """
    folder.chmod(0o777)
    pipes = [folder / "stdout", folder / "stderr"]
    for pipe in pipes:
        os.mkfifo(pipe)
        pipe.chmod(0o666)
    output: dict[Path, bytes] = {}
    readers = [threading.Thread(target=lambda pipe=pipe: output.update({pipe: pipe.read_bytes()})) for pipe in pipes]
    for reader in readers:
        reader.start()
    script = f'(eval "$AIRBYTE_ENTRYPOINT {" ".join(arguments)}" 2>stderr >stdout; echo $? >exit_code)'
    subprocess.run(
        [
            *("docker", "run", "--rm", "--network=host", "--user=1000:1000", "--cap-drop=ALL"),
            *("--security-opt=no-new-privileges", f"--volume={folder}:/source", "--workdir=/source"),
            *("--entrypoint=sh", IMAGE, "-c", script),
        ],
        check=True,
        timeout=300,
    )
    for reader in readers:
        reader.join(timeout=30)
    for pipe in pipes:
        pipe.unlink()
    return Run(int((folder / "exit_code").read_text()), output[pipes[0]].splitlines())


def test_a_pod_syncs_and_goes_on_from_the_state_of_the_last_sync(providers: Sandbox, tmp_path: Path) -> None:
    folder = job(providers, tmp_path / "source")
    first = in_a_pod(folder, "read --config config.json --catalog catalog.json")
    assert first.exit_code == 0
    assert requests_of_groupings(providers) == {days_with_usage(providers, 10)}

    folder_of(folder, state=last_states(first.messages("STATE")))
    providers.clear_requests()
    second = in_a_pod(folder, "read --config config.json --catalog catalog.json --state state.json")
    assert second.exit_code == 0
    assert requests_of_groupings(providers) == {days_with_usage(providers, 3)}
    assert saved(second) == saved(first)
    assert set(second.record_lines()) <= set(first.record_lines())


def saved(run: Run) -> dict[str, Any]:
    """What the last state of each stream says."""
    last = [state["stream"] for state in last_states(run.messages("STATE"))]
    return {stream["stream_descriptor"]["name"]: stream["stream_state"] for stream in last}


def requests_of_groupings(providers: Sandbox) -> set[int]:
    """How many requests each grouping of analytics cost, of all accounts together."""
    queries = [entry["query"] for entry in providers.requests() if entry["query"].get("subaccounts") == "all"]
    asked = Counter(query["group_by"] for query in queries)
    return {asked[grouping.removeprefix("analytics_by_")] for grouping in GROUPED}


def days_with_usage(providers: Sandbox, days: int) -> int:
    """How many of the last days seven.io has usage of: the others are not asked for."""
    settings, today = providers.settings(), providers.today()
    return sum(bool(seven_cells(settings, today - timedelta(days=n), today)) for n in range(1, days + 1))


def test_only_the_connector_and_its_packages_were_added_to_the_base() -> None:
    added = files(IMAGE) - files(BASE_IMAGE)
    own = {path for path in added if not path.startswith(VENV)}
    assert own == set()

    site_packages = next(path.split("source_sms_providers/")[0] for path in added if "/source_sms_providers/" in path)
    connector = {
        path.removeprefix(site_packages)
        for path in added
        if path.startswith(f"{site_packages}source_sms_providers/") and "__pycache__" not in path
    }
    tracked = {
        *(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "source_sms_providers").rglob("*.py")),
        "source_sms_providers/manifest.yaml",
        *(f"source_sms_providers/schemas/{path.name}" for path in (REPOSITORY / "schemas").glob("*.json")),
    }
    assert connector == tracked
    folders = {folder for path in added for folder in path.removeprefix(VENV).split("/")[:-1]}
    assert folders.isdisjoint({"integration_tests", "unit_tests", "secrets", ".git", "hatchling", "pytest", "pip"})


def files(tag: str) -> set[str]:
    """All files of an image, but for those that the engine puts into a container."""
    put_there = ("/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv")
    skipped = [word for path in put_there for word in ("-path", path, "-prune", "-o")]
    return set(inside("find", "/", *skipped, "-type", "f", "-print", tag=tag, options=("--user=0",)).splitlines())


def test_all_that_is_imported_was_compiled_when_the_image_was_built() -> None:
    """Without it each start compiles anew: 0.65 s."""
    compiled = inside("/opt/connector/bin/python", "-c", COMPILED).splitlines()
    assert len(compiled) > 500
    assert [line for line in compiled if not line.startswith("True ")] == []


COMPILED = f"""
import os, sys, source_sms_providers.run, source_sms_providers.source
for module in list(sys.modules.values()):
    source, cached = getattr(module, "__file__", None) or "", getattr(module, "__cached__", None) or ""
    if source.startswith("{VENV}") and source.endswith(".py"):
        header = open(cached, "rb").read(16) if os.path.exists(cached) else bytes(16)
        print(int.from_bytes(header[8:12], "little") == int(os.stat(source).st_mtime), source)
"""


def test_the_image_describes_itself() -> None:
    described = inspected()
    labels = described["Labels"]
    assert labels["io.airbyte.name"] == METADATA["dockerRepository"]
    assert labels["io.airbyte.version"] == METADATA["dockerImageTag"]
    assert labels["org.opencontainers.image.licenses"] == METADATA["license"]
    assert described["User"] == "1000"
    environment = dict(entry.split("=", 1) for entry in described["Env"])
    assert [environment["AIRBYTE_ENTRYPOINT"]] == described["Entrypoint"]


def test_the_installed_packages_are_those_that_a_registry_entry_reports() -> None:
    """Airbyte's tools run `pip freeze` in the image."""
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    locked = re.findall(r"^([^\s#]+==\S+)( ;)?", lock, re.MULTILINE)

    lines = inside("pip", "freeze").lower().replace("_", "-").splitlines()
    frozen = {line for line in lines if not line.startswith("source-sms-providers @ ")}

    assert len(frozen) == len(lines) - 1
    assert {package for package, marker in locked if not marker} <= frozen
    assert frozen <= {package for package, _ in locked}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry on this computer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"localhost:{free.getsockname()[1]}"
    settings = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(tmp_path)}}, "http": {"addr": address}}
    (tmp_path / "settings.yml").write_text(json.dumps(settings), encoding="utf-8")
    command = ["docker-registry", "serve", tmp_path / "settings.yml"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until_it_answers(f"http://{address}/v2/")
            yield address
        finally:
            server.terminate()


def until_it_answers(url: str) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(url):
            return
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer.")


def test_the_image_is_pushed_named_pulled_back_and_runs(registry: str) -> None:
    name = f"{registry}/source-sms-providers"
    tag = f"{name}:{METADATA['dockerImageTag']}"
    processor = docker("version", "--format={{.Server.Arch}}")

    for step in (["push", name], ["name", name, "--insecure"]):
        script = [REPOSITORY / ".github/release.sh", *step]
        subprocess.run(script, env={**os.environ, "PROCESSORS": processor}, check=True, timeout=300)
    docker("image", "rm", f"{tag}-{processor}")
    docker("pull", "--quiet", tag)

    try:
        assert docker("image", "inspect", "--format={{.Id}}", tag) == docker(
            "image", "inspect", "--format={{.Id}}", IMAGE
        )
        pulled = run(["docker", "run", "--rm", "--network=none", tag, "spec"])
        assert pulled.messages("SPEC") == package("spec").messages("SPEC")
    finally:
        docker("image", "rm", tag)


def docker(*arguments: str) -> str:
    """What a command of the engine prints."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_airbytes_own_suite_passes_with_its_image_tests(providers: Sandbox, tmp_path: Path) -> None:
    # The folder's name is the connector's to the suite, wherever the repository lies.
    root = tmp_path / "source-sms-providers"
    files = ["integration_tests", "source_sms_providers", "schemas", "acceptance-test-config.yml", "metadata.yaml"]
    for name in [*files, "pyproject.toml"]:
        (shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy)(REPOSITORY / name, root / name)
    for path in root.glob("integration_tests/*_config.json"):
        path.write_text(
            json.dumps({**json.loads(path.read_text(encoding="utf-8")), **providers.place()}), encoding="utf-8"
        )
    # The suite runs containers in the engine's own network, from where the sandbox cannot be reached.
    shim = tmp_path / "bin" / "docker"
    shim.parent.mkdir()
    to_host = 'if [ "$1" = run ]; then shift; set -- run --network=host "$@"; fi'
    shim.write_text(f'#!/bin/sh\n{to_host}\nexec {shutil.which("docker")} "$@"\n', encoding="utf-8")
    shim.chmod(0o755)

    cli = Path(sys.executable).with_name("airbyte-cdk")
    options = (f"--connector-image={IMAGE}", "--read-from-streams=all", "--read-scenarios=sandbox_config")
    suite = subprocess.run(
        [cli, "connector", "test", *(f"--pytest-arg={option}" for option in options)],
        cwd=root,
        env={**os.environ, "PATH": f"{shim.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert suite.returncode == 0, suite.stdout
    results = ElementTree.parse(root / "build" / "test-results" / "standard-tests-junit.xml")
    passed = {case.get("name", "").partition("[")[0] for case in results.iter("testcase") if not len(case)}
    assert {f"test_docker_image_build_and_{verb}" for verb in ("spec", "check", "discover", "read")} <= passed
