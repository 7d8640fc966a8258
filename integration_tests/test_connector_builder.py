"""The manifests of `connector-builder/`, read by the CDK's own runner, give the package's records or fail."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from airbyte_cdk.sources.declarative.parsers.manifest_component_transformer import ManifestComponentTransformer
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver

from integration_tests.at import run_manifest_at
from integration_tests.command import ROOT, Done, fork
from integration_tests.expected import expected_records
from integration_tests.sandbox import world
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import SEVEN_KEY, SMSFACTOR_TOKEN
from integration_tests.streams import GROUPED, PRIMARY_KEYS, SCHEMAS, configured_catalog
from integration_tests.sync import without_nulls
from source_sms_providers.source import MANIFEST
from unit_tests.spec_form import problems

FOLDER = ROOT / "connector-builder"
MANIFESTS = ("seven-io", "smsfactor")
LEFT_OUT = {"analytics_by_subaccount_and_country"}
START = date(2025, 4, 12)
TODAY = date(2025, 4, 20)
"""From START to the eve of TODAY, no day names a label twice, and one has no usage."""


@cache
def manifest(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


@cache
def resolved(name: str) -> dict[str, Any]:
    """References resolved, parameters handed down."""
    plain = ManifestReferenceResolver().preprocess_manifest(manifest(name))
    return dict(ManifestComponentTransformer().propagate_types_and_parameters("", plain, {}))


def streams_of(name: str) -> dict[str, dict[str, Any]]:
    return {stream["name"]: stream for stream in resolved(name)["streams"]}


def builder(
    folder: Path,
    command: str,
    name: str,
    config: Mapping[str, Any],
    streams: Iterable[str] = (),
    state: Iterable[Mapping[str, Any]] = (),
    now: date = TODAY,
    path: Path | None = None,
) -> Done:
    files = {"config": config}
    if command == "read":
        files |= {"catalog": builder_catalog(name, streams), "state": list(state)}
    arguments = [f"--manifest-path={path or FOLDER / f'{name}.yaml'}"]
    for option, content in files.items():
        (folder / option).write_text(json.dumps(content))
        arguments.append(f"--{option}={folder / option}")
    return fork(run_manifest_at, f"{now}T12:00", command, *arguments)


def builder_catalog(name: str, streams: Iterable[str]) -> dict[str, Any]:
    catalog = configured_catalog(())
    for stream in streams:
        schema = streams_of(name)[stream]["schema_loader"]["schema"]
        catalog["streams"].append(
            {
                "stream": {"name": stream, "json_schema": schema, "supported_sync_modes": ["incremental"]},
                "sync_mode": "incremental",
                "destination_sync_mode": "append_dedup",
            }
        )
    return catalog


def errors(done: Done) -> dict[str, str]:
    """Stream -> the sentence of its first error."""
    found: dict[str, str] = {}
    for message in done.messages:
        error = message.get("trace", {}).get("error") or {}
        if "stream_descriptor" in error:
            found.setdefault(error["stream_descriptor"]["name"], error["message"])
    return found


def states(done: Done) -> list[dict[str, Any]]:
    """The last state of each stream, as the platform feeds it to the next sync."""
    messages = [message["state"] for message in done.messages if message["type"] == "STATE"]
    return list({state["stream"]["stream_descriptor"]["name"]: state for state in messages}.values())


def days(first: str, last: str) -> list[str]:
    start = date.fromisoformat(first)
    return [str(start + timedelta(days=n)) for n in range((date.fromisoformat(last) - start).days + 1)]


def asked_days(sandbox: Sandbox) -> list[str]:
    """The days that were asked of SMSFactor since the last call."""
    asked = sorted(request["query"]["date_start"] for request in sandbox.requests())
    sandbox.clear_requests()
    return asked


# The files


@pytest.mark.parametrize("name", MANIFESTS)
def test_given_a_manifest_then_the_cdks_schema_of_components_accepts_it(name: str) -> None:
    components = pkgutil.get_data("airbyte_cdk", "sources/declarative/declarative_component_schema.yaml")
    jsonschema.validate(resolved(name), yaml.safe_load(components or b""))


@pytest.mark.parametrize("name", MANIFESTS)
def test_given_a_manifest_then_it_names_no_class_as_the_cloud_builder_runs_none(name: str) -> None:
    assert not re.search("class_name|Custom", (FOLDER / f"{name}.yaml").read_text(encoding="ascii"))


def test_given_the_manifests_then_they_offer_the_packages_streams_keys_and_cursors() -> None:
    offered = {stream: known for name in MANIFESTS for stream, known in streams_of(name).items()}
    keys = {**PRIMARY_KEYS, "consumption": ("date", "account_id")}

    for stream in PRIMARY_KEYS.keys() - LEFT_OUT:
        assert tuple(offered[stream]["primary_key"]) == keys[stream]
        assert offered[stream]["incremental_sync"]["cursor_field"] == "date"


@pytest.mark.parametrize("name", MANIFESTS)
def test_given_a_manifest_then_check_reads_streams_that_always_exist(name: str) -> None:
    assert set(manifest(name)["check"]["stream_names"]) <= streams_of(name).keys()


@pytest.mark.parametrize("name", MANIFESTS)
def test_given_a_manifest_then_the_form_shows_its_settings_as_in_the_package(name: str) -> None:
    package = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["spec"]["connection_specification"]["properties"]
    specification = manifest(name)["spec"]["connection_specification"]
    of_a_file = {"description", "group", "order", "always_show"}

    assert problems(specification) == []
    for setting, known in specification["properties"].items():
        assert known.keys() - of_a_file == package[setting].keys() - of_a_file
        assert all(known[key] == package[setting][key] for key in known.keys() - of_a_file), setting


@pytest.mark.parametrize("stream", sorted({path.stem for path in SCHEMAS.glob("*.json")} - LEFT_OUT))
def test_given_a_stream_then_its_schema_is_the_packages_but_for_the_map_of_countries(stream: str) -> None:
    package = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))
    [known] = [streams_of(name)[stream] for name in MANIFESTS if stream in streams_of(name)]
    schema = known["schema_loader"]["schema"]

    if stream == "consumption":
        changed = {"country", "is_main_account", "by_country", "consumption"}
        assert package["properties"].keys() ^ schema["properties"].keys() == changed - {"consumption"}
        package["properties"] = {k: v for k, v in package["properties"].items() if k not in changed}
        schema = {**schema, "properties": {k: v for k, v in schema["properties"].items() if k not in changed}}
        schema["description"] = package["description"]
    assert schema == package


def test_given_the_table_of_promises_then_it_has_the_rows_of_the_page_of_promises() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").partition("## Bounds")[0]
    table = (FOLDER / "README.md").read_text(encoding="utf-8").partition("| Promise |")[2].partition("\n\n")[0]

    promised = [row.split(" | ")[0] for row in page.splitlines() if row.startswith("| ") and "](" in row]
    answered = [row.split(" | ") for row in table.splitlines()[2:]]
    assert [row[0] for row in answered] == promised
    assert all(row[1] in ("yes", "no", "in part") and row[2].rstrip(" |") for row in answered)


# The records


def expected(sandbox: Sandbox, config: Mapping[str, Any], last: date) -> dict[str, list[dict[str, Any]]]:
    """The package's records, but for what the README names: groupings without zeros, and consumption by account."""
    settings = sandbox.settings()
    rows = expected_records(settings, config, TODAY, START, last)
    for stream in GROUPED:
        rows[stream] = [row for row in rows[stream] if any(row[counter] for counter in (*world.COUNTERS, "usage_eur"))]
    rows["consumption"] = [
        {
            "date": str(day),
            "account_id": str(account.account_id),
            "company": account.company,
            "consumption": account.total,
            "by_country": dict(account.countries),
            "is_partial": day == TODAY,
        }
        for day in (START + timedelta(days=n) for n in range((last - START).days + 1))
        for account in world.smsfactor_day(settings, day, TODAY)
        if config.get("smsfactor_sub_account_id") in (None, str(account.account_id))
    ]
    return rows


