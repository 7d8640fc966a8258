"""Prepares a release. Everything must agree with pyproject.toml: the version, the addresses, the locks.

    python -m integration_tests.release check [TAG]

prints a sentence for each thing that does not agree, and then ends with 1. With a tag, it also checks what only a
release needs.

    python -m integration_tests.release address OWNER/NAME

writes the address of the public repository into every file that names it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
DOCUMENT = "docs/integrations/sources/sms-providers.md"
PLACEHOLDER = "your_organization"
"""The owner of the repository until it is public; no account can have this name."""
VERSION = r"\d+\.\d+\.\d+"
LOCKS = {
    "requirements.lock": "",
    "requirements-dev.lock": "dev",
    "integration_tests/image/requirements-build.lock": "build",
    "examples/requirements.lock": "pyairbyte",
    "examples/requirements-orchestrators.lock": "orchestrators",
    "dbt_sms_spend/requirements.lock": "models",
    "dbt_sms_spend/requirements-tests.lock": "models-tests",
    "dbt_sms_spend/engine_tests/requirements.lock": "engines",
    "benchmarks/requirements.lock": "bench",
}
"""Which group of dependencies each lock holds; the first one holds the package's own."""


def out_of_step(root: Path, tag: str = "") -> list[str]:
    """A sentence for each fact that pyproject.toml says otherwise; with a tag, also what keeps it from a release."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    said = [*wrong_facts(root, facts(project["project"])), *wrong_locks(root, project)]
    if tag:
        said += wrong_facts(root, facts_of_a_release(project["project"]))
    if tag and tag != f"v{project['project']['version']}":
        said.append(f"The tag is {tag}, pyproject.toml's version is {project['project']['version']}.")
    if tag and f"/{PLACEHOLDER}/" in project["project"]["urls"]["Repository"]:
        said.append(f"{PLACEHOLDER} is not a public address: python -m integration_tests.release address owner/name.")
    return said


def facts(project: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """A file, a pattern whose group finds the fact in it, and what it must be."""
    version, repository = project["version"], project["urls"]["Repository"]
    image = repository.replace("https://github.com/", "ghcr.io/")
    documentation = f"{repository}/blob/main/{DOCUMENT}"
    yield "pyproject.toml", r'^Documentation = "(.+)"$', documentation
    yield "pyproject.toml", r'^Changelog = "(.+)"$', f"{repository}/blob/main/CHANGELOG.md"
    yield "README.md", rf"source-sms-providers:({VERSION})", version
    yield "metadata.yaml", r"^  dockerImageTag: (.+)$", version
    yield "metadata.yaml", r"^  dockerRepository: (.+)$", image
    yield "metadata.yaml", r"^  documentationUrl: (.+)$", documentation
    yield "source_sms_providers/manifest.yaml", r"^  documentation_url: (.+)$", documentation
    yield "connector-builder/seven-io.yaml", r"^  documentation_url: (.+)$", documentation
    yield "connector-builder/smsfactor.yaml", r"^  documentation_url: (.+)$", documentation
    yield "acceptance-test-config.yml", r"^connector_image: (.+):dev$", image
    yield "Dockerfile", r'io\.airbyte\.name="(.+)"', image
    yield "Dockerfile", r'\.version="(.+)"', version
    yield "Dockerfile", r'image\.source="(.+)"', repository
    yield "dbt_sms_spend/dbt_project.yml", r"^version: (.+)$", version
    yield "Dockerfile", r'image\.documentation="(.+)"', documentation
    yield "examples/self_managed_airbyte.md", rf"source-sms-providers:({VERSION})", version
    yield "examples/many_accounts.tf", r'docker_repository += "(.+)"', image
    yield "examples/many_accounts.tf", r'docker_image_tag += "(.+)"', version
    yield "examples/many_accounts.tf", r'documentation_url += "(.+)"', documentation


def facts_of_a_release(project: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The newest entry of each changelog: it may be ahead until its version is released."""
    yield "CHANGELOG.md", r"\A# .+\n\n.+\n\n## (.+)\n", project["version"]
    yield DOCUMENT, r"\n\|:-.*\n\| (\S+) \|", project["version"]


def wrong_facts(root: Path, facts: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    for file, pattern, due in facts:
        found = set(re.findall(pattern, (root / file).read_text(encoding="utf-8"), re.MULTILINE))
        if found != {due}:
            yield f"{file} says {', '.join(sorted(found)) or 'nothing'} where pyproject.toml says {due}."


def wrong_locks(root: Path, project: dict[str, Any]) -> Iterator[str]:
    for lock, group in LOCKS.items():
        text = (root / lock).read_text(encoding="utf-8")
        for requirement in map(Requirement, required(project, group)):
            versions = re.findall(rf"^{requirement.name}==(\S+)", text, re.MULTILINE)
            if not versions or not all(requirement.specifier.contains(version) for version in versions):
                locked = " and ".join(versions) or "nowhere"
                yield f"{lock} has {requirement.name} {locked} for {requirement}: make lock."


def required(project: dict[str, Any], group: str) -> Iterator[str]:
    """The requirements of a group with those it includes, or of the package."""
    for entry in project["dependency-groups"][group] if group else project["project"]["dependencies"]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from required(project, entry["include-group"])


def set_address(root: Path, repository: str) -> None:
    """Every file that git tracks then names this repository: owner/name, in lower case as registries want it."""
    old = repository_of(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"])
    command = ["git", "grep", "--files-with-matches", "--fixed-strings", old]
    for file in subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines():
        text = (root / file).read_text(encoding="utf-8")
        (root / file).write_text(text.replace(old, repository.lower()), encoding="utf-8")


def repository_of(project: dict[str, Any]) -> str:
    """owner/name."""
    return str(project["urls"]["Repository"]).removeprefix("https://github.com/")


def main(arguments: list[str]) -> int:
    command, *rest = arguments or [""]
    if command == "check" and len(rest) < 2:
        sentences = out_of_step(ROOT, *rest)
        print("\n".join(sentences) or "Everything agrees.")
        return int(bool(sentences))
    if command == "address" and re.fullmatch(r"[\w.-]+/[\w.-]+", " ".join(rest)):
        set_address(ROOT, rest[0])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
