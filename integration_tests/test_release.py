"""What is not in step with pyproject.toml is named before it is released."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.release import (
    DOCUMENT,
    LOCKS,
    PLACEHOLDER,
    ROOT,
    facts,
    facts_of_a_release,
    out_of_step,
    set_address,
    tomllib,
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FACTS = list(facts(PROJECT))
FACTS_OF_A_RELEASE = list(facts_of_a_release(PROJECT))
TAG = f"v{PROJECT['version']}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that are compared, and the changelogs at the version."""
    compared = {file for file, _, _ in (*FACTS, *FACTS_OF_A_RELEASE)}
    for file in {*compared, *LOCKS, "pyproject.toml"}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    for file, pattern, due in FACTS_OF_A_RELEASE:
        change(tmp_path / file, pattern, due)
    return tmp_path


def change(file: Path, pattern: str, new: str) -> None:
    """The first group of each place where the pattern is found becomes `new`."""
    text = file.read_text(encoding="utf-8")
    places = [match.span(1) for match in re.finditer(pattern, text, re.MULTILINE)]
    for start, end in reversed(places):
        text = text[:start] + new + text[end:]
    file.write_text(text, encoding="utf-8")


def test_given_the_repository_when_it_is_checked_then_all_is_in_step():
    assert out_of_step(ROOT) == []


@pytest.mark.parametrize(("file", "pattern", "due"), FACTS, ids=[f"{file} {pattern}" for file, pattern, _ in FACTS])
def test_given_a_file_with_another_value_when_checked_then_both_values_are_named(copy, file, pattern, due):
    change(copy / file, pattern, "9.8.7")

    assert out_of_step(copy) == [f"{file} says 9.8.7 where pyproject.toml says {due}."]


@pytest.mark.parametrize(("file", "pattern", "due"), FACTS_OF_A_RELEASE, ids=["CHANGELOG.md", "the page"])
def test_given_a_changelog_that_is_ahead_then_only_a_release_check_fails(copy, file, pattern, due):
    change(copy / file, pattern, "9.8.7")

    assert out_of_step(copy) == []
    assert f"{file} says 9.8.7 where pyproject.toml says {due}." in out_of_step(copy, TAG)


def test_given_a_file_without_a_value_when_it_is_checked_then_it_is_named(copy):
    (copy / "metadata.yaml").write_text("", encoding="utf-8")

    assert [sentence[:26] for sentence in out_of_step(copy)] == ["metadata.yaml says nothing"] * 3


def test_given_a_lock_with_a_version_that_is_too_old_when_checked_then_it_is_named(copy):
    change(copy / "requirements.lock", r"^airbyte-cdk==(\S+)", "7.27.0")

    assert out_of_step(copy) == ["requirements.lock has airbyte-cdk 7.27.0 for airbyte-cdk~=7.28: make lock."]


def test_given_a_package_that_no_lock_has_when_it_is_checked_then_it_is_named(copy):
    change(copy / "pyproject.toml", r"^build = \[(.+)\]$", '"hatchling>=1.27", "hatch-vcs"')

    assert out_of_step(copy) == [
        "requirements-dev.lock has hatch-vcs nowhere for hatch-vcs: make lock.",
        "integration_tests/image/requirements-build.lock has hatch-vcs nowhere for hatch-vcs: make lock.",
    ]


def test_given_another_tag_when_a_release_is_checked_then_it_fails_and_names_both():
    command = [sys.executable, "-m", "integration_tests.release", "check", "v9.8.7"]

    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert f"The tag is v9.8.7, pyproject.toml's version is {PROJECT['version']}." in done.stdout.splitlines()


def test_given_no_public_address_when_a_release_is_checked_then_it_is_requested(copy):
    change(copy / "pyproject.toml", r'^Repository = "https://github.com/([^/]+)/', PLACEHOLDER)

    command = "python -m integration_tests.release address owner/name"
    assert f"{PLACEHOLDER} is not a public address: {command}." in out_of_step(copy, TAG)


def test_given_a_public_address_when_it_is_set_once_then_every_file_has_it(copy):
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(command, cwd=copy, check=True)

    set_address(copy, "Acme-GmbH/sms")

    assert out_of_step(copy, TAG) == []
    assert 'io.airbyte.name="ghcr.io/acme-gmbh/sms"' in (copy / "Dockerfile").read_text(encoding="utf-8")
    documentation = f"https://github.com/acme-gmbh/sms/blob/main/{DOCUMENT}"
    for file in ("metadata.yaml", "source_sms_providers/manifest.yaml"):
        assert f": {documentation}\n" in (copy / file).read_text(encoding="utf-8")


def test_given_the_page_that_the_form_links_to_then_the_repository_has_it():
    assert PROJECT["urls"]["Documentation"].endswith(f"/{DOCUMENT}")
    assert (ROOT / DOCUMENT).is_file()


def test_given_no_options_when_the_image_is_pushed_then_the_metadata_names_it(tmp_path):
    docker, log = tmp_path / "docker", tmp_path / "log"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {log}\ntest "$1" != version || echo arm64\n', encoding="utf-8")
    docker.chmod(0o755)

    for step in ("push", "name"):
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        subprocess.run([ROOT / ".github/release.sh", step], env=environment, cwd="/", check=True)

    repository = re.findall(r"^  dockerRepository: (.+)$", (ROOT / "metadata.yaml").read_text("utf-8"), re.MULTILINE)[0]
    image = f"{repository}:{PROJECT['version']}"
    assert log.read_text(encoding="utf-8").splitlines() == [
        "version --format {{.Server.Arch}}",
        f"tag source-sms-providers:test {image}-arm64",
        f"push --quiet {image}-arm64",
        f"manifest create {image} {image}-amd64 {image}-arm64",
        f"manifest push --purge {image}",
    ]
