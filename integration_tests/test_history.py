"""Any history of an account: syncs with pauses between them, late corrections, failures and kills.

`contract.py` says what the tables must hold after each sync that succeeds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integration_tests.contract import FIGURES, Contract, Rows, StreamDay, Tables, by_day
from integration_tests.history import THREE_WEEKS, History, Kill, Step, expected_tables, seven, smsfactor
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import BY_ACCOUNT, DAILY, GROUPED
from integration_tests.sync import Destination, sync
from source_sms_providers import spans
from source_sms_providers.spans import days

pytestmark = pytest.mark.usefixtures("no_waiting")

ROUNDS = int(os.environ.get("ROUNDS", "1"))
DAY = timedelta(days=1)
FIRST_SYNC = date(2026, 5, 12)
DELETED_ACCOUNT = "5310421"
"""Never the only one of a day: that seven.io names no account of a day with usage is a failure."""
STAYING_ACCOUNTS = ("", "5310422", "5310423")

Message = Mapping[str, Any]

a = st.sampled_from
connector_settings = st.fixed_dictionaries(
    {"num_workers": st.integers(1, 8), "include_today": st.booleans()},
    optional={
        "seven_label": a(("otp", "2024")),
        "seven_subaccounts": a(("only_main", "5310422", DELETED_ACCOUNT)),
        "countries": st.just(["FR", "BE"]),
        "smsfactor_sub_account_id": st.just("2001"),
    },
)


def correction(provider: str, kind: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"provider": st.just(provider), "kind": st.just(kind), **values})


def moves(provider: str, field: str, groups: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return correction(provider, "move", field=st.just(field), old=a(groups), new=a(groups))


def corrections(deleted_totals: str) -> st.SearchStrategy[dict[str, Any]]:
    """Corrections without their day, and with one way of deleting an account of seven.io."""
    # A day that is emptied but for an account that was deleted has usage and names no account.
    percents = (50, 150) if deleted_totals == "kept" else (0, 50, 150)
    messages = st.integers(1, 9)
    of_seven = st.one_of(
        correction("seven", "scale", percent=a(percents)),
        correction(
            *("seven", "add"),
            account=a(STAYING_ACCOUNTS),
            label=a(("", "otp", "new")),
            country=a(("", "DE", "ES")),
            messages=messages,
        ),
        moves("seven", "country", ("", "DE", "AT", "FR", "ES")),
        moves("seven", "label", ("", "otp", "2024", "new")),
        moves("seven", "account", STAYING_ACCOUNTS),
        correction(
            "seven", "rename", account=a((*STAYING_ACCOUNTS, DELETED_ACCOUNT)), name=a(("Neu", "Alt", "Main GmbH"))
        ),
        correction("seven", "delete", account=st.just(DELETED_ACCOUNT), totals=st.just(deleted_totals)),
    )
    of_smsfactor = st.one_of(
        correction("smsfactor", "scale", percent=a((0, 50, 200))),
        correction(
            "smsfactor",
            "add",
            account=a(("1001", "2001", "2002")),
            country=a(("", "FR", "BE", "AT")),
            messages=messages,
        ),
        moves("smsfactor", "country", ("", "FR", "BE", "CH", "AT")),
        moves("smsfactor", "account", ("1001", "2001", "2002")),
        correction("smsfactor", "delete", account=a(("2001", "2003"))),
    )
    return of_seven | of_smsfactor


@st.composite
def histories(draw: st.DrawFn) -> History:
    lookback = draw(st.integers(1, 5))
    start = FIRST_SYNC - draw(st.integers(5, 10)) * DAY
    others = draw(connector_settings)
    # An account that is deleted may be the only one that used a label on a day.
    kinds = corrections(draw(a(("dropped",) if "seven_label" in others else ("kept", "dropped"))))
    steps = [Step(str(FIRST_SYNC))]
    for _ in range(draw(st.integers(1, 3) | st.integers(1, 10))):
        last = date.fromisoformat(steps[-1].day)
        pause = draw(st.integers(0, 3) | st.integers(0, lookback + 2) | st.integers(0, 20))
        today = last + pause * DAY
        # Mostly of days that the last sync did not settle.
        ages = st.integers(1, lookback + 1) | st.integers(1, lookback + 1) | st.integers(-pause, 20)
        made = [
            {**each, "day": str(max(start, last - age * DAY))} if each["kind"] in ("scale", "add", "move") else each
            for each, age in draw(st.lists(st.tuples(kinds, ages), max_size=4))
        ]
        steps.append(Step(str(today), tuple(made), **draw(mishaps(today, lookback))))
    return History(str(start), lookback, (*steps, Step(str(today + DAY))), others)


def mishaps(today: date, lookback: int) -> st.SearchStrategy[dict[str, Any]]:
    """What befalls a sync: mostly nothing."""
    days = st.integers(1, lookback + 3).map(lambda age: str(today - age * DAY))
    kills = st.builds(Kill, a(DAILY), days, record=st.integers(0, 6), keeps_unconfirmed=st.booleans())
    return st.one_of(
        st.just({}),
        st.just({}),
        st.fixed_dictionaries({"fails_on": st.tuples(a(DAILY), days)}),
        st.fixed_dictionaries({"killed_after": kills}),
    )


def played(sandbox: Sandbox, history: History, **knobs: Any) -> Iterator[Tables]:
    """Plays a history: the tables after each sync that succeeds, which hold what the contract wants."""
    sandbox.reset()
    sandbox.set(**knobs)
    config = sandbox.config(**history.config())
    contract = Contract(config)
    destination = Destination()
    for number, step in enumerate(history.steps):
        today = date.fromisoformat(step.day)
        sandbox.set(**history.knobs(number))
        sandbox.clear_requests()
        if step.fails_on:
            sandbox.fault("status", code=500, query=query_of(*step.fails_on), times=None)
        before, due = tables_of(destination), contract.due(today)

        result = sync(config, DAILY, destination.state.values(), now=today)

        sandbox.clear_faults()
        arrived = until_killed(result.messages, step.killed_after)
        for message in arrived:
            destination.take_message(message)
        whole, cut = delivered(result.messages, arrived)
        # An account that is not listed any more has no rows: nothing is written.
        whole |= answered_days(sandbox) - set(map(stream_day, result.messages))
        contract.took(sandbox.settings(), before, whole, cut)
        assert result.error is None or step.fails_on, result.sentence
        if result.error or step.killed_after:
            continue
        assert set(due) <= whole, f"Not read on {step.day}: {sorted(set(due) - whole)}"
        tables = tables_of(destination)
        faults = contract.faults(tables, today)
        assert not faults, "\n".join((f"After the sync of {step.day}:", *faults))
        assert sums_that_differ(tables, history.knobs(number)["corrections"], whole, today) == [], step.day
        yield tables


def query_of(stream: str, day: str) -> dict[str, str]:
    """What tells the request of a stream's day; `analytics` asks for many days at once, and serves the groupings."""
    if stream == "consumption":
        return {"date_start": day}
    if stream == "analytics":
        return {"group_by": "date"}
    if stream == BY_ACCOUNT:
        # The one account that is asked for each day with usage of any account, or else the main one.
        return {"group_by": "country", "subaccounts": "only_main", "start": day}
    return {"group_by": stream.removeprefix("analytics_by_"), "start": day}


