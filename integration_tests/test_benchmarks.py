from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.cpu import look, other
from benchmarks.measure import Reading
from integration_tests.sandbox.client import Sandbox

STREAM, DAYS = "analytics_by_country", 3


def test_given_the_programs_of_this_environment_then_they_read_the_same_records(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        programs = {"connector": partial(Reading(sandbox, tmp_path), [STREAM])}
        for name in ("stock", "bare", "cdk_alone"):
            programs[name] = partial(other, name, sys.executable, STREAM, sandbox, tmp_path)

        found = {name: look(name, program, DAYS, sandbox) for name, program in programs.items()}

    alone = found.pop("cdk_alone")
    assert (alone["records"], alone["requests"]) == (DAYS * 6, 0)
    assert found["connector"]["records"]
    assert {(each["records"], each["checksum"]) for each in found.values()} == {
        (found["connector"]["records"], found["connector"]["checksum"])
    }
