"""Measures the models on large tables: `.venv-models/bin/python -m dbt_sms_spend.integration_tests.large`"""

from __future__ import annotations

import datetime
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from dbt_sms_spend.integration_tests import spend as dbt
from dbt_sms_spend.integration_tests.spend import MODELS_ALONE, TODAY, Spend, lay_tables
from dbt_sms_spend.integration_tests.test_never_halted import large_case
from integration_tests.expected import expected_records
from integration_tests.sandbox.settings import Settings

DAYS = 1096


def three_years(spend: Spend) -> float:
    """Seconds to build the models of daily syncs of the sandbox, each with a price list of 2,098 networks."""
    settings = Settings().with_knobs({"today": str(TODAY)})
    lay_tables(
        spend.database, expected_records(settings, {}, TODAY, TODAY - datetime.timedelta(days=DAYS - 1), TODAY), "sms"
    )
    for stream in ("balance", "credits", "pricing", "subaccount_balances", "subaccount_credits"):
        spend.change(
            f"INSERT INTO sms.{stream} SELECT * EXCLUDE n REPLACE (date - CAST(n AS INTEGER) AS date) "
            f"FROM sms.{stream}, range(1, {DAYS}) AS days(n)"
        )
    begun = time.monotonic()
    done = spend.dbt("build", *MODELS_ALONE)
    assert done.returncode == 0, done.stdout
    return time.monotonic() - begun


def large(spend: Spend) -> float:
    return large_case(spend, days=400, countries=300, accounts=50)


def measure(name: str, case: Callable[[Spend], float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = case(Spend(Path(folder)))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{name}: {seconds:.0f} s, {cpu:.0f} s of CPU time")


if __name__ == "__main__":
    # A child of this process, so that its CPU time is known.
    with mock.patch.object(dbt, "_FORKS", multiprocessing.get_context("spawn")):
        measure("3 years of two providers, a price list of 2,098 networks each day", three_years)
        measure("400 days, 300 countries, 50 accounts", large)
