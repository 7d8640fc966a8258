"""`make probe` names how an account behaves, or says that it cannot tell, and nothing that is not to be published."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import time_machine

from integration_tests.command import ROOT
from integration_tests.probe.__main__ import PROVIDERS, Report, main, probe, write
from integration_tests.probe.asking import MOST_REQUESTS
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.settings import Settings
from integration_tests.sandbox.world import SEVEN_LABELS

AFTERNOON = "2026-03-10T15:00:00Z"
ROUNDS = int(os.environ.get("ROUNDS", "1"))

HELD_BY_THE_ACCOUNT = {
    "account_opened": (None, "2025-11-01", "2026-03-09"),
    "activity": ("busy", "weekday", "seasonal", "dormant"),
    "balance_amount": (None, 900, 12.5),
    "correction_days": (0, 3),
    "corrections": ([],),
    "postpaid_limit": (False, 500),
    "seed": tuple(range(50)),
    "seven_groups": ("many", "one"),
    "seven_subaccounts": (0, 3),
    "seven_unlisted": ([],),
    "smsfactor_sub_accounts": (0, 1, 3),
}
"""Knobs that say what an account holds, and not how its provider behaves."""
RIGHT_UNDER_EACH = {
    "seven_days_left_out",
    "seven_days_reported",
    "seven_deleted_subaccounts",
    "seven_group_costs",
    "seven_labels_gone",
    "seven_most_groups",
    "seven_ungrouped",
    "seven_unknown_id",
    "seven_unknown_label",
    "seven_unnamed",
    "smsfactor_group_total",
    "smsfactor_most_days",
    "smsfactor_most_days_are",
}
"""Behaviours that need no question: the connector is right under each of them (test_figures.py). Most show only after
something was deleted or forgotten."""
NOT_SEEN = {"latency", "seven_ip_refused", "seven_keys", "smsfactor_tokens", "today"}
"""Knobs of the sandbox's own, and those that let nobody in."""

TOLD = {question.knob for provider in PROVIDERS for question in provider.questions if question.knob}


def values(knob: str) -> tuple[Any, ...]:
    """Each value of a knob that a question tells."""
    hint = get_type_hints(Settings)[knob]
    if get_origin(hint) is Literal:
        return get_args(hint)
    return {bool: (False, True), int: (0, 1)}[hint]


@pytest.fixture(autouse=True)
def _afternoon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("source_sms_providers.smsfactor.check.GROWTH_SECONDS", 0.01)
    with time_machine.travel(AFTERNOON):
        yield


def probed(sandbox: Sandbox, **settings: Any) -> Report:
    """The report on a sandbox, whose requests were counted and only read."""
    sandbox.clear_requests()
    report = probe(sandbox.config(**settings), "the sandbox")
    asked = sandbox.requests()
    assert len(asked) == report.requests <= MOST_REQUESTS
    assert {each["method"] for each in asked} <= {"GET"}
    # Yesterday, the credits, the running day: to see whether they change. And the balance with another key.
    assert len(asked) - len({(each["path"], *sorted(each["query"].items())) for each in asked}) <= 6
    return report


def shown(report: Report, about: str) -> str:
    return next(each.verdict.shows for each in report.lines if each.question.about == about)


def test_given_any_knob_then_a_question_covers_it_or_it_is_no_behaviour() -> None:
    assert {knob.name for knob in fields(Settings)} == TOLD | HELD_BY_THE_ACCOUNT.keys() | RIGHT_UNDER_EACH | NOT_SEEN


@pytest.mark.parametrize(("knob", "value"), [(knob, value) for knob in sorted(TOLD) for value in values(knob)])
def test_given_a_knob_when_probed_then_the_report_names_its_value(sandbox: Sandbox, knob: str, value: Any) -> None:
    keys = {"seven.io": "seven_api_key", "SMSFactor": "smsfactor_api_token"}
    for provider in PROVIDERS:
        if knob in (question.knob for question in provider.questions):
            del keys[provider.name]
    sandbox.set(**{knob: value})
    if value == "start_excluded":
        # The running day grows between two reads.
        days = {"date_start": "2026-03-09", "date_end": "2026-03-10"}
        grown = {"data.my_account.conso.total": 99_999}
        sandbox.fault("edit", set=grown, path="/metrics", query=days, skip=1, times=1)
    if knob == "seven_most_days_are":
        sandbox.set(seven_most_days=3)
    if knob == "seven_days_before_account":
        sandbox.set(account_opened="2025-11-01")
    if knob == "smsfactor_empty_sub_accounts":
        sandbox.set(smsfactor_sub_accounts=0)

    # The other provider, which has no part in it, is not asked.
    assert probed(sandbox, **dict.fromkeys(keys.values(), "")).knobs()[knob] == value


