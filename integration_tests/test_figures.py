"""Figures that a sync must not get wrong: the sums of each grouping, removed groups, missing days, kills, filters.

The rules stand in `contract.py`; each test here is an input that a version of the connector got wrong, or stands beside
one.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from airbyte_cdk.models import FailureType

from integration_tests.expected import expected_records
from integration_tests.history import seven, smsfactor
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.world import COUNTERS
from integration_tests.streams import BY_ACCOUNT, DAILY, GROUPED, PRIMARY_KEYS
from integration_tests.sync import Destination, Sync, check, sync, without_nulls

pytestmark = pytest.mark.usefixtures("no_waiting")

ONE_DAY = timedelta(days=1)
DAY, TODAY, TOMORROW = "2026-03-09", "2026-03-10", "2026-03-11"
BY_COUNTRY, BY_LABEL, BY_SUBACCOUNT = GROUPED
OF_SEVEN = tuple(stream for stream in DAILY if stream != "consumption")
OF_ACCOUNTS = (BY_SUBACCOUNT, BY_ACCOUNT)
FIGURES = (*COUNTERS, "usage_eur", "consumption")
MAIN, ACCOUNT = "Main GmbH", "Tochter Köln"
ID = "5310421"
"""The id of ACCOUNT."""

Usage = Mapping[Any, Mapping[str, Any]]


@dataclass
class Connection:
    """One connection's syncs of the sandbox into one destination."""

    sandbox: Sandbox
    streams: Sequence[str] = DAILY
    start: str = DAY
    lookback: int = 5
    destination: Destination = field(default_factory=Destination)
    corrections: list[dict[str, Any]] = field(default_factory=list)

    def correct(self, *corrections: dict[str, Any]) -> None:
        """What the providers report from now on."""
        self.corrections += corrections
        self.sandbox.set(corrections=self.corrections)

    def run(self, today: str, **settings: Any) -> Sync:
        """A sync on that day, before anything of it reaches the destination."""
        self.sandbox.set(today=today)
        self.sandbox.clear_requests()
        config = self.sandbox.config(start_date=self.start, lookback_days=self.lookback, **settings)
        return sync(config, self.streams, self.destination.state.values(), now=date.fromisoformat(today))

    def sync(self, today: str, **settings: Any) -> Sync:
        """A sync that succeeds."""
        result = self.run(today, **settings)
        self.destination.take(result)
        assert result.error is None, result.sentence
        return result

    def sync_killed_before(self, stream: str, day: str, today: str, **settings: Any) -> None:
        """A sync that is killed between the state that names the rows of a day and the first of them."""
        result = self.run(today, num_workers=1, **settings)
        for message in result.messages:
            record = message.get("record", {})
            if (record.get("stream"), record.get("data", {}).get("date")) == (stream, day):
                break
            self.destination.take_message(message)
        else:
            raise AssertionError(f"{stream} has no record of {day}.")

    def usage(self, stream: str, day: str = DAY) -> Usage:
        """Group -> its figures that are not zero, for the groups that have any."""
        return {group: figures for group, figures in self.rows(stream, day).items() if figures}

    def rows(self, stream: str, day: str = DAY) -> Usage:
        """Group -> its figures that are not zero."""
        found = {}
        for row in self.destination.rows(stream):
            if row["date"] == day:
                group = tuple(row[name] for name in PRIMARY_KEYS[stream][1:])
                figures = {name: row[name] for name in FIGURES if row.get(name)}
                found[group[0] if len(group) == 1 else group] = figures
        return found

    def sums(self, figure: str, day: str = DAY) -> dict[str, float]:
        """Stream -> the sum of a figure over the rows of a day."""
        return {
            stream: sum(row.get(figure, 0) for row in self.rows(stream, day).values())
            for stream in self.streams
            if stream != "consumption"
        }


def charge(counter: str, count: int, cost: int = 0, **where: Any) -> dict[str, Any]:
    """Usage of one counter, with its cost in 1/10,000 EUR: of the main account, label otp and DE, if not said."""
    place = {"day": DAY, "account": "", "label": "otp", "country": "DE", **where}
    return seven("charge", **place, counter=counter, count=count, cost=cost)


def emptied(*days: str) -> list[dict[str, Any]]:
    return [each("scale", day=day, percent=0) for day in days or (DAY,) for each in (seven, smsfactor)]


def consumed(account: str, country: str, messages: int, day: str = DAY) -> dict[str, Any]:
    return smsfactor("add", day=day, account=account, country=country, messages=messages)


