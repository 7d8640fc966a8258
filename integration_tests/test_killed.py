"""A process that is killed loses no day: what came before its last state, and the next sync, make it whole."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from multiprocessing.connection import Connection as Pipe
from typing import Any

import pytest

from integration_tests.expected import expected_records
from integration_tests.history import seven, smsfactor
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import BY_ACCOUNT, DAILY, GROUPED
from integration_tests.sync import Destination, catalog, stream_messages, sync, without_nulls
from integration_tests.test_figures import ACCOUNT, DAY, ID, MAIN, TOMORROW, Connection, charge, consumed, emptied

TODAY = date(2026, 3, 10)
START = date(2026, 2, 24)
STREAMS = ("analytics", "analytics_by_country", BY_ACCOUNT, "consumption")
ROUNDS = 20 * int(os.environ.get("ROUNDS", "1"))


def emit(pipe: Pipe, config: dict[str, Any], state: list[Any]) -> None:
    for message in stream_messages(config, catalog(STREAMS), state, TODAY):
        pipe.send_bytes(json.dumps(message).encode())
    pipe.close()


def messages_until_killed(config: dict[str, Any], state: list[Any], after: int) -> Iterator[dict[str, Any]]:
    """What another process emits until it gets SIGKILL, after that many messages."""
    fork = multiprocessing.get_context("fork")
    reader, writer = fork.Pipe(duplex=False)
    process = fork.Process(target=emit, args=(writer, config, state))
    process.start()
    writer.close()
    try:
        for count in range(1_000_000):
            if count == after and process.pid:
                os.kill(process.pid, signal.SIGKILL)
            yield json.loads(reader.recv_bytes())
    except EOFError:
        process.join()


def test_given_a_killed_process_when_the_next_sync_ends_then_no_row_is_missing(sandbox: Sandbox) -> None:
    dice = random.Random(20260310)
    sandbox.set(latency=0.002)
    config = sandbox.config(start_date=str(START), num_workers=4)
    expected = expected_records(sandbox.settings(), {}, TODAY, START, TODAY - timedelta(days=1))
    whole = sync(config, STREAMS, now=TODAY)
    killed = 0
    for _ in range(ROUNDS):
        destination = Destination()
        unconfirmed: dict[str, list[dict[str, Any]]] = {}
        after = dice.randrange(len(whole.messages))
        count = 0
        for message in messages_until_killed(config, [], after):
            count += 1
            # Only what a state confirms counts: the platform may drop the rest.
            if message["type"] == "RECORD":
                unconfirmed.setdefault(message["record"]["stream"], []).append(message)
            elif message["type"] == "STATE":
                for record in unconfirmed.pop(message["state"]["stream"]["stream_descriptor"]["name"], []):
                    destination.take_message(record)
                destination.take_message(message)
        killed += count < len(whole.messages)

        destination.take(sync(config, STREAMS, destination.state.values(), now=TODAY))

        for stream in STREAMS:
            assert without_nulls(destination.rows(stream), stream) == without_nulls(expected[stream], stream)
    assert killed > ROUNDS // 2


BY_COUNTRY, BY_LABEL, BY_SUBACCOUNT = GROUPED
USAGE = (
    *emptied(),
    *(charge("sms", 1, 70), charge("sms", 5, 350, account=ID, label="", country="AT")),
    *(consumed("1001", "FR", 100), consumed("2001", "FR", 24), consumed("2001", "BE", 3)),
)
MORE = (charge("sms", 2, 140, account=ID, label="", country="AT"), consumed("2001", "FR", 2))
AFTERWARDS = {
    "nothing": (),
    "corrected": MORE,
    "moved": (
        seven("move", day=DAY, field="country", old="AT", new="ES"),
        seven("move", day=DAY, field="label", old="", new="new"),
        seven("rename", account=ID, name="Neu"),
        smsfactor("move", day=DAY, field="country", old="BE", new="DE"),
    ),
    "deleted, totals kept": (
        seven("delete", account=ID, totals="kept"),
        smsfactor("delete", account="2001", totals="kept"),
    ),
    "deleted, totals dropped": (
        seven("delete", account=ID, totals="dropped"),
        smsfactor("delete", account="2001", totals="dropped"),
    ),
    "emptied": (*emptied(),),
}
"""What happens between a sync that was killed and the next one."""


def usage_after(stream: str, what: str, of_account: int, of_sub_account: int) -> dict[Any, int]:
    """Group -> messages, worked out by hand."""
    if what == "emptied":
        return {}
    if what == "corrected":
        of_account, of_sub_account = of_account + 2, of_sub_account + 2
    if stream == "consumption":
        other = "DE" if what == "moved" else "BE"
        if what == "deleted, totals dropped":
            # The group total no longer contains them.
            return {("1001", "FR"): 100}
        return {("1001", "FR"): 100, ("2001", "FR"): of_sub_account, ("2001", other): 3}
    has_moved, is_dropped = what == "moved", what == "deleted, totals dropped"
    country = "ES" if has_moved else "AT"
    main, account = {
        "analytics": ((), None),
        BY_COUNTRY: ("DE", country),
        BY_LABEL: ("otp", "new" if has_moved else ""),
        BY_SUBACCOUNT: (MAIN, "Neu" if has_moved else ACCOUNT),
        BY_ACCOUNT: (("main", "DE"), (ID, country)),
    }[stream]
    if is_dropped:
        return {main: 1}
    return {main: 1 + of_account} if account is None else {main: 1, account: of_account}


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("stream", DAILY)
@pytest.mark.parametrize("what", AFTERWARDS)
@pytest.mark.parametrize("number", [1, 2])
def test_rows_delayed_by_a_kill_are_right_after_the_next_sync(
    sandbox: Sandbox, stream: str, what: str, number: int
) -> None:
    connection = Connection(sandbox, [stream])
    connection.correct(*USAGE)
    if number == 2:
        connection.sync(str(TODAY))
        connection.correct(*MORE)
    connection.sync_killed_before(stream, DAY, str(TODAY))
    connection.correct(*AFTERWARDS[what])

    connection.sync(TOMORROW)

    figure = "consumption" if stream == "consumption" else "sms"
    found = {group: row[figure] for group, row in connection.usage(stream).items()}
    assert found == usage_after(stream, what, *((5, 24) if number == 1 else (7, 26)))
    assert connection.rows(stream)