def until_killed(messages: Sequence[Message], kill: Kill | None) -> list[Message]:
    """The messages that reach the destination."""
    if kill is None:
        return list(messages)
    of_day = [n for n, message in enumerate(messages) if stream_day(message) == (kill.stream, kill.day)]
    if not of_day:
        end = len(messages)
    elif kill.record == 0:
        end = of_day[0]
    else:
        end = of_day[: kill.record][-1] + 1
    last_state = {
        message["state"]["stream"]["stream_descriptor"]["name"]: n
        for n, message in enumerate(messages[:end])
        if message["type"] == "STATE"
    }
    return [
        message
        for n, message in enumerate(messages[:end])
        if kill.keeps_unconfirmed or message["type"] != "RECORD" or n < last_state.get(message["record"]["stream"], 0)
    ]


def delivered(emitted: Iterable[Message], arrived: Iterable[Message]) -> tuple[set[StreamDay], set[StreamDay]]:
    """The days of which all records arrived, and those of which only some did."""
    of_day, found = (Counter(filter(None, map(stream_day, messages))) for messages in (emitted, arrived))
    return {day for day in found if found[day] == of_day[day]}, {day for day in found if found[day] < of_day[day]}


def answered_days(sandbox: Sandbox) -> set[StreamDay]:
    """The days of SMSFactor's answers."""
    return {
        ("consumption", str(day))
        for request in sandbox.requests()
        if "date_start" in request["query"] and request["status"] == 200
        for day in days(*(date.fromisoformat(request["query"][bound]) for bound in ("date_start", "date_end")))
    }


