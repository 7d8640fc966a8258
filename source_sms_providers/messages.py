"""What is changed in the CDK's messages on their way out."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator

from airbyte_cdk.models import AirbyteMessage, FailureType, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

DATE = re.compile(r"\d{4}-\d\d-\d\d")
MOST_URGENT_FIRST = (FailureType.config_error, FailureType.system_error, FailureType.transient_error)


def told_once(messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """Lets each error of a stream through once, whichever days it names: an outage fails every day that is left in
    the same way.

    Ends with an AirbyteTracedException that sums them up, if there were any. The CDK's own summary
    repeats every failure and calls each of them the user's.
    """
    failures: dict[tuple[str, str], tuple[str, FailureType]] = {}
    try:
        for message in messages:
            if message.type is Type.TRACE and message.trace and (error := message.trace.error):
                stream = error.stream_descriptor.name if error.stream_descriptor else ""
                failure = stream, DATE.sub("", error.message)
                if failure in failures:
                    continue
                failures[failure] = error.message, error.failure_type or FailureType.system_error
            yield message
    except AirbyteTracedException:
        if not failures:
            raise
        sentences = " ".join(f"{stream}: {sentence}" for (stream, _), (sentence, _) in failures.items())
        kinds = {kind for _, kind in failures.values()}
        kind = next(kind for kind in MOST_URGENT_FIRST if kind in kinds)
        summary = f"Not all streams were synced. {sentences}"
        raise AirbyteTracedException(summary, summary, kind) from None


class LoggedOnce(logging.Filter):
    """Lets each warning and the stack of each failure into the log once: an outage, or a counter that no row has, would
    fill it with thousands.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info and record.levelno != logging.WARNING:
            return True
        said = (record.getMessage(), DATE.sub("", str(record.exc_info[1])) if record.exc_info else "")
        is_new = said not in self._seen
        self._seen.add(said)
        return is_new