def days_between(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [str(start + n * ONE_DAY) for n in range((end - start).days + 1)]


def warnings(caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    """The warnings that hold all of these words."""
    found = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    return [message for message in found if all(word in message for word in words)]


DELETED = seven("delete", account=ID, totals="kept")
VOICE = charge("voice", 5, 900, country=None)
"""Five calls (0.09 EUR) of no country."""


# Days that seven.io leaves out


def test_days_that_seven_forgets_keep_their_rows_and_fail_as_transient(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_COUNTRY), start="2026-03-01", lookback=8)
    days = days_between("2026-03-01", "2026-03-12")
    connection.correct(*emptied(*days), *(charge("sms", 3, 210, day=day) for day in days))
    sandbox.set(seven_days_reported=5)

    for today in days_between("2026-03-02", "2026-03-12"):
        result = connection.run(today)
        connection.destination.take(result)

        forgets = today > "2026-03-06"
        assert {kind for kind, _ in result.failures().values()} == ({"transient_error"} if forgets else set())
        assert result.failures().keys() == (set(connection.streams) if forgets else set())
        for day in days_between("2026-03-01", str(date.fromisoformat(today) - ONE_DAY)):
            for stream in connection.streams:
                assert [*connection.usage(stream, day).values()] == [{"sms": 3, "usage_eur": 0.021}], (today, day)


@pytest.mark.parametrize("stream", OF_SEVEN)
def test_one_response_without_the_lookback_days_changes_no_row(sandbox: Sandbox, stream: str) -> None:
    connection = Connection(sandbox, [stream], start="2026-03-05")
    days = days_between("2026-03-05", TODAY)
    connection.correct(*emptied(*days), *(charge("sms", 3, 210, day=day) for day in days))
    connection.sync(TODAY)
    sandbox.set(seven_days_reported=1)

    result = connection.run(TOMORROW)
    connection.destination.take(result)

    assert result.failure_type is FailureType.transient_error
    three = [{"sms": 3, "usage_eur": 0.021}]
    assert {day: [*connection.usage(stream, day).values()] for day in days} == dict.fromkeys(days, three)
    assert connection.destination.state_day(stream) < TODAY

    sandbox.set(seven_days_reported=0)
    connection.correct(charge("sms", 1, 70, day="2026-03-07"))
    connection.sync(TOMORROW)

    assert [*connection.usage(stream, "2026-03-07").values()] == [{"sms": 4, "usage_eur": 0.028}]


def test_days_before_any_that_was_reported_are_zero_in_each_sync(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, OF_SEVEN, start="2026-03-03", lookback=9)
    sandbox.set(account_opened="2026-03-05", seven_days_before_account="left_out")
    connection.sync("2026-03-08")

    connection.sync("2026-03-09")

    for stream in connection.streams:
        assert [*connection.rows(stream, "2026-03-04").values()] == [{}]
        assert connection.usage(stream, "2026-03-05")

    # The account's first day is one that was reported, and no day before the account any more.
    sandbox.set(account_opened="2026-03-06", seven_days_before_account="left_out")
    before = {stream: connection.usage(stream, "2026-03-05") for stream in connection.streams}
    result = connection.run(TODAY)
    connection.destination.take(result)
    assert result.failures().keys() == set(connection.streams)
    assert {stream: connection.usage(stream, "2026-03-05") for stream in connection.streams} == before


@pytest.mark.parametrize("stream", OF_SEVEN)
def test_a_gap_between_days_of_a_first_sync_fails_as_transient(sandbox: Sandbox, stream: str) -> None:
    connection = Connection(sandbox, [stream], start="2026-03-05")
    sandbox.set(seven_days_left_out=["2026-03-07"])

    result = connection.run(TODAY)
    connection.destination.take(result)

    assert result.failure_type is FailureType.transient_error
    assert connection.destination.state_day(stream) == "2026-03-06"
    delivered = {row["date"] for row in connection.destination.rows(stream)}
    assert delivered == {*days_between("2026-03-05", DAY)} - {"2026-03-07"}

    sandbox.set(seven_days_left_out=[])
    connection.sync(TODAY)

    assert connection.usage(stream, "2026-03-07")


@pytest.mark.parametrize("stream", OF_SEVEN)
def test_days_read_under_a_former_filter_are_not_zero_where_left_out(sandbox: Sandbox, stream: str) -> None:
    connection = Connection(sandbox, [stream], start="2026-03-05")
    days = days_between("2026-03-05", TODAY)
    connection.correct(*emptied(*days), *(charge("sms", 3, 210, day=day) for day in days))
    connection.sync(TODAY)
    sandbox.set(seven_days_reported=2)

    result = connection.run(TOMORROW, seven_label="otp")
    connection.destination.take(result)

    assert result.failure_type is FailureType.transient_error
    three = [{"sms": 3, "usage_eur": 0.021}]
    assert {day: [*connection.usage(stream, day).values()] for day in days} == dict.fromkeys(days, three)


# Kills between a state and the rows that it names


def test_a_day_killed_before_its_rows_has_them_after_the_next_sync(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_COUNTRY))
    connection.correct(*emptied(), VOICE)
    connection.sync_killed_before(BY_COUNTRY, DAY, TODAY)

    connection.sync(TODAY)

    assert connection.usage(BY_COUNTRY) == {"": {"voice": 5, "usage_eur": 0.09}}