def stream_day(message: Message) -> StreamDay | None:
    record = message.get("record")
    return (record["stream"], record["data"]["date"]) if record else None


def tables_of(destination: Destination) -> Tables:
    return by_day({stream: destination.rows(stream) for stream in DAILY})


def sums_that_differ(
    tables: Tables, corrections: Iterable[Mapping[str, Any]], read: Collection[StreamDay], today: date
) -> list[StreamDay]:
    """The complete days, read by this sync with their total, of which a grouping does not add up to it."""
    lacking = (
        {"analytics_by_subaccount", BY_ACCOUNT} if any(each.get("totals") == "kept" for each in corrections) else set()
    )
    return [
        (stream, day)
        for stream, day in read
        if stream in (*GROUPED, BY_ACCOUNT)
        and stream not in lacking
        and day < str(today)
        and ("analytics", day) in read
        if summed(tables[stream, day]) != summed(tables["analytics", day])
    ]


def summed(rows: Rows) -> dict[str, Decimal]:
    return {name: sum((Decimal(str(row.get(name, 0))) for row in rows.values()), Decimal(0)) for name in FIGURES}


LAST_DAY = "2026-03-09"
START = "2026-03-03"
FILLED = (
    seven("scale", day=LAST_DAY, percent=0),
    seven("add", day=LAST_DAY, account="5310422", label="otp", country="", messages=3),
    seven("add", day=LAST_DAY, account="", label="otp", country="DE", messages=5),
    smsfactor("scale", day=LAST_DAY, percent=0),
    smsfactor("add", day=LAST_DAY, account="2001", country="FR", messages=6),
    smsfactor("add", day=LAST_DAY, account="2001", country="", messages=4),
)
"""What both providers say first of the day before the first sync."""


def a_week_later(*made: dict[str, Any]) -> History:
    return History(START, 3, (Step("2026-03-10", FILLED), Step("2026-03-17", made)))


def the_next_days(*made: dict[str, Any], **others: Any) -> History:
    """One correction a sync."""
    steps = [Step(f"2026-03-1{n}", (each,)) for n, each in enumerate(made, 1)]
    return History(START, 5, (Step("2026-03-10", FILLED), *steps), others)


UNKNOWN_BECOMES_FR = seven("move", day=LAST_DAY, field="country", old="", new="FR")
REMAINDER_BECOMES_BE = smsfactor("move", day=LAST_DAY, field="country", old="", new="BE")
RENAMED = seven("rename", account="5310422", name="Filiale Nord")
MOVED_LABEL = seven("move", day=LAST_DAY, field="label", old="otp", new="")
EMPTIED = (seven("scale", day=LAST_DAY, percent=0), smsfactor("scale", day=LAST_DAY, percent=0))
REFILLED = FILLED[1:3] + FILLED[4:]
HALF_DELETED = seven("delete", account="5310422", totals="kept")


