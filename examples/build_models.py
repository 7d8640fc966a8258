"""Builds and tests dbt_sms_spend on the tables of `make sync`: `make models`.

The tables of your accounts are taken if there are any (schema `main`), else the sandbox's. The models are then in the
schema `main_spend` or `sandbox_spend` of the same database. Ends with 1 if a test fails or a table is stale.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.cli.main import dbtRunner

REPOSITORY = Path(__file__).resolve().parent.parent
DATABASE = REPOSITORY / "sms_providers.duckdb"
PROJECT = REPOSITORY / "dbt_sms_spend"
OPTIONAL = ("balance", "pricing", "analytics_by_label", "credits")
A_HUNDRED_YEARS = 100 * 365 * 86_400.0
FURTHER = ("analytics_by_subaccount_and_country", "subaccount_balances", "subaccount_credits")


def main() -> None:
    variables = what_is_synced()
    variables.update(yaml.safe_load(os.environ.get("VARS") or "{}"))
    schema = f"{variables['sms_schema']}_spend"
    os.environ.update(
        SMS_SPEND_DUCKDB=str(DATABASE),
        SMS_SPEND_SCHEMA=schema,
        DBT_TARGET_PATH=str(REPOSITORY / ".cache/dbt"),
        DBT_LOG_PATH=str(REPOSITORY / ".cache/dbt/logs"),
    )
    built = dbt("build", {**variables, "alert_severity": "warn"})
    models = [one.node.name for one in built if one.node.resource_type == "model" and one.status == "success"]
    tests = [one for one in built if one.node.resource_type == "test"]
    alerts = [test for test in tests if "alert" in test.node.tags]
    passed = sum(test.status == "pass" for test in tests if test not in alerts)
    of_all = len(tests) - len(alerts)
    print(f"{len(models)} models are in the schema {schema} of {DATABASE.name}; {passed} of {of_all} tests passed.")
    for test in tests:
        if test.status == "warn":
            kind = "Alert" if test in alerts else "Warning"
            print(f"{kind}: {test.node.description or 'a value is missing'} ({test.node.name}: {test.failures})")
    fresh = dbt("source", variables, "freshness")
    empty = [source for source in fresh if is_empty(source)]
    for source in fresh:
        if source in empty:
            print(f"The table {source.node.name} has no rows.")
        elif source.status != "pass":
            print(f"The table {source.node.name} was last synced {source.age / 3600:.0f} hours ago: run make sync.")
    failed = ("fail", "error", "skipped", "runtime error")
    if any(one.status in failed for one in [*built, *fresh] if one not in empty):
        sys.exit("Something is wrong with the figures or their age: see above.")


def is_empty(source: Any) -> bool:
    """dbt takes a table without rows for one that was synced in the year 1."""
    age: float | None = getattr(source, "age", None)
    return age is not None and age > A_HUNDRED_YEARS


def what_is_synced() -> dict[str, Any]:
    """The variables that say which tables there are."""
    if not DATABASE.exists():
        sys.exit(f"There is no {DATABASE.name}: run make sync first.")
    try:
        # dbt writes: a program that only reads would be in its way, too.
        with duckdb.connect(str(DATABASE)) as database:
            tables = set(database.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall())
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        sys.exit(f"{DATABASE.name} is open in another program. Close that program, then try again.")
    for schema in ("main", "sandbox"):
        streams = {table for where, table in tables if where == schema}
        seven, smsfactor = "analytics" in streams, "consumption" in streams
        if seven or smsfactor:
            return {
                "sms_schema": schema,
                "seven_enabled": seven,
                "smsfactor_enabled": smsfactor,
                "streams_left_out": [stream for stream in OPTIONAL if stream not in streams],
                # Without sub-accounts their lists are empty, which would pass for tables that no sync renews.
                "streams_added": [
                    stream for stream in FURTHER if stream in streams and has_rows(f'"{schema}"."{stream}"')
                ],
            }
    sys.exit(f"{DATABASE.name} has no tables of the connector: run make sync first.")


def has_rows(table: str) -> bool:
    with duckdb.connect(str(DATABASE), read_only=True) as database:
        return database.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None


def dbt(command: str, variables: dict[str, Any], *more: str) -> list[Any]:
    """The results of a command; what went wrong is printed by dbt."""
    places = [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}", f"--vars={json.dumps(variables)}"]
    done = dbtRunner().invoke(["--quiet", command, *more, *places])
    if done.result is None:
        sys.exit(f"dbt did not begin: {done.exception}" if done.exception else 1)
    return list(done.result.results)


if __name__ == "__main__":
    main()
