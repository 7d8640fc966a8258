"""What is changed in the CDK's messages on their way out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

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