def in_order(rows: Iterable[Mapping[str, Any]], stream: str) -> list[dict[str, Any]]:
    if stream != "consumption":
        return without_nulls(rows, stream)
    return sorted((dict(row) for row in rows), key=lambda row: (row["date"], row["account_id"]))


@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.parametrize(
    ("knobs", "settings"),
    [
        ({}, {}),
        (
            {
                "seven_numbers_as_strings": True,
                "smsfactor_numbers_as_strings": True,
                "smsfactor_country_map": "pairs",
                "smsfactor_sub_accounts_shape": "keyed",
                "smsfactor_day_boundaries": "both_excluded",
                "postpaid_limit": 500,
                "balance_amount": 900,
            },
            {
                "seven_label": " otp ",
                "countries": ["fr", "DE"],
                "smsfactor_sub_account_id": "2002",
                "smsfactor_day_boundaries": "both_excluded",
                "include_today": True,
                "num_workers": 1,
            },
        ),
    ],
    ids=["plain", "shapes and settings"],
)
def test_given_a_manifest_when_read_then_each_stream_holds_the_packages_records(
    sandbox: Sandbox, tmp_path: Path, name: str, knobs: dict[str, Any], settings: dict[str, Any]
) -> None:
    sandbox.set(today=str(TODAY), **knobs)
    config = sandbox.config(start_date=str(START), **settings)
    wanted = expected(
        sandbox,
        {**config, "seven_label": settings.get("seven_label", "").strip()},
        TODAY if "include_today" in settings else TODAY - timedelta(days=1),
    )
    streams = sorted(PRIMARY_KEYS.keys() & streams_of(name).keys())

    done = builder(tmp_path, "read", name, config, streams)

    assert (done.code, errors(done)) == (0, {})
    for stream in streams:
        assert in_order(done.records(stream), stream) == in_order(wanted[stream], stream), stream