@pytest.mark.parametrize("number", range(10 * ROUNDS))
def test_given_knobs_drawn_by_chance_when_probed_then_what_is_named_is_right(sandbox: Sandbox, number: int) -> None:
    chance = random.Random(number)
    drawn = {knob: chance.choice(values(knob)) for knob in sorted(TOLD)}
    drawn |= {knob: chance.choice(held) for knob, held in HELD_BY_THE_ACCOUNT.items()}
    sandbox.set(**drawn)

    named = probed(sandbox).knobs()

    assert named == {knob: drawn[knob] for knob in named}


def test_given_an_account_with_private_data_then_the_report_files_hold_none_of_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    key, token = "aVeryPrivateSevenKey42", "aVeryPrivateSmsfactorToken43"
    usage = {"kind": "add", "day": "2026-03-05", "country": "ZW", "messages": 987_654_321}
    corrections = [
        {"provider": "seven", "account": "5310421", "label": "private-label@example.org", **usage},
        {"provider": "seven", "kind": "rename", "account": "5310421", "name": "Very Private Company"},
        {"provider": "smsfactor", "account": "2001", **usage},
    ]
    rights = ["balance", "pricing", "analytics"]
    sandbox.set(corrections=corrections, balance_amount=87_654.32, seven_keys={key: rights}, smsfactor_tokens=[token])

    report = probed(sandbox, seven_api_key=key, smsfactor_api_token=token)
    write(report, tmp_path)

    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    private = (key, token, "private", "Private", "example.org", "98765", "87654", "ZW", "5310421", "2001", "1001")
    names = ("Main GmbH", "Sandbox SARL", "Filiale", *SEVEN_LABELS[1:], sandbox.url)
    assert {path.name for path in tmp_path.iterdir()} == {"probe-report.md", "probe-report.json"}
    assert "it adds up to the totals by date" in written
    assert [text for text in (*private, *names) if text in written] == []


def test_given_one_key_when_reported_then_the_other_provider_is_not_requested(sandbox: Sandbox) -> None:
    report = probed(sandbox, smsfactor_api_token="")

    assert "## SMSFactor\n\nNot asked: there is no key for it in the settings.\n" in report.as_page()
    assert {path for path in sandbox.stats()["paths"] if not path.startswith("/api/")} == set()


def test_given_no_usage_when_probed_then_what_needs_usage_is_reported_as_unknown(sandbox: Sandbox) -> None:
    sandbox.set(activity="dormant")

    report = probed(sandbox)

    assert shown(report, "Day boundaries") == "cannot tell: no consumption in the last two years"
    assert shown(report, "A label that is not known") == "cannot tell: no usage in the last year"
    assert shown(report, "The filter by sub-account") == (
        "cannot tell: the main account has no consumption in the last year"
    )


def test_given_one_country_when_probed_then_its_filter_is_reported_as_unknown(sandbox: Sandbox) -> None:
    of_france = {"data.my_account.conso": {"total": 5, "by_country": {"FR": 5}}, "data.by_sub_accounts": []}
    sandbox.fault("edit", set=of_france, path="/metrics", times=None)

    report = probed(sandbox, seven_api_key="")

    assert shown(report, "The filter by country") == "cannot tell: no account sent to two countries in the last year"


def test_given_an_unexpected_response_when_probed_then_one_line_is_unknown(sandbox: Sandbox) -> None:
    sandbox.fault("edit", set={"data": []}, path="/metrics", query={"sub_account_id": "999999999"}, times=None)

    report = probed(sandbox)

    assert shown(report, "A sub-account id that is not known") == (
        "cannot tell: the answer has a shape that the question does not know"
    )
    assert shown(report, "Day boundaries") == "inclusive"


def test_given_a_group_total_that_is_off_when_reported_then_the_assumption_is_named(sandbox: Sandbox) -> None:
    sandbox.set(smsfactor_total_off_by=4_711)

    report = probed(sandbox)

    page = report.as_page()
    assert shown(report, "Day boundaries") == "inclusive"
    assert "- SMSFactor's group total is the sum of its accounts." in page
    assert "4711" not in page


def test_given_an_outage_when_probed_then_it_decides_nothing_and_nothing_is_repeated(
    sandbox: Sandbox,
) -> None:
    for query in ({"start": "2026-02-31"}, {"group_by": "country"}):
        sandbox.fault("status", code=503, path="/api/analytics", query=query, times=None)

    report = probed(sandbox)

    refused = "cannot tell: the request was refused, or got no good answer"
    assert shown(report, "Dates that do not exist") == shown(report, "The grouping by country") == refused
    assert "seven_default_window_on_bad_dates" not in report.knobs()


