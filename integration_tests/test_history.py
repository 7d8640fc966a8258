"""Any history of an account: syncs with pauses between them, late corrections, failures and kills.

`contract.py` says what the tables must hold after each sync that succeeds.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integration_tests.contract import FIGURES, Contract, Key, StreamDay, Tables, by_day
from integration_tests.history import THREE_WEEKS, History, Kill, Step, expected_tables, seven, smsfactor
from integration_tests.sandbox.client import Sandbox
from integration_tests.sandbox.world import seven_reports
from integration_tests.streams import BY_ACCOUNT, DAILY
from integration_tests.sync import Destination, sync
from source_sms_providers.seven import groupings

pytestmark = pytest.mark.usefixtures("no_waiting")

ROUNDS = int(os.environ.get("ROUNDS", "1"))
DAY = timedelta(days=1)
FIRST_SYNC = date(2026, 5, 12)
DELETED_ACCOUNT = "5310421"
STAYING_ACCOUNTS = ("", "5310422", "5310423")

Message = Mapping[str, Any]
Drawn = st.SearchStrategy[dict[str, Any]]

a = st.sampled_from
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "seven_label": a(("otp", "2024")),
    # The streams of an account that was deleted fail: none of those that are deleted here.
    "seven_subaccounts": a(("only_main", "5310422")),
    "countries": a((["FR"], ["FR", "BE"])),
    "smsfactor_sub_account_id": a(("2001", "2002")),
}
connector_settings = st.fixed_dictionaries(
    {"num_workers": st.integers(1, 8), "include_today": st.booleans()}, optional=FILTERS
)
filter_changes = st.fixed_dictionaries({}, optional={name: st.none() | each for name, each in FILTERS.items()})
servers = st.fixed_dictionaries(
    {},
    optional={
        "seven_ungrouped": a(
            (
                {"country": ["voice", "inbound"], "label": ["inbound"]},
                {"country": ["inbound"]},
                {"subaccount": ["inbound"], "country": ["rcs"]},
                {"label": ["sms"]},
            )
        ),
        "seven_group_costs": st.just("cents"),
        "seven_most_groups": a((1, 3)),
        "seven_unlisted": st.just(["5310423"]),
        "seven_unnamed": a((["5310422"], ["5310421", "5310423"])),
        "seven_deleted_subaccounts": st.just("listed"),
        "smsfactor_idle_sub_accounts": st.just("left_out"),
        "smsfactor_group_total": st.just("missing"),
        "smsfactor_most_days": a((1, 3)),
        "smsfactor_most_days_are": st.just("oldest"),
    },
)
"""How the providers' servers may differ; mostly they differ in few ways."""


def correction(provider: str, kind: str, **values: st.SearchStrategy[Any]) -> Drawn:
    return st.fixed_dictionaries({"provider": st.just(provider), "kind": st.just(kind), **values})


def moves(provider: str, field: str, groups: Sequence[str]) -> Drawn:
    return correction(provider, "move", field=st.just(field), old=a(groups), new=a(groups))


def corrections() -> Drawn:
    """Corrections without their day."""
    messages, totals = st.integers(1, 9), a(("kept", "dropped"))
    of_seven = st.one_of(
        correction("seven", "scale", percent=a((0, 50, 150))),
        correction(
            *("seven", "add"),
            account=a(STAYING_ACCOUNTS),
            label=a(("", "otp", "new")),
            country=a(("", "DE", "ES")),
            messages=messages,
        ),
        correction(
            *("seven", "charge"),
            account=a(STAYING_ACCOUNTS),
            label=a((None, "otp", "new")),
            country=a((None, "DE", "ES")),
            counter=a(("voice", "inbound", "rcs")),
            count=messages,
            cost=a((0, 101, 905)),
        ),
        moves("seven", "country", ("", "DE", "AT", "FR", "ES")),
        moves("seven", "label", ("", "otp", "2024", "new")),
        moves("seven", "account", STAYING_ACCOUNTS),
        correction(
            "seven", "rename", account=a((*STAYING_ACCOUNTS, DELETED_ACCOUNT)), name=a(("Neu", "Alt", "Main GmbH"))
        ),
        correction("seven", "delete", account=st.just(DELETED_ACCOUNT), totals=totals),
    )
    of_smsfactor = st.one_of(
        correction("smsfactor", "scale", percent=a((0, 50, 200))),
        correction(
            "smsfactor",
            "add",
            account=a(("1001", "2001", "2002")),
            country=a(("", "FR", "BE", "AT")),
            messages=messages | st.integers(-9, -1),
        ),
        moves("smsfactor", "country", ("", "FR", "BE", "CH", "AT")),
        moves("smsfactor", "account", ("1001", "2001", "2002")),
        correction("smsfactor", "delete", account=a(("2001", "2003")), totals=totals),
    )
    return of_seven | of_smsfactor


