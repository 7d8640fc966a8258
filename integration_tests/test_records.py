"""Every record of every stream is what the providers hold, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import jsonschema
import pytest

from integration_tests.expected import expected_records
from integration_tests.history import seven
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.world import COUNTERS
from integration_tests.streams import BY_ACCOUNT, DAILY, PRIMARY_KEYS, SCHEMAS, SUGGESTED
from integration_tests.sync import Sync, sync, without_nulls

TODAY = date(2026, 3, 10)
START = date(2026, 2, 26)


ANOTHER_COUNTRY = seven("add", day="2025-12-24", account="", label="", country="AT", messages=3)
BUT_PRICING = tuple(stream for stream in PRIMARY_KEYS if stream != "pricing")


def synced(
    sandbox: Sandbox, streams: Iterable[str] = tuple(PRIMARY_KEYS), **settings: Any
) -> tuple[dict[str, Any], Sync]:
    config = sandbox.config(start_date=str(START), **settings)
    result = sync(config, streams, now=TODAY)
    assert result.error is None, result.sentence
    return config, result


def assert_exact(
    sandbox: Sandbox, config: dict[str, Any], result: Sync, streams: Iterable[str] = tuple(PRIMARY_KEYS)
) -> None:
    last = TODAY if config.get("include_today") else TODAY - timedelta(days=1)
    expected = expected_records(sandbox.settings(), config, TODAY, START, last)
    for stream in streams:
        assert without_nulls(result.records(stream), stream) == without_nulls(expected[stream], stream), stream


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"include_today": True},
        {"seven_subaccounts": "only_main"},
        {"seven_subaccounts": "5310421"},
        {"seven_label": "otp"},
        {"countries": ["fr"]},
        {"countries": ["FR", "DE", "CH"]},
        {"smsfactor_sub_account_id": "2001"},
        {"smsfactor_sub_account_id": "1001", "countries": ["FR", "BE"]},
        {"num_workers": 1},
        {"num_workers": 32},
    ],
    ids=json.dumps,
)
def test_given_settings_when_read_then_every_stream_holds_what_the_providers_hold(
    sandbox: Sandbox, settings: dict[str, Any]
) -> None:
    config, result = synced(sandbox, **settings)

    assert_exact(sandbox, config, result)


@pytest.mark.parametrize(
    "knobs",
    [
        {"smsfactor_empty_country_map": "object"},
        {"smsfactor_empty_country_map": "null"},
        {"smsfactor_empty_country_map": "missing"},
        {"smsfactor_country_map": "pairs"},
        {"smsfactor_sub_accounts_shape": "keyed"},
        {"smsfactor_sub_accounts": 0, "smsfactor_empty_sub_accounts": "list"},
        {"smsfactor_sub_accounts": 0, "smsfactor_empty_sub_accounts": "null"},
        {"smsfactor_sub_accounts": 0, "smsfactor_empty_sub_accounts": "missing"},
        {"smsfactor_idle_sub_accounts": "left_out"},
        {"smsfactor_numbers_as_strings": True},
        {"seven_numbers_as_strings": True},
        {"smsfactor_total_off_by": 7},
        {"credits_old_shape": True},
        {"seven_subaccounts": 0},
        {"seven_subaccounts": 60},
        {"seven_subaccounts_shape": "numbers"},
        {"seven_subaccounts_shape": "old"},
        {"smsfactor_sub_accounts_old_shape": True},
        {"postpaid_limit": 500},
        {"balance_amount": 900},
        {"balance_amount": -12.345},
        {"activity": "weekday"},
        {"activity": "dormant"},
        {"seed": 8},
        {"correction_days": 2},
    ],
    ids=json.dumps,
)
def test_given_accounts_of_any_shape_or_state_when_read_then_the_records_are_exact(
    sandbox: Sandbox, knobs: dict[str, Any]
) -> None:
    sandbox.set(**knobs)

    config, result = synced(sandbox, BUT_PRICING)

    assert_exact(sandbox, config, result, BUT_PRICING)


@pytest.mark.parametrize("filters_totals", [True, False])
@pytest.mark.parametrize("my_account", ["my_account_stays", "my_account_vanishes", "my_account_zero"])
def test_given_any_way_smsfactor_filters_when_filters_are_set_then_records_are_equal(
    sandbox: Sandbox, filters_totals: bool, my_account: str
) -> None:
    sandbox.set(smsfactor_country_filter_totals=filters_totals, smsfactor_sub_account_filter=my_account)

    config, result = synced(sandbox, ["consumption"], countries=["FR", "BE"], smsfactor_sub_account_id="2002")

    assert_exact(sandbox, config, result, ["consumption"])


@pytest.mark.parametrize("boundaries", ["inclusive", "end_excluded", "both_excluded", "start_excluded"])
def test_given_date_range_bounds_when_the_setting_matches_then_the_records_are_exact(
    sandbox: Sandbox, boundaries: str
) -> None:
    sandbox.set(smsfactor_day_boundaries=boundaries)

    config, result = synced(sandbox, ["consumption"], smsfactor_day_boundaries=boundaries)

    assert_exact(sandbox, config, result, ["consumption"])


def test_given_a_full_refresh_then_the_records_are_those_of_an_incremental_sync(sandbox: Sandbox) -> None:
    config, incremental = synced(sandbox)
    full = sync(config, now=TODAY, sync_mode="full_refresh")

    for stream in PRIMARY_KEYS:
        assert without_nulls(full.records(stream), stream) == without_nulls(incremental.records(stream), stream)


def test_when_read_then_each_record_has_only_valid_fields_that_its_schema_declares(
    sandbox: Sandbox,
) -> None:
    _, result = synced(sandbox, include_today=True)

    for stream in PRIMARY_KEYS:
        schema = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))
        strict = jsonschema.Draft7Validator(
            {**schema, "additionalProperties": False}, format_checker=jsonschema.FormatChecker()
        )
        rows = result.records(stream)
        assert rows
        for row in rows:
            strict.validate(row)


def test_when_read_then_no_two_rows_of_a_sync_share_a_key(sandbox: Sandbox) -> None:
    _, result = synced(sandbox)

    for stream, key in PRIMARY_KEYS.items():
        keys = [tuple(row[name] for name in key) for row in result.records(stream)]
        assert len(keys) == len(set(keys)), stream


def test_when_read_then_an_accounts_consumption_adds_up_to_its_total(sandbox: Sandbox) -> None:
    _, result = synced(sandbox)
    sandbox.clear_requests()

    booked: dict[str, float] = {}
    for row in result.records("consumption"):
        booked[row["date"]] = booked.get(row["date"], 0) + row["consumption"]

    assert len(booked) == (TODAY - START).days
    unfiltered = expected_records(sandbox.settings(), {}, TODAY, START, TODAY - timedelta(days=1))["consumption"]
    assert sum(booked.values()) == sum(row["consumption"] for row in unfiltered)


def test_given_accounts_unequal_to_the_total_then_a_warning_has_date_and_numbers(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.set(smsfactor_total_off_by=7)

    sync(sandbox.config(start_date="2026-03-09"), ["consumption"], now=TODAY)

    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    rows = expected_records(sandbox.settings(), {}, TODAY, date(2026, 3, 9), date(2026, 3, 9))["consumption"]
    total = sum(row["consumption"] for row in rows)
    assert len(warnings) == 1
    assert warnings[0].endswith(f"Days: 1, first: 2026-03-09 ({total}, group total {total + 7}).")


def assert_formula(sandbox: Sandbox, result: Sync, days: int, streams: Iterable[str] = tuple(PRIMARY_KEYS)) -> int:
    """Holds a sync of these streams against the formula of the docs; how many requests it took."""
    asked = [request["path"] for request in sandbox.requests()]
    years = -(-days // 365)
    busy = sum(1 for row in result.records("analytics") if any(row[name] for name in (*COUNTERS, "usage_eur")))
    accounts = len({(row["date"], row["account_id"]) for row in result.records(BY_ACCOUNT) if row["sms"]})
    of_lists = sum(asked.count(path) for path in ("/api/subaccounts", "/sub-accounts"))
    of_seven, of_smsfactor = asked.count("/api/analytics") - years - accounts, asked.count("/metrics/consumption")
    if days <= 40:
        assert of_seven == 3 * busy
    assert 0 <= of_seven <= 3 * busy * 21 / 20
    assert of_smsfactor == days
    assert len(asked) == 3 + of_lists + years + accounts + of_seven + of_smsfactor
    assert len(result.records("analytics")) == days
    for stream in {*DAILY} & {*streams}:
        assert len({row["date"] for row in result.records(stream)}) == days
    return len(asked)


@pytest.mark.parametrize("days", [1, 5, 400])
def test_when_a_sync_reads_n_days_then_the_docs_match_its_requests_and_records(sandbox: Sandbox, days: int) -> None:
    start = TODAY - timedelta(days=days)

    assert_formula(sandbox, sync(sandbox.config(start_date=str(start)), now=TODAY), days)


@pytest.mark.parametrize(
    ("knobs", "most"),
    [
        ({"seven_groups": "one"}, 20 + 365),
        ({"activity": "dormant"}, 4 + 365),
        ({"activity": "seasonal"}, 640),
        ({"seven_groups": "one", "account_opened": "2025-09-01"}, 10 + 365),
        ({"seven_groups": "one", "corrections": [ANOTHER_COUNTRY], "smsfactor_idle_sub_accounts": "left_out"}, 465),
    ],
    ids=json.dumps,
)
def test_given_a_year_of_few_groups_or_no_usage_then_few_requests_give_exact_records(
    sandbox: Sandbox, knobs: dict[str, Any], most: int
) -> None:
    sandbox.set(**knobs)
    start = TODAY - timedelta(days=365)
    config = sandbox.config(start_date=str(start))

    result = sync(config, SUGGESTED, now=TODAY)

    assert assert_formula(sandbox, result, 365, SUGGESTED) <= most
    expected = expected_records(sandbox.settings(), config, TODAY, start, TODAY - timedelta(days=1))
    for stream in SUGGESTED:
        assert without_nulls(result.records(stream), stream) == without_nulls(expected[stream], stream), stream


@pytest.mark.parametrize(
    ("pause", "days", "most"), [(0, 3, 30), (1, 3, 30), (7, 9, 78)], ids=["the same day", "daily", "weekly"]
)
def test_when_a_sync_follows_another_then_the_pause_decides_how_many_days_are_read(
    sandbox: Sandbox, pause: int, days: int, most: int
) -> None:
    config = sandbox.config(start_date="2026-02-01")
    first = sync(config, now=TODAY)
    today = TODAY + timedelta(days=pause)
    sandbox.set(today=str(today))
    sandbox.clear_requests()

    result = sync(config, state=first.state, now=today)

    assert assert_formula(sandbox, result, days) <= most