@pytest.mark.parametrize("stream", OF_ACCOUNTS)
def test_an_only_account_that_is_deleted_after_a_kill_keeps_its_usage(sandbox: Sandbox, stream: str) -> None:
    connection = Connection(sandbox, ("analytics", stream))
    connection.correct(*emptied(), charge("sms", 5, 350, account=ID))
    connection.sync_killed_before(stream, DAY, TODAY)
    connection.correct(DELETED)

    connection.sync(TODAY)

    group = ACCOUNT if stream == BY_SUBACCOUNT else (ID, "DE")
    assert connection.sums("sms") == {"analytics": 5, stream: 5}
    assert connection.usage(stream) == {group: {"sms": 5, "usage_eur": 0.035}}


@pytest.mark.parametrize("stream", OF_ACCOUNTS)
def test_a_correction_that_a_kill_kept_back_is_written_from_the_state(sandbox: Sandbox, stream: str) -> None:
    connection = Connection(sandbox, ("analytics", stream))
    connection.correct(*emptied(), charge("sms", 1, 70), charge("sms", 5, 350, account=ID))
    connection.sync(TODAY)
    connection.correct(charge("sms", 2, 140, account=ID))
    connection.sync_killed_before(stream, DAY, TOMORROW)
    connection.correct(DELETED)

    connection.sync(TOMORROW)

    main, account = (MAIN, ACCOUNT) if stream == BY_SUBACCOUNT else (("main", "DE"), (ID, "DE"))
    assert connection.sums("sms") == {"analytics": 8, stream: 8}
    assert {group: row["sms"] for group, row in connection.usage(stream).items()} == {main: 1, account: 7}


def test_an_account_of_smsfactor_that_is_deleted_after_a_kill_keeps_its_rows(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ["consumption"])
    connection.correct(*emptied(), consumed("1001", "FR", 100), consumed("2001", "FR", 24))
    connection.sync_killed_before("consumption", DAY, TODAY)
    connection.correct(smsfactor("delete", account="2001", totals="kept"))

    connection.sync(TODAY)

    assert connection.usage("consumption") == {
        ("1001", "FR"): {"consumption": 100},
        ("2001", "FR"): {"consumption": 24},
    }


@pytest.mark.parametrize("stream", [*GROUPED, BY_ACCOUNT])
def test_a_day_emptied_between_two_requests_after_a_kill_has_a_row(sandbox: Sandbox, stream: str) -> None:
    connection = Connection(sandbox, ("analytics", stream))
    connection.correct(*emptied(), charge("voice", 5, 900, account=ID))
    connection.sync_killed_before(stream, DAY, TODAY)
    for group_by in ("country", "label", "subaccount"):
        sandbox.fault("body", body="[]", query={"group_by": group_by}, times=None)

    connection.sync(TODAY)

    assert connection.sums("voice") == {"analytics": 5, stream: 5}

    sandbox.clear_faults()
    connection.correct(*emptied())
    connection.sync(TODAY)

    assert connection.rows(stream)
    assert connection.usage(stream) == {}


# Whose usage it is


def test_two_accounts_of_one_name_keep_their_own_counters(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_ACCOUNT))
    connection.correct(*emptied(), charge("inbound", 7))
    connection.correct(*(seven("rename", account=account, name="Shop") for account in ("", ID)))

    connection.sync(TODAY)

    assert connection.usage(BY_ACCOUNT) == {("main", "DE"): {"inbound": 7}}


def test_an_account_without_a_name_and_without_sms_has_its_counters(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_ACCOUNT))
    sandbox.set(seven_unnamed=[ID])
    connection.correct(*emptied(), charge("inbound", 4, account=ID))

    connection.sync(TODAY)

    assert connection.usage(BY_ACCOUNT) == {(ID, "DE"): {"inbound": 4}}


