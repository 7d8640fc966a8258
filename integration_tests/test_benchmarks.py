"""The page of performance says what was measured, and the programs that it compares read the same."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page
from benchmarks.__main__ import RESULTS
from benchmarks.cpu import look, other
from benchmarks.measure import Reading
from benchmarks.whole_sync import ACCOUNTS, DAILY_SYNC, PROGRAMS, YEAR
from integration_tests.sandbox.client import Sandbox


@pytest.fixture
def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def test_given_the_results_then_the_page_and_its_pictures_are_written_from_them(
    results: dict[str, Any], tmp_path: Path
) -> None:
    page.write(results, tmp_path)

    for name in (page.PAGE, page.CHART, page.SYNC_CHART):
        assert (tmp_path / name).read_text("utf-8") == (page.DOCS / name).read_text("utf-8"), name


def test_given_the_results_then_each_account_was_read_by_every_program(results: dict[str, Any]) -> None:
    rows = results["sync"]["found"]
    accounts = {row["account"] for row in rows}

    assert accounts <= {*ACCOUNTS}
    assert [(row["account"], row["days"], row["program"]) for row in rows] == [
        (account, days, program)
        for account in ACCOUNTS
        if account in accounts
        for days in (DAILY_SYNC, YEAR)
        for program in PROGRAMS
    ]


def test_given_a_sync_that_others_do_quicker_then_the_goals_say_that_it_is_missed(
    results: dict[str, Any], tmp_path: Path
) -> None:
    for row in results["sync"]["found"]:
        row["seconds"] = {"connector": 2.0, "stock": 4.0}.get(row["program"], 1.0)
    page.write(results, tmp_path)

    goals = [line for line in (tmp_path / page.PAGE).read_text("utf-8").splitlines() if "ARGS=" in line]
    assert goals[0].startswith(
        "| Daily sync (3 days), account: busy, time compared with stock YAML | ≤ 1.00 × | 0.50 × |"
    )
    assert "compared with dlt rest_api, extract | ≤ 1.00 × | 2.00 × **(missed)** |" in goals[1]


def test_given_a_picture_of_syncs_then_each_bar_says_how_many_workers_it_has() -> None:
    picture = (page.DOCS / page.SYNC_CHART).read_text("utf-8")

    for program, workers in PROGRAMS.items():
        name = f"{page.plain(program)}, {page.in_words(workers)}"
        assert f">{name}</text>" in picture


def test_given_the_programs_of_this_environment_then_they_read_the_same_records(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        programs = {"connector": partial(Reading(sandbox, tmp_path), ["analytics_by_country"])}
        for name in ("stock", "bare", "cdk_alone"):
            programs[name] = partial(other, name, sys.executable, "analytics_by_country", sandbox, tmp_path)

        found = {name: look(name, program, 3, sandbox) for name, program in programs.items()}

    alone = found.pop("cdk_alone")
    assert (alone["records"], alone["requests"]) == (18, 0)
    assert found["connector"]["records"]
    assert {(each["records"], each["checksum"]) for each in found.values()} == {
        (found["connector"]["records"], found["connector"]["checksum"])
    }
