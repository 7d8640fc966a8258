from __future__ import annotations

import os
import select
import signal
import sys
import threading


def exit_on_signal_or_closed_stdout() -> None:
    """Lets SIGINT, SIGTERM and a reader of stdout that goes away end the process at once, whatever its threads do.

    It dies by the signal, or with exit code 1. What is still buffered is dropped.
    """
    # Not as Python ends: that waits for the workers, and a flush for ever for a reader that reads no more.
    for number in (signal.SIGINT, signal.SIGTERM):
        # The first process of a container is one that a signal does not kill by itself.
        signal.signal(number, _end_by if os.getpid() == 1 else signal.SIG_DFL)
    # Not on Windows.
    if hasattr(select, "poll"):
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
        threading.Thread(target=_end_without, args=(reader,), name="reader of stdout", daemon=True).start()


def _end_by(number: int, _: object) -> None:
    os._exit(128 + number)


def _end_without(reader: select.poll) -> None:
    # A broken pipe is met by who writes, and a read that waits for a provider does not.
    reader.poll()
    os._exit(1)