def test_a_main_account_that_was_renamed_and_sent_no_sms_has_its_counters(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_ACCOUNT))
    connection.correct(*emptied(), charge("inbound", 3), charge("inbound", 4, account=ID))
    connection.correct(seven("rename", account="", name="Holding"))

    connection.sync(TODAY)

    assert connection.usage(BY_ACCOUNT) == {("main", "DE"): {"inbound": 3}, (ID, "DE"): {"inbound": 4}}


@pytest.mark.parametrize("unknown_id", ["everything", "nothing"])
def test_an_account_in_the_settings_that_was_deleted_fails_its_streams(sandbox: Sandbox, unknown_id: str) -> None:
    connection = Connection(sandbox, OF_SEVEN)
    sandbox.set(seven_unknown_id=unknown_id)
    connection.correct(*emptied(), charge("sms", 3, account=ID), charge("sms", 1500))
    connection.sync(TODAY, seven_subaccounts=ID)
    before = {stream: connection.usage(stream) for stream in OF_SEVEN}
    connection.correct(seven("delete", account=ID, totals="dropped"))

    result = connection.run(TOMORROW, seven_subaccounts=ID)
    connection.destination.take(result)

    assert connection.sums("sms") == dict.fromkeys(OF_SEVEN, 3)
    assert {stream: connection.usage(stream) for stream in OF_SEVEN} == before
    assert result.failures().keys() == set(OF_SEVEN)
    assert all(ID in sentence for _, sentence in result.failures().values())


def test_a_label_in_the_settings_that_is_gone_fails_its_streams(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, OF_SEVEN)
    connection.correct(*emptied(), charge("sms", 3), charge("sms", 1500, label=""))
    connection.sync(TODAY, seven_label="otp")
    sandbox.set(seven_labels_gone=["otp"])

    result = connection.run(TOMORROW, seven_label="otp")
    connection.destination.take(result)

    assert connection.sums("sms") == dict.fromkeys(OF_SEVEN, 3)
    assert result.failures().keys() == set(OF_SEVEN)
    assert all("otp" in sentence for _, sentence in result.failures().values())


@pytest.mark.parametrize("settings", [{"seven_subaccounts": ID}, {"seven_label": "otp"}], ids=str)
def test_an_account_or_label_in_the_settings_costs_one_request_at_most(
    sandbox: Sandbox, settings: dict[str, str]
) -> None:
    connection = Connection(sandbox, ["analytics"])
    connection.correct(*emptied(), charge("sms", 3, account=ID), charge("sms", 1500, label=""))

    connection.sync(TODAY, **settings)

    assert connection.usage("analytics") == {(): {"sms": 3}}
    assert len(sandbox.requests()) <= 2


def test_check_rejects_an_account_that_nothing_verifies(sandbox: Sandbox) -> None:
    status, sentence, kind = check(sandbox.config(seven_subaccounts="99"), date.fromisoformat(TODAY))

    assert (status, kind) == ("FAILED", FailureType.config_error.value)
    assert "99" in sentence
    assert ID in sentence


def test_check_rejects_an_unknown_account_for_which_everything_is_returned(sandbox: Sandbox) -> None:
    opened = "2026-03-01"
    moved = [seven("move", day=day, field="account", old="", new=ID) for day in days_between(opened, TODAY)]
    sandbox.set(seven_groups="one", account_opened=opened, seven_unknown_id="everything", corrections=moved)

    status, sentence, kind = check(sandbox.config(seven_subaccounts="99"), date.fromisoformat(TODAY))

    assert (status, kind) == ("FAILED", FailureType.config_error.value)
    assert "99" in sentence


# Groupings add up to the day's total


@pytest.mark.parametrize("subaccounts", [3, 1000])
def test_voice_of_no_country_is_a_row_of_its_account_for_few_requests(sandbox: Sandbox, subaccounts: int) -> None:
    connection = Connection(sandbox, ("analytics", BY_ACCOUNT))
    sandbox.set(seven_subaccounts=subaccounts)
    connection.correct(*emptied(), VOICE)

    connection.sync(TODAY)

    assert connection.usage(BY_ACCOUNT) == {("main", ""): {"voice": 5, "usage_eur": 0.09}}
    assert len(sandbox.requests()) < 10