def test_given_a_cdk_that_drops_the_country_of_a_price_then_the_stream_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    # What an older CDK does with a field that it does not know: it ignores it in silence.
    text = (FOLDER / "seven-io.yaml").read_text(encoding="utf-8")
    path = tmp_path / "older.yaml"
    path.write_text(text.replace("remain_original_record: true", "remain_original_record: false"), encoding="utf-8")

    done = builder(tmp_path, "read", "seven-io", sandbox.config(), ["pricing"], path=path)

    assert done.code == 1
    assert errors(done).keys() == {"pricing"}
    assert done.records("pricing") == []


# The days


def test_given_a_day_that_fails_when_read_again_then_no_day_is_lost(sandbox: Sandbox, tmp_path: Path) -> None:
    config = sandbox.config(start_date="2026-02-27")

    def sync(today: str, state: list[dict[str, Any]], failing: str = "") -> tuple[Done, list[str]]:
        sandbox.set(today=today)
        sandbox.clear_faults()
        if failing:
            sandbox.fault("status", code=403, query={"date_start": failing}, times=None)
        done = builder(tmp_path, "read", "smsfactor", config, ["consumption"], state, date.fromisoformat(today))
        assert bool(failing) == bool(errors(done)) == bool(done.code)
        delivered = {record["date"] for record in done.records("consumption")}
        asked = asked_days(sandbox)
        assert delivered == set(asked) - {failing}
        return done, asked

    first, asked = sync("2026-03-05", [], failing="2026-02-27")
    assert asked == days("2026-02-27", "2026-03-04")
    second, asked = sync("2026-03-05", states(first))
    assert asked == days("2026-02-27", "2026-03-04")
    third, asked = sync("2026-03-06", states(second), failing="2026-03-03")
    assert asked == days("2026-03-01", "2026-03-05")
    _, asked = sync("2026-03-10", states(third))
    assert asked == days("2026-03-01", "2026-03-09")


@pytest.mark.parametrize(
    ("seconds", "settings", "asked"),
    [
        (0, {}, ("2026-03-02", "2026-03-09")),
        (1, {}, ("2026-03-01", "2026-03-09")),
        (3600, {}, ("2026-03-01", "2026-03-09")),
        (90_000, {}, ("2026-02-28", "2026-03-09")),
        (1, {"lookback_days": 1, "include_today": True}, ("2026-03-03", "2026-03-10")),
    ],
)
def test_given_a_slow_last_sync_when_read_then_each_day_after_it_is_requested_once(
    sandbox: Sandbox, tmp_path: Path, seconds: int, settings: dict[str, Any], asked: tuple[str, str]
) -> None:
    config = sandbox.config(start_date="2026-02-01", **settings)
    known = {"use_global_cursor": True, "state": {"date": "2026-03-04T00:00:00Z"}, "lookback_window": seconds}
    state = {"type": "STREAM", "stream": {"stream_descriptor": {"name": "consumption"}, "stream_state": known}}

    builder(tmp_path, "read", "smsfactor", config, ["consumption"], [state], now=sandbox.today())

    assert asked_days(sandbox) == days(*asked)


# What is no answer

KEY_REFUSED = "seven.io does not accept the API key."
TOKEN_REFUSED = "SMSFactor does not accept the API token"
NO_JSON = "sent something other than the JSON that its API promises"
UNEXPECTED = "returned an unexpected response"


def body(text: str, **rule: Any) -> dict[str, Any]:
    return {"kind": "body", "body": text, "times": None, **rule}


