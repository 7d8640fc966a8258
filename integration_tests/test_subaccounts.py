"""Every account behind one key: what each of them used and has left, over real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import FailureType

from integration_tests.expected import expected_records
from integration_tests.history import seven
from integration_tests.sandbox import world
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import SEVEN_KEY
from integration_tests.sandbox.world import COUNTERS
from integration_tests.streams import BY_ACCOUNT, configured_catalog
from integration_tests.sync import Destination, check, sync, without_nulls

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 3, 10)
START = date(2026, 3, 7)
YESTERDAY = TODAY - timedelta(days=1)
PERSONAL = ("Erika", "Muster", "Camille", "Exemple", "@example", "Villeurbanne")
"""Parts of what the lists of the sandbox say of persons."""


def active_accounts(sandbox: Sandbox, first: date, last: date) -> list[tuple[date, str]]:
    """Each day with each account that used anything on it; the main one is `""`."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    cells = ((day, cell) for day in days for cell in world.seven_cells(sandbox.settings(), day, TODAY))
    return sorted({(day, str(cell.account_id)) for day, cell in cells})


def asked(sandbox: Sandbox, path: str, **query: str) -> list[Mapping[str, Any]]:
    return [
        request
        for request in sandbox.requests()
        if request["path"] == path and query.items() <= request["query"].items()
    ]


def sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Decimal]]:
    """Day -> the sum of each figure."""
    found: dict[str, list[Decimal]] = {}
    for row in rows:
        figures = [Decimal(str(row[name])) for name in (*COUNTERS, "usage_eur")]
        found[row["date"]] = [sum(pair) for pair in zip(found.get(row["date"], [Decimal(0)] * 7), figures, strict=True)]
    return found


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


# What a sync costs


def test_given_a_thousand_accounts_when_read_then_only_active_ones_are_requested(sandbox: Sandbox) -> None:
    sandbox.set(seven_subaccounts=1000)
    active = active_accounts(sandbox, START, YESTERDAY)
    days = {day for day, _ in active}
    assert len(active) > 40

    result = sync(sandbox.config(start_date=str(START)), [BY_ACCOUNT], now=TODAY)

    assert result.error is None
    assert len(asked(sandbox, "/api/subaccounts")) == 1
    assert len(asked(sandbox, "/api/analytics", group_by="subaccount")) == len(days)
    assert Counter(
        (date.fromisoformat(request["query"]["start"]), request["query"]["subaccounts"].replace("only_main", ""))
        for request in asked(sandbox, "/api/analytics", group_by="country")
    ) == Counter(active)
    # Beside the one that says which days have usage.
    assert len(sandbox.requests()) - 1 == 1 + len(days) + len(active)


def test_given_one_day_of_many_accounts_then_exactly_all_parallel_requests_are_used(
    sandbox: Sandbox,
) -> None:
    sandbox.set(seven_subaccounts=1000, latency=0.2)
    assert len(active_accounts(sandbox, YESTERDAY, YESTERDAY)) > 12

    sync(sandbox.config(start_date=str(YESTERDAY), num_workers=6), [BY_ACCOUNT], now=TODAY)

    assert sandbox.stats()["max_parallel"] == 6