def test_usage_of_no_group_beside_other_usage_is_a_row_of_the_empty_group(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(sandbox, OF_SEVEN)
    sms, inbound = charge("sms", 1, 300), charge("inbound", 7, label=None, country=None)
    connection.correct(*emptied(), sms, inbound, VOICE)

    connection.sync(TODAY)

    of_country = {"sms": 1, "usage_eur": 0.03}
    rest = {"voice": 5, "inbound": 7, "usage_eur": 0.09}
    whole = {"sms": 1, "voice": 5, "inbound": 7, "usage_eur": 0.12}
    assert connection.usage("analytics") == {(): whole}
    assert connection.usage(BY_COUNTRY) == {"DE": of_country, "": rest}
    assert connection.usage(BY_LABEL) == {"otp": {"sms": 1, "voice": 5, "usage_eur": 0.12}, "": {"inbound": 7}}
    assert connection.usage(BY_SUBACCOUNT) == {MAIN: whole}
    assert connection.usage(BY_ACCOUNT) == {("main", "DE"): of_country, ("main", ""): rest}
    assert len(warnings(caplog, BY_ACCOUNT)) == 1
    assert len(warnings(caplog, BY_LABEL)) == 1
    assert warnings(caplog, BY_SUBACCOUNT) == warnings(caplog, BY_ACCOUNT)


def test_a_rest_on_several_days_is_one_warning_a_sync(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    connection = Connection(sandbox, [BY_COUNTRY], start="2026-03-07")
    days = days_between("2026-03-07", DAY)
    connection.correct(*emptied(*days), *({**each, "day": day} for day in days for each in (charge("sms", 1), VOICE)))

    connection.sync(TODAY)

    [warning] = warnings(caplog, BY_COUNTRY)
    assert re.search(r"\b3\b", warning)


def test_a_grouping_of_its_largest_groups_has_the_rest_in_the_empty_group(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(sandbox, ("analytics", BY_COUNTRY, BY_ACCOUNT))
    sandbox.set(seven_most_groups=3)
    countries = ("AT", "CH", "DE", "FR", "IT")
    connection.correct(*emptied(), *(charge("sms", 9, 630, country=country) for country in countries))

    connection.sync(TODAY)

    assert connection.sums("sms") == dict.fromkeys(connection.streams, 45)
    rows = {group: row["sms"] for group, row in connection.usage(BY_COUNTRY).items()}
    assert rows == {"AT": 9, "CH": 9, "DE": 9, "": 18}
    assert len(warnings(caplog, BY_COUNTRY)) == 1
    assert len(warnings(caplog, BY_ACCOUNT)) == 1


def test_groups_above_the_total_stay_as_sent_with_both_sums(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    connection = Connection(sandbox, ("analytics", BY_COUNTRY))
    connection.correct(*emptied(), charge("sms", 4, 280), charge("sms", 3, 210, country="AT"))
    sandbox.fault("edit", query={"group_by": "country"}, set={"0.sms": 38}, times=None)

    connection.sync(TODAY)

    assert {group: row["sms"] for group, row in connection.usage(BY_COUNTRY).items()} == {"AT": 38, "DE": 4}
    assert len(warnings(caplog, DAY, "42", "7")) == 1


def test_a_running_day_gets_no_rest_and_loses_no_row(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, OF_SEVEN)
    connection.correct(*emptied(TODAY), charge("sms", 8, 560, day=TODAY), {**VOICE, "day": TODAY})
    connection.sync(TODAY, include_today=True)

    # Half of what the day will have.
    four = {"sms": 4, "usage_eur": 0.028}
    assert connection.usage(BY_COUNTRY, TODAY) == {"DE": four}
    assert connection.usage(BY_ACCOUNT, TODAY) == {("main", "DE"): four}

    connection.correct(seven("move", day=TODAY, field="country", old="DE", new="AT"))
    connection.sync(TODAY, include_today=True)

    assert connection.usage(BY_COUNTRY, TODAY) == {"DE": four, "AT": four}
    assert connection.usage(BY_ACCOUNT, TODAY) == {("main", "DE"): four, ("main", "AT"): four}

    connection.sync(TOMORROW)

    whole, voice = {"sms": 8, "usage_eur": 0.056}, {"voice": 5, "usage_eur": 0.09}
    assert connection.usage(BY_COUNTRY, TODAY) == {"AT": whole, "": voice}
    assert connection.usage(BY_ACCOUNT, TODAY) == {("main", "AT"): whole, ("main", ""): voice}


# Groups that are removed


def test_eleven_accounts_renamed_and_one_deleted_add_up(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_SUBACCOUNT))
    sandbox.set(seven_subaccounts=12)
    accounts = [str(5310420 + n) for n in range(1, 13)]
    sms = [charge("sms", 102 + n, account=account) for n, account in enumerate(accounts, 1)]
    connection.correct(*emptied(), *sms)
    connection.sync(TODAY)
    renamed = [seven("rename", account=account, name=f"Neu {account}") for account in accounts[:-1]]
    connection.correct(*renamed, seven("delete", account=accounts[-1], totals="kept"))

    connection.sync(TOMORROW)

    assert connection.sums("sms") == {"analytics": 1302, BY_SUBACCOUNT: 1302}
    assert connection.usage(BY_SUBACCOUNT).keys() == {*(f"Neu {each}" for each in accounts[:-1]), "Kunde 12"}


def test_the_deleted_among_twenty_removed_accounts_are_found(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_SUBACCOUNT))
    sandbox.set(seven_subaccounts=24)
    accounts = [str(5310420 + n) for n in range(4, 24)]
    dice = random.Random(22)
    sms = [charge("sms", dice.randint(100, 9_999), dice.randint(100, 9_999), account=account) for account in accounts]
    connection.correct(*emptied(), *sms)
    connection.sync(TODAY)
    connection.correct(
        *(seven("rename", account=account, name=f"Neu {account}") for account in accounts[:-4]),
        *(seven("delete", account=account, totals="kept") for account in accounts[-4:]),
    )

    connection.sync(TOMORROW)

    deleted = {f"Kunde {n}" for n in (20, 21, 22, 23)}
    assert connection.usage(BY_SUBACCOUNT).keys() == {*(f"Neu {each}" for each in accounts[:-4]), *deleted}


@pytest.mark.parametrize("listed", ["listed", "unlisted"])
@pytest.mark.parametrize("stream", OF_ACCOUNTS)
def test_a_deleted_account_that_the_total_needs_stays(sandbox: Sandbox, stream: str, listed: str) -> None:
    connection = Connection(sandbox, ("analytics", stream))
    sandbox.set(seven_deleted_subaccounts=listed)
    connection.correct(*emptied(), charge("sms", 1, 70), charge("sms", 3, 210, account=ID))
    connection.sync(TODAY)
    connection.correct(DELETED)

    connection.sync(TOMORROW)

    assert connection.sums("sms") == {"analytics": 4, stream: 4}
    main, account = (MAIN, ACCOUNT) if stream == BY_SUBACCOUNT else (("main", "DE"), (ID, "DE"))
    assert {group: row["sms"] for group, row in connection.usage(stream).items()} == {main: 1, account: 3}


@pytest.mark.parametrize("stream", OF_ACCOUNTS)
def test_removed_groups_stay_where_nothing_adds_up_and_the_total_holds_them(
    sandbox: Sandbox, stream: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(sandbox, ("analytics", stream))
    sandbox.set(seven_ungrouped={"subaccount": ["inbound"], "country": ["inbound"]})
    connection.correct(*emptied(), charge("sms", 1, 70), charge("sms", 3, 210, account=ID))
    connection.sync(TODAY)
    connection.correct(DELETED, charge("inbound", 7))
    caplog.clear()

    connection.sync(TOMORROW)

    main, account = (MAIN, ACCOUNT) if stream == BY_SUBACCOUNT else (("main", "DE"), (ID, "DE"))
    rest = "" if stream == BY_SUBACCOUNT else ("main", "")
    assert connection.usage(stream) == {
        main: {"sms": 1, "usage_eur": 0.007},
        account: {"sms": 3, "usage_eur": 0.021},
        rest: {"inbound": 7},
    }
    assert warnings(caplog, stream)


def test_costs_rounded_to_cents_take_no_deleted_account_away(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ("analytics", BY_SUBACCOUNT, BY_ACCOUNT), start="2026-03-07")
    sandbox.set(seven_group_costs="cents")
    days = days_between("2026-03-07", DAY)
    for day in days:
        sms = charge("sms", 10, 701, day=day), charge("sms", 5, 300, day=day, account=ID)
        connection.correct(*emptied(day), *sms)
    connection.sync(TODAY)
    connection.correct(DELETED)

    connection.sync(TOMORROW)

    for day in days:
        assert connection.sums("sms", day) == dict.fromkeys(connection.streams, 15)
        assert connection.usage(BY_SUBACCOUNT, day)[ACCOUNT] == {"sms": 5, "usage_eur": 0.03}
        assert connection.usage(BY_ACCOUNT, day)[ID, "DE"] == {"sms": 5, "usage_eur": 0.03}
        assert "" not in connection.usage(BY_SUBACCOUNT, day)


def test_costs_rounded_to_cents_cause_no_extra_account_requests(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, [BY_ACCOUNT])
    sandbox.set(seven_group_costs="cents", seven_subaccounts=100)
    connection.correct(*emptied(), charge("sms", 5, 350), charge("sms", 5, 351, country="AT"))

    connection.sync(TODAY)

    assert connection.sums("sms") == {BY_ACCOUNT: 10}
    assert len(sandbox.requests()) == 4


# SMSFactor


def test_consumption_moved_from_an_account_that_smsfactor_then_hides_is_zero(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ["consumption"])
    sandbox.set(smsfactor_idle_sub_accounts="left_out")
    connection.correct(*emptied(), consumed("1001", "FR", 100), consumed("2002", "FR", 24))
    connection.sync(TODAY)
    connection.correct(smsfactor("move", day=DAY, field="account", old="2002", new="1001"))

    connection.sync(TOMORROW)

    assert connection.usage("consumption") == {("1001", "FR"): {"consumption": 124}}
    assert connection.rows("consumption")["2002", "FR"] == {}


def test_an_emptied_account_that_smsfactor_hides_on_one_day_is_zero(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, ["consumption"], start="2026-03-08")
    sandbox.set(smsfactor_idle_sub_accounts="left_out")
    connection.correct(*emptied("2026-03-08", DAY), consumed("2002", "FR", 24), consumed("2002", "FR", 5, "2026-03-08"))
    connection.sync(TODAY)
    connection.correct(smsfactor("scale", day=DAY, percent=0))

    connection.sync(TOMORROW)

    assert connection.usage("consumption") == {}
    assert connection.usage("consumption", "2026-03-08") == {("2002", "FR"): {"consumption": 5}}


@pytest.mark.parametrize("idle", ["left_out", "listed"])
@pytest.mark.parametrize(
    ("group_total", "totals", "consumption"),
    [
        ("sent", "kept", {"consumption": 24}),
        ("sent", "dropped", {}),
        ("missing", "kept", {"consumption": 24}),
        ("missing", "dropped", {"consumption": 24}),
    ],
)
def test_an_account_that_smsfactor_deleted_has_what_the_group_total_holds(
    sandbox: Sandbox, totals: str, idle: str, group_total: str, consumption: dict[str, int]
) -> None:
    connection = Connection(sandbox, ["consumption"])
    sandbox.set(smsfactor_idle_sub_accounts=idle, smsfactor_group_total=group_total)
    connection.correct(*emptied(), consumed("1001", "FR", 100), consumed("2002", "FR", 24))
    connection.sync(TODAY)
    connection.correct(smsfactor("delete", account="2002", totals=totals))

    connection.sync(TOMORROW)

    assert connection.rows("consumption")["2002", "FR"] == consumption


@pytest.mark.parametrize("days", ["newest", "oldest"])
@pytest.mark.parametrize("idle", ["left_out", "listed"])
def test_a_range_that_smsfactor_cuts_makes_no_day_zero(sandbox: Sandbox, days: str, idle: str) -> None:
    """A year is asked of a server that counts a month of it, in which nothing was sent."""
    start, today = "2025-03-10", date.fromisoformat(TODAY)
    sandbox.set(activity="seasonal", smsfactor_idle_sub_accounts=idle)
    sandbox.set(smsfactor_most_days=31, smsfactor_most_days_are=days)

    result = sync(sandbox.config(start_date=start), ["consumption"], now=today)

    expected = expected_records(sandbox.settings(), {}, today, date.fromisoformat(start), today - ONE_DAY)
    assert without_nulls(result.records("consumption"), "consumption") == without_nulls(
        expected["consumption"], "consumption"
    )


# Filters that change


@pytest.mark.parametrize(
    ("stream", "former", "later", "gone", "read_again"),
    [
        ("consumption", {"countries": ["FR", "DE"]}, {"countries": ["FR"]}, ("2002", "DE"), ("2002", "FR")),
        ("consumption", {}, {"smsfactor_sub_account_id": "1001"}, ("2002", "DE"), ("1001", "FR")),
        (BY_COUNTRY, {}, {"seven_label": "otp"}, "AT", "DE"),
        (BY_LABEL, {}, {"seven_label": "otp"}, "", "otp"),
        (BY_SUBACCOUNT, {}, {"seven_subaccounts": "only_main"}, ACCOUNT, MAIN),
        (BY_ACCOUNT, {}, {"seven_subaccounts": "only_main"}, (ID, "AT"), ("main", "DE")),
    ],
    ids=str,
)
def test_a_filter_that_changes_takes_nothing_back(
    sandbox: Sandbox,
    stream: str,
    former: dict[str, Any],
    later: dict[str, Any],
    gone: Any,
    read_again: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = Connection(sandbox, [stream])
    connection.correct(
        *(*emptied(), charge("sms", 4, 280), charge("sms", 3, 210, account=ID, label="", country="AT")),
        *(consumed("1001", "FR", 100), consumed("2002", "FR", 24), consumed("2002", "DE", 7)),
    )
    connection.sync(TODAY, **former)
    before = connection.usage(stream)
    connection.correct(charge("sms", 1, 70), *(consumed(account, "FR", 1) for account in ("1001", "2002")))
    caplog.set_level("INFO", "airbyte")

    for today in (TOMORROW, "2026-03-12"):
        connection.sync(today, **later)

        after = connection.usage(stream)
        assert after[gone] == before[gone]
        figure = "consumption" if stream == "consumption" else "sms"
        assert after[read_again][figure] == before[read_again][figure] + 1
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any(stream in message and "filter" in message.lower() for message in warnings)


# Running days


@pytest.mark.parametrize("stream", DAILY)
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([], []),
        ([charge("voice", 10, 1800, country=None, label=None, day=TODAY)], [seven("scale", day=TODAY, percent=50)]),
        ([charge("sms", 8, 560, day=TODAY)], [seven("move", day=TODAY, field="country", old="DE", new="AT")]),
        ([charge("sms", 8, day=TODAY), consumed("2001", "FR", 8, TODAY)], emptied(TODAY)),
        ([], [charge("sms", 8, day=TODAY), consumed("2001", "FR", 8, TODAY)]),
    ],
    ids=["nothing", "voice", "moved", "emptied", "filled"],
)
def test_no_row_of_a_complete_day_stays_partial(
    sandbox: Sandbox, stream: str, first: list[dict[str, Any]], then: list[dict[str, Any]]
) -> None:
    connection = Connection(sandbox, [stream])
    connection.correct(*emptied(TODAY), *first)
    connection.sync(TODAY, include_today=True)
    running = [row for row in connection.destination.rows(stream) if row["date"] == TODAY]
    assert all(row["is_partial"] for row in running)
    connection.correct(*then)

    connection.sync(TOMORROW)

    complete = [row for row in connection.destination.rows(stream) if row["date"] == TODAY]
    assert complete
    assert [row for row in complete if row["is_partial"]] == []


# PHP's forms


@pytest.mark.parametrize(
    ("name", "sent", "row", "read"),
    [
        ("features", {"0": "alpha", "2": "dlr"}, "features", ["alpha", "dlr"]),
        ("features", "", "features", []),
        ("mncs", "01", "mncs", ["01"]),
        ("mncs", ["01", 10], "mncs", ["01", "10"]),
        ("mcc", 262, "mcc", "262"),
        ("comment", False, "comment", None),
        ("countryPrefix", 49, "country_prefix", "49"),
    ],
    ids=str,
)
def test_a_price_list_in_php_shapes_is_read_whole(
    sandbox: Sandbox, name: str, sent: Any, row: str, read: Any, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(sandbox, ["pricing"])
    whole = len(connection.run(TODAY).records("pricing"))
    place = f"countries.5.{name}" if name == "countryPrefix" else f"countries.5.networks.1.{name}"
    sandbox.fault("edit", path="/api/pricing", set={place: sent}, times=None)

    result = connection.sync(TODAY)

    assert len(result.records("pricing")) == whole > 2_000
    code = sorted({record["country_code"] for record in result.records("pricing")})[4]
    found = [record.get(row) for record in result.records("pricing") if record["country_code"] == code]
    assert read in found or (name != "mcc" and None in found and warnings(caplog, name))


@pytest.mark.parametrize(("sent", "read"), [("5.6843418860808E-14", 0), ("1.0E-5", 0.00001), ("1.0E+1", 10)])
def test_a_number_with_an_exponent_in_a_text_is_read(sandbox: Sandbox, sent: str, read: float) -> None:
    connection = Connection(sandbox, ("analytics", BY_COUNTRY))
    connection.correct(*emptied(), charge("sms", 4, 280))
    sandbox.fault("edit", path="/api/analytics", set={"*.usage_eur": sent}, times=None)

    connection.sync(TODAY)

    assert connection.sums("usage_eur") == pytest.approx(dict.fromkeys(connection.streams, read), abs=1e-9)
    assert connection.sums("sms") == dict.fromkeys(connection.streams, 4)


# What a state weighs


def test_the_states_of_a_year_weigh_less_than_its_records(sandbox: Sandbox) -> None:
    connection = Connection(sandbox, (BY_LABEL, BY_COUNTRY), start="2025-03-10", lookback=366)

    result = connection.sync(TODAY, num_workers=4)

    for stream in connection.streams:
        records = sum(
            len(json.dumps(message))
            for message in result.messages
            if message["type"] == "RECORD" and message["record"]["stream"] == stream
        )
        states = sum(
            len(json.dumps(message))
            for message in result.messages
            if message["type"] == "STATE" and message["state"]["stream"]["stream_descriptor"]["name"] == stream
        )
        assert states < records
