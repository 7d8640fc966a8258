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
    # A normal exit would wait for worker threads, and for flushing stdout.
    for number in (signal.SIGINT, signal.SIGTERM):
        # The first process of a container is one that a signal does not kill by itself.
        signal.signal(number, _exit_on_signal if os.getpid() == 1 else signal.SIG_DFL)
    # Not on Windows.
    if hasattr(select, "poll"):
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
        threading.Thread(target=_exit_on_closed_stdout, args=(reader,), name="reader of stdout", daemon=True).start()


def _exit_on_signal(number: int, _: object) -> None:
    os._exit(128 + number)


def _exit_on_closed_stdout(reader: select.poll) -> None:
    # Only a writer notices a broken pipe; a thread that waits for a provider does not.
    reader.poll()
    os._exit(1)