# What the rows say


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"seven_subaccounts": 60},
        {"corrections": [seven("rename", account="5310421", name="Main GmbH")]},
        {"corrections": [seven("rename", account="5310421", name="Filiale Süd/West")]},
        {"corrections": [seven("rename", account="", name="Test & Labor")]},
        {"seven_numbers_as_strings": True},
    ],
    ids=json.dumps,
)
def test_given_any_names_when_read_then_the_accounts_of_a_day_add_up_to_its_total(
    sandbox: Sandbox, knobs: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.set(**knobs)

    result = sync(sandbox.config(start_date="2026-02-18"), ["analytics", BY_ACCOUNT], now=TODAY)

    assert result.error is None
    expected = expected_records(sandbox.settings(), {}, TODAY, date(2026, 2, 18), YESTERDAY)[BY_ACCOUNT]
    assert without_nulls(result.records(BY_ACCOUNT), BY_ACCOUNT) == without_nulls(expected, BY_ACCOUNT)
    assert sums(result.records(BY_ACCOUNT)) == sums(result.records("analytics"))
    assert warnings(caplog) == []


def test_given_an_account_that_the_list_lacks_then_one_warning_counts_its_days(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.set(seven_unlisted=["5310422"])

    result = sync(sandbox.config(start_date=str(START)), [BY_ACCOUNT], now=TODAY)

    assert result.error is None
    days = {str(day) for day, account in active_accounts(sandbox, START, YESTERDAY) if account == "5310422"}
    assert days
    [warning] = warnings(caplog)
    assert warning.endswith(f"Days: {len(days)}, first: {min(days)}.")
    expected = expected_records(sandbox.settings(), {}, TODAY, START, YESTERDAY)[BY_ACCOUNT]
    assert without_nulls(result.records(BY_ACCOUNT), BY_ACCOUNT) == without_nulls(expected, BY_ACCOUNT)


def test_given_accounts_that_are_added_deleted_or_renamed_then_the_table_follows(sandbox: Sandbox) -> None:
    config = sandbox.config(start_date=str(START))
    destination = Destination()
    destination.take(sync(config, [BY_ACCOUNT], now=TODAY))
    before = {key: row for key, row in destination.tables[BY_ACCOUNT].items() if key[1] == "5310421"}
    assert before
    later = TODAY + timedelta(days=1)
    sandbox.set(
        today=str(later),
        corrections=[
            seven("rename", account="5310422", name="Filiale Nord"),
            seven("delete", account="5310421", totals="kept"),
            seven("add", day=str(YESTERDAY), account="5310424", label="", country="FR", messages=8),
        ],
    )

    destination.take(sync(config, [BY_ACCOUNT], destination.state.values(), now=later))

    table = destination.tables[BY_ACCOUNT]
    assert {key: row for key, row in table.items() if key[1] == "5310421"} == before
    assert table[str(YESTERDAY), "5310424", "FR"]["sms"] == 8
    names = {row["company"] for key, row in table.items() if key[1] == "5310422" and key[0] > str(START)}
    assert names == {"Filiale Nord"}


# Rights


def test_given_a_key_without_permission_for_lists_then_only_two_streams_fail(
    sandbox: Sandbox,
) -> None:
    sandbox.set(seven_keys={SEVEN_KEY: ["balance", "pricing", "analytics"]})
    config = sandbox.config(start_date=str(START))

    assert check(config, TODAY)[0] == "SUCCEEDED"
    assert asked(sandbox, "/api/subaccounts") == asked(sandbox, "/sub-accounts") == []
    result = sync(config, ["balance", "subaccount_balances", BY_ACCOUNT, "subaccount_credits"], now=TODAY)

    right = "Give it the permissions subaccounts in the seven.io dashboard"
    failures = result.failures()
    assert failures.keys() == {"subaccount_balances", BY_ACCOUNT}
    assert all(kind == FailureType.config_error.value and right in sentence for kind, sentence in failures.values())
    assert result.records("balance")
    assert result.records("subaccount_credits")


# Personal data


def test_given_lists_with_personal_data_when_debugged_then_no_line_holds_it(sandbox: Sandbox, tmp_path: Path) -> None:
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(sandbox.config(start_date=str(START))))
    catalog.write_text(json.dumps(configured_catalog([BY_ACCOUNT, "subaccount_balances", "subaccount_credits"])))
    command = ["read", "--config", str(config), "--catalog", str(catalog), "--debug"]

    done = subprocess.run(
        [sys.executable, "-m", "integration_tests.at", "2026-03-10T12:00", *command],
        cwd=ROOT,
        env={**os.environ, "LOG_LEVEL": "debug"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    streams = [json.loads(line).get("record", {}).get("stream") for line in done.stdout.splitlines()]
    assert {BY_ACCOUNT, "subaccount_balances", "subaccount_credits"} <= {*streams}
    assert [part for part in PERSONAL if part in done.stdout + done.stderr] == []
