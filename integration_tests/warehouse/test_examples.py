"""Each program of examples/ runs as its text says, in a copy of the checkout."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import PRIMARY_KEYS
from integration_tests.warehouse.three_days import in_order
from integration_tests.warehouse.warehouse import CONNECTOR, PYAIRBYTE, REPOSITORY, Warehouse, environment

QUIET = {"AIRBYTE_OFFLINE_MODE": "1", "RUNTIME__DLTHUB_TELEMETRY": "false", "DAGSTER_DISABLE_TELEMETRY": "1"}


@pytest.fixture(scope="module")
def providers() -> Iterator[Sandbox]:
    """Of today: the examples take the clock as it is."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def config(providers: Sandbox, checkout: Path) -> dict[str, Any]:
    """The checkout's secrets/config.json, of somebody with keys."""
    config = providers.config(countries=["DE", "FR"])
    (checkout / "secrets").mkdir()
    (checkout / "secrets/config.json").write_text(json.dumps(config), encoding="utf-8")
    return config


def test_the_cron_line_syncs_into_duckdb(providers: Sandbox, config: dict[str, Any], checkout: Path) -> None:
    today = providers.today()
    done = run_cron_line(checkout)
    assert done.returncode == 0, log_of(checkout)
    assert re.search(r"^analytics +3 ", log_of(checkout), re.MULTILINE)
    assert_holds(checkout, "main", config, providers, today, db_path=str(checkout / "sms_providers.duckdb"))


def test_two_scheduled_syncs_never_run_at_once(checkout: Path) -> None:
    (checkout / ".cache").mkdir()
    with (checkout / ".cache/sync.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run_cron_line(checkout).returncode == 75
    assert not (checkout / "sms_providers.duckdb").exists()


def test_a_failed_sync_into_postgresql_ends_with_an_error_and_the_next_one_succeeds(
    providers: Sandbox, config: dict[str, Any], checkout: Path, postgres: dict[str, Any]
) -> None:
    server = {
        "PGHOST": postgres["host"],
        "PGPORT": str(postgres["port"]),
        "PGUSER": postgres["username"],
        "PGPASSWORD": postgres["password"],
        "PGDATABASE": postgres["database"],
    }
    today = providers.today()
    providers.set(seven_keys={})
    failed = run(checkout, "examples/scheduled_sync.sh", "sync_to_postgres", **server)
    providers.reset()
    assert failed.returncode == 1
    assert "seven.io does not accept the API key" in failed.stdout

    done = run(checkout, "examples/scheduled_sync.sh", "sync_to_postgres", **server)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^analytics +3 rows in all$", done.stdout, re.MULTILINE)
    assert_holds(checkout, "sms_providers", config, providers, today, postgres=postgres)


def test_earlier_days_are_loaded_and_the_snapshots_stay(
    providers: Sandbox, config: dict[str, Any], checkout: Path
) -> None:
    today = providers.today()
    providers.set(balance_amount=700.5)
    assert run_cron_line(checkout).returncode == 0, log_of(checkout)
    earlier = {**config, "start_date": str(today - timedelta(days=9))}
    (checkout / "secrets/config.json").write_text(json.dumps(earlier), encoding="utf-8")
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("### Load earlier days")[2]

    settings = providers.settings()
    providers.set(balance_amount=1.25)
    done = run(checkout, "/bin/sh", "-c", re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0], **QUIET)
    providers.reset()

    assert done.returncode == 0, done.stdout
    expected = expected_records(settings, earlier, today, today - timedelta(days=9), today - timedelta(days=1))
    warehouse = Warehouse(checkout / "reader", schema="main", db_path=str(checkout / "sms_providers.duckdb"))
    try:
        tables = warehouse.tables()
    finally:
        warehouse.close()
    for stream in PRIMARY_KEYS:
        assert in_order(tables[stream], stream) == in_order(expected[stream], stream)