@st.composite
def histories(draw: st.DrawFn) -> History:
    lookback = draw(st.integers(1, 5))
    start = FIRST_SYNC - draw(st.integers(5, 10)) * DAY
    knobs = draw(st.just({}) | servers)
    steps = [Step(str(FIRST_SYNC), knobs=draw(days_left_out(FIRST_SYNC, lookback)))]
    for _ in range(draw(st.integers(1, 3) | st.integers(1, 10))):
        last = date.fromisoformat(steps[-1].day)
        pause = draw(st.integers(0, 3) | st.integers(0, lookback + 2) | st.integers(0, 20))
        today = last + pause * DAY
        # Mostly of days that the last sync did not settle.
        ages = st.integers(1, lookback + 1) | st.integers(1, lookback + 1) | st.integers(-pause, 20)
        made = [
            {**each, "day": str(max(start, last - age * DAY))}
            if each["kind"] in ("scale", "add", "charge", "move")
            else each
            for each, age in draw(st.lists(st.tuples(corrections(), ages), max_size=4))
        ]
        if "smsfactor_group_total" in knobs:
            # Countries above their total, after a refund without a country, are accepted only if a total confirms it.
            made = [{**each, "messages": abs(each["messages"])} if "messages" in each else each for each in made]
        changes = draw(st.just({}) | st.just({}) | filter_changes)
        steps.append(Step(str(today), tuple(made), settings=changes, **draw(mishaps(today, lookback))))
    return History(str(start), lookback, (*steps, Step(str(today + DAY))), draw(connector_settings), knobs)


def mishaps(today: date, lookback: int) -> Drawn:
    """What befalls a sync: mostly nothing."""
    days = st.integers(1, lookback + 3).map(lambda age: str(today - age * DAY))
    kills = st.builds(
        Kill,
        a(DAILY),
        days,
        record=st.just(0) | st.integers(0, 6),
        keeps_unconfirmed=st.booleans(),
        lost_states=st.just(0) | st.just(0) | st.integers(0, 3),
    )
    return st.one_of(
        st.just({}),
        st.just({}),
        st.fixed_dictionaries({"fails_on": st.tuples(a(DAILY), days)}),
        st.fixed_dictionaries({"killed_after": kills}),
        st.fixed_dictionaries({"knobs": days_left_out(today, lookback)}),
    )


def days_left_out(today: date, lookback: int) -> Drawn:
    """What seven.io's grouping by date leaves out during a sync: mostly nothing."""
    days = st.integers(1, lookback + 3).map(lambda age: str(today - age * DAY))
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries({"seven_days_left_out": st.lists(days, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"seven_days_reported": st.integers(1, lookback + 4)}),
    )