def killed_in_between(stream: str, records: int) -> History:
    """A new group is written, but no state that confirms it; then it goes away."""
    return History(
        START,
        3,
        (
            Step("2026-03-10", FILLED),
            Step(
                "2026-03-11",
                (REMAINDER_BECOMES_BE, UNKNOWN_BECOMES_FR, RENAMED, MOVED_LABEL),
                killed_after=Kill(stream, LAST_DAY, records, keeps_unconfirmed=True),
            ),
            Step(
                "2026-03-12",
                (
                    smsfactor("move", day=LAST_DAY, field="country", old="BE", new="IT"),
                    seven("move", day=LAST_DAY, field="country", old="FR", new="IT"),
                    seven("rename", account="5310422", name="Filiale Ost"),
                    seven("move", day=LAST_DAY, field="label", old="", new="new"),
                ),
            ),
        ),
        {"num_workers": 1},
    )


FAILED_AND_CORRECTED = History(
    START,
    3,
    (
        Step("2026-03-10", FILLED),
        Step("2026-03-13"),
        Step("2026-03-14", fails_on=("consumption", "2026-03-11")),
        Step("2026-03-14", (REMAINDER_BECOMES_BE, UNKNOWN_BECOMES_FR, RENAMED, MOVED_LABEL)),
    ),
)
"""The oldest day that is read again fails, and then an older one is corrected."""


@settings(
    max_examples=30 * ROUNDS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
@given(history=histories())
@example(a_week_later(seven("scale", day=LAST_DAY, percent=200), smsfactor("scale", day=LAST_DAY, percent=200)))
@example(a_week_later(UNKNOWN_BECOMES_FR, REMAINDER_BECOMES_BE, RENAMED, MOVED_LABEL))
@example(a_week_later(*EMPTIED))
@example(the_next_days(UNKNOWN_BECOMES_FR, REMAINDER_BECOMES_BE, RENAMED, MOVED_LABEL))
@example(the_next_days(*EMPTIED, *REFILLED))
@example(the_next_days(HALF_DELETED, seven("rename", account="", name="Holding")))
@example(the_next_days(smsfactor("delete", account="2001"), REMAINDER_BECOMES_BE))
@example(the_next_days(smsfactor("delete", account="2001"), smsfactor_sub_account_id="2001"))
@example(killed_in_between("consumption", 2))
@example(killed_in_between("analytics_by_country", 2))
@example(killed_in_between("analytics_by_label", 2))
@example(killed_in_between("analytics_by_subaccount", 1))
@example(killed_in_between(BY_ACCOUNT, 1))
@example(FAILED_AND_CORRECTED)
def test_given_any_history_of_an_account_then_each_table_says_what_was_said_of_each_day_when_it_was_last_read(
    sandbox: Sandbox, history: History
) -> None:
    assert list(played(sandbox, history))


@settings(
    max_examples=15 * ROUNDS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
@given(
    history=histories(),
    widths=st.integers(2, 12).flatmap(lambda wide: st.tuples(st.just(wide), st.integers(1, wide))),
    activity=a(("busy", "weekday", "dormant")),
    seven_groups=a(("one", "one", "many")),
)
def test_given_any_history_of_an_account_of_few_groups_when_spans_are_asked_then_each_table_says_so_too(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    history: History,
    widths: tuple[int, int],
    activity: str,
    seven_groups: str,
) -> None:
    monkeypatch.setattr(spans, "WIDTHS", tuple(width * DAY for width in widths))
    monkeypatch.setattr(spans, "ENOUGH", 1)

    assert list(played(sandbox, history, activity=activity, seven_groups=seven_groups))


def test_given_three_weeks_of_weekly_syncs_then_the_tables_hold_exactly_the_rows_of_the_contract(
    sandbox: Sandbox,
) -> None:
    found = list(played(sandbox, THREE_WEEKS))

    assert found == expected_tables(THREE_WEEKS, sandbox.settings())