def test_the_units_of_systemd_are_valid(checkout: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("Needs systemd-analyze.")
    text = (checkout / "examples/schedule.md").read_text(encoding="utf-8").replace("/path/to/checkout", str(checkout))
    units = []
    for name, unit in re.findall(r"```ini\n# (\S+)\n(.*?)```", text, re.DOTALL):
        units.append(checkout / name)
        units[-1].write_text(unit, encoding="utf-8")
    assert [unit.suffix for unit in units] == [".service", ".timer"]

    done = run(checkout, "systemd-analyze", "verify", *units)

    assert (done.returncode, done.stdout) == (0, "")


def test_without_keys_the_duckdb_example_reads_the_sandbox(checkout: Path) -> None:
    done = run(checkout, "examples/scheduled_sync.sh")
    assert done.returncode == 0, done.stdout
    assert "No secrets/config.json: reading the invented accounts of the sandbox." in done.stdout
    assert re.search(r"^analytics +30 ", done.stdout, re.MULTILINE)
    assert re.search(r"^The sandbox answered \d+ requests\.$", done.stdout, re.MULTILINE)


SETTINGS_THAT_CANNOT_BE_READ = {
    "": "secrets/config.json is empty. Add your settings.",
    '{"start_date": "2026-01-01",}': "secrets/config.json is not valid JSON: line 1, column 29. Correct it.",
    "[]": "secrets/config.json is not a JSON object. Correct it.",
}
READ_SETTINGS = """
import json, sys
from examples.sync_to_duckdb import CONFIG, settings

for text in json.loads(sys.argv[1]):
    CONFIG.write_text(text, encoding="utf-8")
    try:
        print(settings())
    except SystemExit as end:
        print(end)
"""


def test_unreadable_settings_end_with_an_error_and_a_byte_order_mark_is_ignored(checkout: Path) -> None:
    (checkout / "secrets").mkdir()
    texts = [*SETTINGS_THAT_CANNOT_BE_READ, '\ufeff{"start_date": "2026-01-01"}']
    done = run(checkout, ".venv-pyairbyte/bin/python", "-W", "ignore", "-c", READ_SETTINGS, json.dumps(texts))
    assert done.stdout.splitlines() == [*SETTINGS_THAT_CANNOT_BE_READ.values(), "{'start_date': '2026-01-01'}"]


BUILD_MODELS = (".venv-models/bin/python", "-m", "examples.build_models")


@pytest.mark.parametrize("command", [("examples/scheduled_sync.sh",), BUILD_MODELS], ids=["sync", "models"])
def test_a_database_that_is_open_elsewhere_ends_with_a_sentence(checkout: Path, command: tuple[str, ...]) -> None:
    hold = "import duckdb, sys; database = duckdb.connect('sms_providers.duckdb'); print('open', flush=True); input()"
    with subprocess.Popen(
        [PYAIRBYTE, "-c", hold], cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        done = run(checkout, *command)
        other.kill()
    assert done.returncode == 1
    assert "sms_providers.duckdb is open in another program. Close that program, then try again." in done.stdout
    assert "Traceback" not in done.stdout


def test_without_keys_the_dlt_pipeline_reads_the_sandbox(checkout: Path) -> None:
    done = run(checkout, ".venv-pyairbyte/bin/python", "-m", "examples.dlt_pipeline", HOME=str(checkout), **QUIET)
    assert done.returncode == 0, done.stdout
    assert "1 load package(s) were loaded" in done.stdout


def test_without_keys_the_dagster_assets_are_those_of_the_sandbox(checkout: Path) -> None:
    dagster = checkout / ".venv-pyairbyte/bin/dagster"
    done = run(checkout, dagster, "asset", "materialize", "--select", "*", "-m", "examples.dagster_assets", **QUIET)
    assert done.returncode == 0, done.stdout
    assert "models are in the schema sandbox_spend of sms_providers.duckdb" in done.stdout


@pytest.mark.parametrize("example", ["sync_to_duckdb", "sync_to_postgres", "dlt_pipeline", "dagster_assets"])
def test_an_example_is_one_file_that_can_be_copied(checkout: Path, example: str) -> None:
    code = (checkout / f"examples/{example}.py").read_text(encoding="utf-8")
    assert not re.search(r"^(from|import) (examples|integration_tests|source_sms_providers)", code, re.MULTILINE)


def test_the_dlt_pipeline_loads_what_is_new_and_replaces_what_was_corrected(
    providers: Sandbox, config: dict[str, Any], checkout: Path
) -> None:
    today = providers.today()
    for balance in (700.5, 612.25):
        providers.set(balance_amount=balance)
        done = run(checkout, ".venv-pyairbyte/bin/python", "-m", "examples.dlt_pipeline", HOME=str(checkout), **QUIET)
        assert done.returncode == 0, done.stdout
    assert_holds(
        checkout, "sms_providers", config, providers, today, db_path=str(checkout / "sms_providers_dlt.duckdb")
    )
    providers.reset()


def test_the_dagster_assets_are_the_tables_and_the_models(
    providers: Sandbox, config: dict[str, Any], checkout: Path
) -> None:
    today = providers.today()
    dagster = checkout / ".venv-pyairbyte/bin/dagster"
    done = run(checkout, dagster, "asset", "materialize", "--select", "*", "-m", "examples.dagster_assets", **QUIET)
    assert done.returncode == 0, done.stdout
    assert "models are in the schema main_spend of sms_providers.duckdb" in done.stdout
    assert_holds(checkout, "main", config, providers, today, db_path=str(checkout / "sms_providers.duckdb"))


def test_make_models_reports_what_to_run_when_there_is_nothing_to_model(checkout: Path) -> None:
    done = run(checkout, ".venv-models/bin/python", "-m", "examples.build_models")
    assert (done.returncode, done.stdout) == (1, "There is no sms_providers.duckdb: run make sync first.\n")


def test_pyab_validates_the_connector(providers: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(providers.config()), encoding="utf-8")
    done = subprocess.run(
        [PYAIRBYTE.with_name("pyab"), "validate", f"--connector={CONNECTOR}", f"--config={tmp_path / 'config.json'}"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_cron_line(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Runs the line of schedule.md as cron does: with a shell, and with hardly any environment."""
    text = (checkout / "examples/schedule.md").read_text(encoding="utf-8")
    command = re.findall(r"^ *17 6 \* \* \* +(.*)$", text, re.MULTILINE)[0]
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("/path/to/checkout", str(checkout))],
        cwd="/",
        env={"HOME": str(checkout), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
        text=True,
        check=False,
    )


def log_of(checkout: Path) -> str:
    return (checkout / "sms-providers.log").read_text(encoding="utf-8")


def run(checkout: Path, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(
        command,
        cwd=checkout,
        env={**clean, "DO_NOT_TRACK": "1", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def assert_holds(
    checkout: Path, schema: str, config: dict[str, Any], sandbox: Sandbox, today: Any, **where: Any
) -> None:
    yesterday = today - timedelta(days=1)
    expected = expected_records(sandbox.settings(), config, today, today - timedelta(days=3), yesterday)
    warehouse = Warehouse(checkout / "reader", schema=schema, **where)
    try:
        tables = warehouse.tables()
        for stream in PRIMARY_KEYS:
            own = [{name: value for name, value in row.items() if name[:5] != "_dlt_"} for row in tables[stream]]
            # dlt makes no column of nothing but nulls.
            told = {name for row in own for name in row}
            assert all(value is None for row in expected[stream] for name, value in row.items() if name not in told)
            due = [{name: value for name, value in row.items() if name in told} for row in expected[stream]]
            assert in_order(own, stream) == in_order(due, stream)
    finally:
        warehouse.close()