def played(sandbox: Sandbox, history: History, **knobs: Any) -> Iterator[Tables]:
    """Plays a history: the tables after each sync that succeeds. Fails where they are not what the contract wants."""
    sandbox.reset()
    sandbox.set(**knobs)
    contract = Contract(history.config_at(0))
    destination = Destination()
    for number, step in enumerate(history.steps):
        today, config = date.fromisoformat(step.day), history.config_at(number)
        sandbox.set(**history.knobs_at(number))
        settings = sandbox.settings()
        sandbox.clear_requests()
        if step.fails_on:
            sandbox.fault("status", code=500, query=query_of(*step.fails_on), times=None)
        before, due = tables_of(destination), contract.due(today)
        must_fail, may_fail = contract.left_out(settings, today, config)

        result = sync(sandbox.config(**config), DAILY, destination.state.values(), now=today)

        sandbox.clear_faults()
        arrived = until_killed(result.messages, step.killed_after)
        for message in arrived:
            destination.take_message(message)
        whole, cut = delivered(result.messages, arrived)
        contract.took(
            *(settings, before, whole, cut),
            config=config,
            named=named_rows(destination),
            unsaved=unsaved_days(arrived) if step.killed_after and step.killed_after.lost_states else (),
            was_killed=step.killed_after is not None,
        )
        start = date.fromisoformat(history.start_date)
        is_complete = all(seven_reports(settings, start + n * DAY, today) for n in range((today - start).days))
        assert result.error is None or step.fails_on or not is_complete, result.sentence
        if step.killed_after:
            continue
        if not step.fails_on:
            assert result.failure_type in (None, FailureType.transient_error), result.sentence
            written = sorted(must_fail & whole)
            assert not written, f"Written on {step.day} without a report of it: {written}"
            missing = sorted(set(due) - must_fail - may_fail - whole)
            assert not missing, f"Not read on {step.day}: {missing}"
        faults = contract.faults(tables_of(destination), today)
        assert not faults, "\n".join((f"After the sync of {step.day}:", *faults))
        if result.error is None:
            yield tables_of(destination)


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
    states: dict[str, list[int]] = {}
    for n, message in enumerate(messages[:end]):
        if stream := state_stream(message):
            states.setdefault(stream, []).append(n)
    lost = {n for of_stream in states.values() for n in of_stream[len(of_stream) - kill.lost_states :]}
    return [
        message
        for n, message in enumerate(messages[:end])
        if n not in lost
        and (
            kill.keeps_unconfirmed
            or message["type"] != "RECORD"
            or n < states.get(message["record"]["stream"], [0])[-1]
        )
    ]


def delivered(emitted: Iterable[Message], arrived: Iterable[Message]) -> tuple[set[StreamDay], set[StreamDay]]:
    """The days of which all records arrived, and those of which only some did, or none."""
    of_day, found = (Counter(filter(None, map(stream_day, messages))) for messages in (emitted, arrived))
    return {day for day in of_day if found[day] == of_day[day]}, {day for day in of_day if found[day] < of_day[day]}


def unsaved_days(arrived: Sequence[Message]) -> set[StreamDay]:
    """The days of which records arrived after the last state of their stream."""
    last = {stream: n for n, message in enumerate(arrived) if (stream := state_stream(message))}
    days = {day for n, message in enumerate(arrived) if (day := stream_day(message)) and n > last.get(day[0], -1)}
    return days


def named_rows(destination: Destination) -> dict[StreamDay, dict[Key, list[Any]]]:
    """The rows that the saved states name, with their amounts."""
    found: dict[StreamDay, dict[Key, list[Any]]] = {}
    for stream, state in destination.state.items():
        saved = vars(state.stream.stream_state)
        for day, entries in (saved.get("written") or saved.get("groups") or {}).items():
            for key, amounts, *_ in entries:
                found.setdefault((stream, day), {})[(day, *key)] = amounts
    return found


def stream_day(message: Message) -> StreamDay | None:
    record = message.get("record")
    return (record["stream"], record["data"]["date"]) if record else None


def state_stream(message: Message) -> str:
    """The stream of a state, "" for any other message."""
    return str(message["state"]["stream"]["stream_descriptor"]["name"]) if message["type"] == "STATE" else ""


def tables_of(destination: Destination) -> Tables:
    return by_day({stream: destination.rows(stream) for stream in DAILY})


def amounts_of(tables: Tables) -> dict[StreamDay, dict[Key, dict[str, Any]]]:
    """The amounts that are not zero, of each row that has any."""
    return {
        (stream, day): {
            key: figures
            for key, row in rows.items()
            if (figures := {name: row[name] for name in FIGURES if row.get(name)})
        }
        for (stream, day), rows in tables.items()
    }


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


