"""A check is green only if the days that a sync would book are the days that SMSFactor means."""

from __future__ import annotations

import json
import os
import random
from datetime import date, datetime, timedelta, timezone

import pytest

from integration_tests.sandbox.client import Sandbox
from integration_tests.sync import check, sync

MODES = ("inclusive", "end_excluded", "both_excluded", "start_excluded")
MIDNIGHT = datetime(2026, 3, 10, tzinfo=timezone.utc)
MORNING, AFTERNOON = MIDNIGHT + timedelta(hours=8), MIDNIGHT + timedelta(hours=15)
PARIS_MAY_BE_IN_TOMORROW = MIDNIGHT + timedelta(hours=21, minutes=30)
ROUNDS = int(os.environ.get("ROUNDS", "1"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("source_sms_providers.smsfactor.check.GROWTH_SECONDS", 0.01)


def checked(sandbox: Sandbox, setting: str, now: datetime) -> tuple[str, str, str]:
    return check(sandbox.config(start_date="2026-01-01", seven_api_key="", smsfactor_day_boundaries=setting), now)


def moments(drawn_for: str) -> list[datetime]:
    """Moments of the day, one drawn by chance a round, and those between which something changes."""
    chance = random.Random(drawn_for)
    drawn = [MIDNIGHT + timedelta(seconds=chance.randrange(24 * 3600)) for _ in range(ROUNDS)]
    return [MIDNIGHT, *drawn, PARIS_MAY_BE_IN_TOMORROW - timedelta(minutes=1), PARIS_MAY_BE_IN_TOMORROW]


@pytest.mark.parametrize("setting", MODES)
@pytest.mark.parametrize("server", MODES)
@pytest.mark.parametrize("activity", ["busy", "weekday", "dormant"])
def test_given_any_server_and_setting_when_checked_at_any_time_then_success_is_right(
    sandbox: Sandbox, server: str, setting: str, activity: str
) -> None:
    sandbox.set(smsfactor_day_boundaries=server, activity=activity)

    for now in moments(f"{server} {setting} {activity}"):
        status, sentence, _ = checked(sandbox, setting, now)

        if activity == "dormant":
            assert status == "SUCCEEDED", now
        elif status == "SUCCEEDED":
            assert setting == server, now
        elif setting == server:
            assert "consistent with both" in sentence, now
        else:
            assert server in sentence, now
        if activity != "dormant" and {setting, server} <= {"inclusive", "both_excluded"}:
            assert (status == "SUCCEEDED") is (setting == server), now


@pytest.mark.parametrize("days", ["newest", "oldest"])
@pytest.mark.parametrize("setting", MODES[1:])
def test_given_old_messages_and_cut_ranges_then_check_rejects_a_wrong_setting(
    sandbox: Sandbox, setting: str, days: str
) -> None:
    sandbox.set(activity="seasonal", smsfactor_most_days=31, smsfactor_most_days_are=days)
    config = sandbox.config(start_date="2025-01-01", seven_api_key="", smsfactor_day_boundaries=setting)

    status, sentence, _ = check(config, AFTERNOON)

    assert (status, "inclusive" in sentence) == ("FAILED", True)


def test_given_old_sub_account_messages_and_cut_ranges_then_check_succeeds(
    sandbox: Sandbox,
) -> None:
    sandbox.set(activity="seasonal", smsfactor_most_days=31, smsfactor_idle_sub_accounts="left_out")
    config = sandbox.config(start_date="2025-01-01", seven_api_key="", smsfactor_sub_account_id="2001")

    assert check(config, AFTERNOON)[0] == "SUCCEEDED"


def test_given_a_day_with_messages_when_checked_on_it_then_end_excluded_is_verified(
    sandbox: Sandbox,
) -> None:
    sandbox.set(smsfactor_day_boundaries="end_excluded")

    proven = {now: checked(sandbox, "end_excluded", now)[0] == "SUCCEEDED" for now in moments("end_excluded")}

    assert proven == {now: now < PARIS_MAY_BE_IN_TOMORROW for now in proven}


def test_given_messages_of_the_new_day_in_paris_then_end_excluded_is_verified(sandbox: Sandbox) -> None:
    sandbox.set(smsfactor_day_boundaries="end_excluded", today="2026-03-11")

    assert checked(sandbox, "end_excluded", MIDNIGHT + timedelta(hours=23))[0] == "SUCCEEDED"


def test_given_a_day_without_messages_then_the_error_names_a_time_to_check_again(
    sandbox: Sandbox,
) -> None:
    sandbox.set(smsfactor_day_boundaries="end_excluded", today="2026-03-09")

    assert "between 0:00 and 21:30 UTC, once messages were sent" in checked(sandbox, "end_excluded", AFTERNOON)[1]


def test_given_a_day_that_grows_when_checked_then_start_excluded_is_verified(sandbox: Sandbox) -> None:
    sandbox.set(smsfactor_day_boundaries="start_excluded")
    assert "while messages are being sent" in checked(sandbox, "start_excluded", AFTERNOON)[1]
    total = {"data.total": 999_999}
    sandbox.fault(
        "edit",
        set=total,
        path="/metrics",
        query={"date_start": "2026-03-09", "date_end": "2026-03-10"},
        skip=1,
        times=1,
    )

    assert checked(sandbox, "start_excluded", AFTERNOON)[0] == "SUCCEEDED"


def test_when_checked_then_the_docs_match_the_number_of_requests(sandbox: Sandbox) -> None:
    check(sandbox.config(), AFTERNOON)

    assert sandbox.stats()["paths"] == {
        "/api/balance": 1,
        "/api/pricing": 1,
        "/api/analytics": 4,
        "/credits": 1,
        "/metrics/consumption": 1 + 7,
    }


def test_given_an_unlisted_sub_account_when_checked_then_the_error_lists_the_others(
    sandbox: Sandbox,
) -> None:
    status, sentence, kind = check(sandbox.config(smsfactor_sub_account_id="77"), AFTERNOON)

    assert (status, kind) == ("FAILED", "config_error")
    assert "1001, 2001, 2002, 2003" in sentence


def test_given_an_unknown_label_when_checked_and_read_then_it_is_a_config_error(
    sandbox: Sandbox,
) -> None:
    config = sandbox.config(start_date="2026-03-01", seven_label="no-such-label")

    status, sentence, kind = check(config, AFTERNOON)
    result = sync(config, ["analytics_by_label"], now=date(2026, 3, 10))

    assert (status, kind) == ("FAILED", "config_error")
    assert sentence.startswith("seven.io does not know the label")
    assert result.failures()["analytics_by_label"][0] == "config_error"


def test_given_an_id_that_returns_other_accounts_then_check_reports_a_config_error(
    sandbox: Sandbox,
) -> None:
    rows = [
        {"account": name, "sms": 1, "rcs": 0, "voice": 0, "hlr": 0, "mnp": 0, "inbound": 0, "usage_eur": 0.1}
        for name in ("Main GmbH", "Another")
    ]

    sandbox.fault("body", body=json.dumps(rows), query={"group_by": "subaccount"}, times=None)

    status, sentence, kind = check(sandbox.config(seven_subaccounts="42"), AFTERNOON)

    assert (status, kind) == ("FAILED", "config_error")
    assert "subaccount 42" in sentence


def test_given_neither_key_when_checked_then_the_error_reports_it(sandbox: Sandbox) -> None:
    status, sentence, kind = check({"start_date": "2026-03-01"}, AFTERNOON)

    assert (status, kind) == ("FAILED", "config_error")
    assert sentence.startswith("Enter the seven.io API key")


def test_given_a_start_today_when_checked_then_it_passes(sandbox: Sandbox) -> None:
    config = sandbox.config(start_date=str((AFTERNOON - timedelta(hours=1)).date()))

    assert check(config, AFTERNOON)[0] == "SUCCEEDED"