def analytics(group: str) -> dict[str, Any]:
    return {"path": "/api/analytics", "query": {"group_by": group}}


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        (
            "seven-io",
            {
                "balance": (body('"900"', path="/api/balance"), KEY_REFUSED),
                "pricing": (body("<html>Bad gateway</html>", path="/api/pricing"), NO_JSON),
                "analytics": (body("308", **analytics("date")), "unexpected code 308"),
                "analytics_by_country": (
                    body('{"success":false,"code":"902"}', **analytics("country")),
                    "The seven.io API key lacks a permission",
                ),
                "analytics_by_label": (
                    body(
                        '[{"label":"a","sms":1,"usage_eur":1},{"label":"a","sms":2,"usage_eur":1}]',
                        **analytics("label"),
                    ),
                    "lists a group twice",
                ),
                "analytics_by_subaccount": (
                    body('[{"account":"a","sms":-1,"usage_eur":1}]', **analytics("subaccount")),
                    UNEXPECTED,
                ),
            },
        ),
        (
            "seven-io",
            {
                "balance": (body('{"amount":"many","currency":"EUR"}', path="/api/balance"), UNEXPECTED),
                "pricing": (body('{"countCountries":0,"countries":[]}', path="/api/pricing"), UNEXPECTED),
                "analytics": (body("[]", **analytics("date")), "does not report the requested day"),
                "analytics_by_country": (body('[{"label":"a","usage_eur":1}]', **analytics("country")), UNEXPECTED),
                "analytics_by_label": (body('[{"label":"a","usage_eur":NaN}]', **analytics("label")), UNEXPECTED),
                "analytics_by_subaccount": (
                    {"kind": "json_cut", "times": None, **analytics("subaccount")},
                    NO_JSON,
                ),
            },
        ),
        (
            "smsfactor",
            {
                "credits": (body('{"status":-1,"message":"Token invalide"}', path="/credits"), TOKEN_REFUSED),
                "consumption": (
                    {"kind": "edit", "delete": ["data.my_account"], "path": "/metrics/consumption", "times": None},
                    UNEXPECTED,
                ),
            },
        ),
        (
            "smsfactor",
            {
                "credits": (body("<response/>", path="/credits"), NO_JSON),
                "consumption": (
                    {
                        "kind": "edit",
                        "set": {"data.my_account.conso.by_country": {"FR": "x"}},
                        "path": "/metrics/consumption",
                        "times": None,
                    },
                    UNEXPECTED,
                ),
            },
        ),
    ],
    ids=["codes of seven.io", "shapes of seven.io", "codes of SMSFactor", "shapes of SMSFactor"],
)
def test_given_errors_in_http_200_when_read_then_each_stream_fails_without_records(
    sandbox: Sandbox, tmp_path: Path, name: str, faults: dict[str, tuple[dict[str, Any], str]]
) -> None:
    sandbox.set(today=str(TODAY))
    for fault, _ in faults.values():
        sandbox.fault(**fault)

    done = builder(tmp_path, "read", name, sandbox.config(start_date=str(TODAY - timedelta(days=1))), faults)

    found = errors(done)
    assert done.code == 1
    assert found.keys() == faults.keys()
    assert {stream: sentence for stream, (_, sentence) in faults.items() if sentence not in found[stream]} == {}
    assert not [message for message in done.messages if message["type"] == "RECORD"]


def test_given_transient_errors_when_read_then_the_requests_are_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.set(today=str(TODAY))
    for fault in ({"kind": "status", "code": 503}, {"kind": "json_cut"}, {"kind": "reset_in_body"}):
        sandbox.fault(path="/metrics/consumption", **fault)

    done = builder(
        tmp_path,
        "read",
        "smsfactor",
        sandbox.config(start_date=str(TODAY - timedelta(days=1)), num_workers=1),
        ["consumption"],
    )

    assert (done.code, errors(done)) == (0, {})
    assert len(done.records("consumption")) == 4
    assert asked_days(sandbox) == 4 * [str(TODAY - timedelta(days=1))]


@pytest.mark.parametrize(
    ("name", "stream", "path", "key"),
    [
        ("seven-io", "balance", "/api/balance", SEVEN_KEY),
        ("smsfactor", "credits", "/credits", SMSFACTOR_TOKEN),
    ],
)
def test_given_a_redirect_to_another_host_when_read_then_it_gets_no_key(
    sandbox: Sandbox, tmp_path: Path, name: str, stream: str, path: str, key: str
) -> None:
    elsewhere = sandbox.url.replace("127.0.0.1", "localhost") + "/api/elsewhere"
    sandbox.fault("redirect", path=path, location=elsewhere)
    sandbox.fault("body", path="/api/elsewhere", body='{"amount":1,"credits":1}')

    builder(tmp_path, "read", name, sandbox.config(), [stream])

    first, followed = sandbox.requests()
    assert key in json.dumps(first["headers"])
    assert followed["path"] == "/api/elsewhere"
    assert key not in json.dumps(followed)


@pytest.mark.parametrize(
    ("name", "knob", "sentence"),
    [("seven-io", {"seven_keys": {}}, KEY_REFUSED), ("smsfactor", {"smsfactor_tokens": []}, TOKEN_REFUSED)],
)
def test_given_a_start_today_when_checked_then_only_a_good_key_succeeds(
    sandbox: Sandbox, tmp_path: Path, name: str, knob: dict[str, Any], sentence: str
) -> None:
    sandbox.set(today=str(TODAY))
    config = sandbox.config(start_date=str(TODAY))

    good = builder(tmp_path, "check", name, config)
    sandbox.set(**knob)
    bad = builder(tmp_path, "check", name, config)

    assert good.status["status"] == "SUCCEEDED"
    assert bad.status["status"] == "FAILED"
    assert sentence in bad.status["message"]