FORGETFUL = History(
    START,
    5,
    (
        *(Step(f"2026-03-{day}", knobs={"seven_days_reported": 3}) for day in (10, 11, 12)),
        Step("2026-03-13"),
    ),
)
"""seven.io's grouping by date names its last three days only, and for once all."""
FORGOTTEN = History(
    START,
    3,
    tuple(Step(f"2026-03-{day}", knobs={"seven_days_reported": 4}) for day in (10, 20, 21, 22)),
)
"""A pause that is longer than seven.io reports days."""
YESTERDAY_ALONE = History(
    START,
    5,
    (Step("2026-03-10", FILLED), Step("2026-03-11", knobs={"seven_days_reported": 1}), Step("2026-03-12")),
)


def killed_before_the_rows(stream: str, *made: dict[str, Any]) -> History:
    """Killed between the state that names a day's rows and the first of them, in the first sync and in the next one."""
    kill = Kill(stream, LAST_DAY, 0, keeps_unconfirmed=True)
    more = (
        seven("charge", day=LAST_DAY, **VOICE),
        smsfactor("add", day=LAST_DAY, account="2001", country="FR", messages=2),
    )
    return History(
        START,
        5,
        (
            Step("2026-03-10", FILLED, killed_after=kill),
            Step("2026-03-10"),
            Step("2026-03-11", more, killed_after=kill),
            Step("2026-03-12", made),
        ),
        {"num_workers": 1},
    )


VOICE = {"account": "5310422", "label": "otp", "country": None, "counter": "voice", "count": 5, "cost": 900}
DELETED = (HALF_DELETED, smsfactor("delete", account="2001"))
NARROWED = History(
    START,
    5,
    (
        Step("2026-03-10", FILLED),
        Step("2026-03-11", settings={"seven_label": "2024", "countries": ["BE"]}),
        Step("2026-03-12", (UNKNOWN_BECOMES_FR,)),
        Step("2026-03-13", settings={"seven_label": None, "countries": None}),
    ),
)

CUT_TO_A_SUNDAY = History(
    START, 3, (Step("2026-03-10", FILLED),), knobs={"smsfactor_most_days": 1, "smsfactor_most_days_are": "oldest"}
)
"""SMSFactor counts only the first day of a range, here the Sunday before the Monday with messages."""


@settings(
    max_examples=20 * ROUNDS,
    # The same examples in each run; `ROUNDS=10 make test` draws new ones.
    derandomize=ROUNDS == 1,
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
@example(FORGETFUL)
@example(FORGOTTEN)
@example(YESTERDAY_ALONE)
@example(NARROWED)
@example(killed_before_the_rows("consumption", *DELETED))
@example(killed_before_the_rows("analytics_by_country", *EMPTIED))
@example(killed_before_the_rows("analytics_by_label", MOVED_LABEL))
@example(killed_before_the_rows("analytics_by_subaccount", *DELETED))
@example(killed_before_the_rows(BY_ACCOUNT, *DELETED))
def test_given_any_history_then_each_table_holds_what_the_last_reading_reported(
    sandbox: Sandbox, history: History
) -> None:
    for _ in played(sandbox, history):
        pass


@settings(
    max_examples=10 * ROUNDS,
    # The same examples in each run; `ROUNDS=10 make test` draws new ones.
    derandomize=ROUNDS == 1,
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
@example(history=CUT_TO_A_SUNDAY, widths=(5, 5), activity="weekday", seven_groups="many")
def test_given_any_history_of_few_groups_when_read_in_windows_then_tables_are_right(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    history: History,
    widths: tuple[int, int],
    activity: str,
    seven_groups: str,
) -> None:
    monkeypatch.setattr(groupings, "WINDOWS_PER_STEP", tuple(math.ceil(365 / width) for width in widths))
    monkeypatch.setattr(groupings, "MIN_REQUESTS_SAVED", 1)

    for _ in played(sandbox, history, activity=activity, seven_groups=seven_groups):
        pass


def test_given_three_weeks_of_weekly_syncs_then_the_tables_match_the_contract(
    sandbox: Sandbox,
) -> None:
    found = list(played(sandbox, THREE_WEEKS))

    expected = expected_tables(THREE_WEEKS, sandbox.settings())
    assert list(map(amounts_of, found)) == list(map(amounts_of, expected))
