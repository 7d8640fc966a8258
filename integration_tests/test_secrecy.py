"""No key, header, query or body reaches a line that the connector prints, also with debug logs on."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from integration_tests.at import run_at
from integration_tests.command import fork
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import PRIMARY_KEYS, configured_catalog

SEVEN_KEY = "k3y/of+seven=0123456789"
SMSFACTOR_TOKEN = "eyJ0.t0k3n/of+smsfactor=.c2ln"
BODY = "a-body-that-nobody-may-see"


def forms(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"{secret}:".encode()).decode(),
        json.dumps(secret)[1:-1],
    }


FORBIDDEN = {
    *forms(SEVEN_KEY),
    *forms(SMSFACTOR_TOKEN),
    BODY,
    "X-Api-Key",
    "Authorization",
    "Bearer",
    "group_by=",
    "date_start=",
    "?start=",
    "&end=",
}

FAULTS: dict[str, dict[str, Any] | None] = {
    "nothing": None,
    "a wrong body": {"kind": "body", "body": f'{{"error":"{BODY}"}}'},
    "an error page": {"kind": "status", "code": 500, "body": f"<html>{BODY}</html>"},
    "not found": {"kind": "status", "code": 404, "body": BODY},
    "a reset": {"kind": "reset_in_body"},
    "a redirect": {"kind": "redirect", "location": f"http://127.0.0.1:9/{BODY}?p={quote(SEVEN_KEY)}"},
    "a wrong key": {"kind": "body", "body": '"900"'},
    "a wrong token": {"kind": "body", "body": f'{{"status":-1,"message":"{BODY}","details":"{BODY}"}}'},
    "a temporary status": {"kind": "body", "body": f'{{"status":-99,"message":"{BODY}"}}'},
}


@pytest.mark.parametrize(
    ("fault", "debug"),
    [*((fault, ["--debug"]) for fault in FAULTS), ("nothing", []), ("an error page", []), ("a wrong token", [])],
)
def test_given_any_failure_when_run_with_debug_logs_then_nothing_secret_is_printed(
    sandbox: Sandbox, tmp_path: Path, fault: str, debug: list[str]
) -> None:
    sandbox.set(seven_keys={SEVEN_KEY: ["balance", "pricing", "analytics"]}, smsfactor_tokens=[SMSFACTOR_TOKEN])
    if rule := FAULTS[fault]:
        sandbox.fault(rule["kind"], **{name: value for name, value in rule.items() if name != "kind"}, times=None)
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    settings = {"seven_api_key": SEVEN_KEY, "smsfactor_api_token": SMSFACTOR_TOKEN, "countries": ["FR"]}
    config.write_text(json.dumps(sandbox.config(start_date="2026-03-08", max_outage_seconds=2, **settings)))
    catalog.write_text(json.dumps(configured_catalog(PRIMARY_KEYS)))
    for command in (["check"], ["read", "--catalog", str(catalog)]):
        sandbox.clear_requests()
        done = fork(
            *(run_at, "2026-03-10T12:00", *command, "--config", str(config), *debug),
            environment={"LOG_LEVEL": "info" if debug else "debug"},
        )
        printed = done.stdout + done.stderr
        assert [secret for secret in FORBIDDEN if secret in printed] == []
        assert "DEBUG" in printed
        assert sandbox.requests() != []
        assert done.stderr == ""
        if fault != "nothing" and command[0] == "read":
            assert done.code != 0
