"""What is changed in the CDK's messages on their way out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from airbyte_cdk.models import AirbyteMessage, FailureType, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

MOST_URGENT_FIRST = (FailureType.config_error, FailureType.system_error, FailureType.transient_error)


def told_once(messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """Lets each error of a stream through once: an outage fails every day that is left in the same way.

    Ends with an AirbyteTracedException that sums them up, if there were any. The CDK's own summary
    repeats every failure and calls each of them the user's.
    """
    failures: dict[tuple[str, str], FailureType] = {}
    try:
        for message in messages:
            if message.type is Type.TRACE and message.trace and (error := message.trace.error):
                stream = error.stream_descriptor.name if error.stream_descriptor else ""
                if (stream, error.message) in failures:
                    continue
                failures[stream, error.message] = error.failure_type or FailureType.system_error
            yield message
    except AirbyteTracedException:
        if not failures:
            raise
        sentences = " ".join(f"{stream}: {sentence}" for stream, sentence in failures)
        kind = next(kind for kind in MOST_URGENT_FIRST if kind in failures.values())
        summary = f"Not all streams were synced. {sentences}"
        raise AirbyteTracedException(summary, summary, kind) from None


class LoggedOnce(logging.Filter):
    """Lets the stack of each failure into the log once: an outage would fill it with thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info:
            return True
        failure = (record.getMessage(), str(record.exc_info[1]))
        is_new = failure not in self._seen
        self._seen.add(failure)
        return is_new


def without_running_day(messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """Keeps a running day out of the state, which says "every day up to this one was read wholly"."""
    running: dict[str, str] = {}
    for message in messages:
        if message.type is Type.RECORD and message.record and message.record.data.get("is_partial"):
            running[message.record.stream] = message.record.data["date"]
        elif message.type is Type.STATE:
            _hold_back(message, running)
        yield message


def _hold_back(message: AirbyteMessage, running: Mapping[str, str]) -> None:
    stream = message.state.stream if message.state else None
    if stream and stream.stream_state and (day := running.get(stream.stream_descriptor.name)):
        eve = f"{date.fromisoformat(day) - timedelta(days=1)}T23:59:59Z"
        state = vars(stream.stream_state)
        state["date"] = min(state["date"], eve)
