"""A process that is killed loses no day: what came before its last state, and the next sync, make it whole."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from multiprocessing.connection import Connection
from typing import Any

from integration_tests.expected import expected_records
from integration_tests.sandbox.client import Sandbox
from integration_tests.streams import BY_ACCOUNT
from integration_tests.sync import Destination, catalog, stream_messages, sync, without_nulls

TODAY = date(2026, 3, 10)
START = date(2026, 2, 24)
STREAMS = ("analytics", "analytics_by_country", BY_ACCOUNT, "consumption")
ROUNDS = 50 * int(os.environ.get("ROUNDS", "1"))


def emit(pipe: Connection, config: dict[str, Any], state: list[Any]) -> None:
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


def test_given_a_process_that_is_killed_when_the_next_sync_ends_then_no_row_is_missing(sandbox: Sandbox) -> None:
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