def test_given_more_questions_than_requests_when_probed_then_the_rest_is_unknown(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration_tests.probe.asking.MOST_REQUESTS", 12)

    report = probed(sandbox)

    assert report.requests == 12
    assert shown(report, "Day boundaries") == "cannot tell: the 12 requests are used up"


def test_given_no_rate_in_the_settings_when_probed_then_all_requests_share_one_pace(
    sandbox: Sandbox, no_waiting: list[float]
) -> None:
    report = probed(sandbox, requests_per_second=None)

    # Two a second: without the waits the last ones come far ahead of their turn.
    assert max(no_waiting) > 1
    assert len(no_waiting) < report.requests


def test_given_other_counters_and_a_refund_when_probed_then_they_are_reported(sandbox: Sandbox) -> None:
    by_date = {"path": "/api/analytics", "query": {"group_by": "date"}, "times": None}
    sandbox.fault("edit", delete=["*.rcs"], set={"*.fax": 1, "7.usage_eur": -0.5}, **by_date)

    report = probed(sandbox, smsfactor_api_token="")

    assert shown(report, "Counters of a row") == "some are missing and some are new"
    assert shown(report, "Refunds") == "a day's costs can be negative"
    assert shown(report, "The grouping by country") == "it does not add up to the totals by date"


LATE_IN_THE_EVENING = "2026-03-10T23:30:00Z"
ZONE = "The time zone of a day"


def zones(report: Report) -> set[str]:
    return {each.verdict.shows for each in report.lines if each.question.about == ZONE}


def test_given_usage_of_tomorrow_when_probed_before_midnight_then_days_are_of_paris(
    sandbox: Sandbox,
) -> None:
    sandbox.set(today="2026-03-11")

    with time_machine.travel(LATE_IN_THE_EVENING):
        assert zones(probed(sandbox)) == {"its days are those of Paris and Berlin: tomorrow's has begun before UTC's"}


def test_given_usage_of_today_when_probed_before_midnight_then_days_are_of_utc(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "provider": "seven",
        "kind": "add",
        "day": "2026-03-10",
        "account": "",
        "label": "",
        "country": "DE",
        "messages": 5,
    }
    of_smsfactor = {
        "provider": "smsfactor",
        "kind": "add",
        "day": "2026-03-10",
        "account": "1001",
        "country": "FR",
        "messages": 5,
    }
    monkeypatch.setattr(
        "integration_tests.probe.asking.time.sleep", lambda _: sandbox.set(corrections=[more, of_smsfactor])
    )

    with time_machine.travel(LATE_IN_THE_EVENING):
        report = probe(sandbox.config(), "the sandbox")

    assert "its days are those of UTC: today's still grows" in zones(report)


def test_given_any_other_time_when_probed_then_the_time_zone_is_reported_as_unknown(
    sandbox: Sandbox,
) -> None:
    assert zones(probed(sandbox)) == {
        "cannot tell: it is told in the last hour of a day in UTC, from 22:00 on in summer: run the probe then"
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seven_api_key": "wrong"}, "seven.io does not accept the API key"),
        ({"smsfactor_api_token": "wrong"}, "SMSFactor does not accept the API token"),
        ({"seven_base_url": "http://127.0.0.1:9"}, "seven.io could not be reached"),
        (
            {"seven_api_key": "", "smsfactor_api_token": ""},
            "Enter the seven.io API key",
        ),
    ],
)
def test_given_what_lets_nobody_in_when_probed_then_it_ends_with_a_sentence(
    sandbox: Sandbox, tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(sandbox.config(**settings)))

    with pytest.raises(SystemExit) as ended:
        main(config, tmp_path)

    # Python prints a text to stderr, and ends with 1.
    assert str(ended.value).startswith(sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_given_a_report_when_a_sandbox_is_made_like_it_then_it_is_reported_alike(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.set(
        seven_numbers_as_strings=True,
        smsfactor_day_boundaries="both_excluded",
        smsfactor_sub_accounts_shape="keyed",
        smsfactor_total_off_by=12,
    )
    report = probed(sandbox)
    write(report, tmp_path)
    command = [sys.executable, "-m", "integration_tests.sandbox", "--port=0", "--today=2026-03-10"]

    with subprocess.Popen(
        [*command, f"--like={tmp_path / 'probe-report.json'}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("sandbox ready at ").strip()
        alike = probe(sandbox.config(seven_base_url=f"{url}/api", smsfactor_base_url=url), "the sandbox")
        process.terminate()

    assert alike.as_json() == report.as_json()
