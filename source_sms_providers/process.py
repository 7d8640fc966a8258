from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

READER_HAS_LEFT = 1


@contextmanager
def ends_when_nobody_waits() -> Iterator[None]:
    """Lets SIGINT, SIGTERM and a reader of stdout that goes away end the process at once, whatever its threads do.

    The exit code is 128 + the signal's number, or 1.
    """
    # Not sys.exit: Python would wait for the workers, and a flush for ever for whoever reads no more.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    # Not on Windows, where the next message finds out.
    if hasattr(select, "poll"):
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
        threading.Thread(target=_end_without, args=(reader,), name="reader of stdout", daemon=True).start()
    try:
        yield
    except BrokenPipeError:
        os._exit(READER_HAS_LEFT)


def _end_without(reader: select.poll) -> None:
    # While a read waits for a provider it writes nothing that could meet the broken pipe.
    reader.poll()
    os._exit(READER_HAS_LEFT)
