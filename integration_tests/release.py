"""Says what is not in step with pyproject.toml, which holds the version, the addresses and what the locks must satisfy.

    python -m integration_tests.release [TAG]

With a tag, also what only a release must have. Prints a sentence for each, and then ends with 1.
"""

from __future__ import annotations

import re
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
    "requirements-build.lock": "build",
    "requirements-pyairbyte.lock": "pyairbyte",
    "requirements-orchestrators.lock": "orchestrators",
    "requirements-models.lock": "models",
    "requirements-bench.lock": "bench",
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
        said.append("pyproject.toml does not say where the repository is public: make address REPOSITORY=owner/name.")
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
    yield "acceptance-test-config.yml", r"^connector_image: (.+):dev$", image
    yield "Dockerfile", r'io\.airbyte\.name="(.+)"', image
    yield "Dockerfile", r'\.version="(.+)"', version
    yield "Dockerfile", r'image\.source="(.+)"', repository
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


if __name__ == "__main__":
    sentences = out_of_step(ROOT, *sys.argv[1:])
    print("\n".join(sentences) or "All is in step.")
    sys.exit(bool(sentences))
