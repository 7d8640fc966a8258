"""The command `source-sms-providers`."""

from __future__ import annotations

import gc
import io
import logging
import logging.handlers
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from queue import SimpleQueue
from typing import Any

from source_sms_providers.process import exit_on_signal_or_closed_stdout


def run() -> None:
    """Runs one Airbyte command: spec, check, discover or read."""
    assert isinstance(sys.stdout, io.TextIOWrapper)
    # Whatever the locale: messages are UTF-8.
    sys.stdout.reconfigure(encoding="utf-8")
    exit_on_signal_or_closed_stdout()
    # Importing the CDK makes objects by the hundred thousand that all stay, and the collector would look through them
    # again and again.
    gc.disable()
    from airbyte_cdk.exception_handler import init_uncaught_exception_handler
    from airbyte_cdk.logger import PRINT_BUFFER
    from airbyte_cdk.utils.traced_exception import AirbyteTracedException

    from source_sms_providers.source import Entrypoint, SourceSmsProviders

    # Before the source is built: what fails while building must be a message of the protocol too.
    init_uncaught_exception_handler(logging.getLogger("airbyte"))
    # Threads that wait for the network switch less often: 1.3 to 3.3 times the records a second.
    sys.setswitchinterval(0.1)
    arguments = sys.argv[1:]
    if not arguments:
        # Not on stdout, which is for messages of the protocol.
        with redirect_stdout(sys.stderr), suppress(SystemExit):
            Entrypoint.parse_args(["--help"])
        sys.exit(2)
    try:
        source = SourceSmsProviders.from_arguments(arguments)
    except AirbyteTracedException as error:
        status = error.as_connection_status_message()
        if arguments[:1] != ["check"] or status is None:
            raise
        error.emit_message()
        print(Entrypoint.airbyte_message_to_string(status))
        return
    gc.freeze()
    gc.enable()
    need_no_temporary_folder()
    # The CDK logs the settings of its memory monitor. Without that, `spec` prints one line.
    with _at_level(logging.getLogger("airbyte"), logging.WARNING):
        entrypoint = Entrypoint(source)
    with PRINT_BUFFER, logging_in_a_thread():
        for line in entrypoint.run(Entrypoint.parse_args(arguments)):
            # One write: several threads print.
            print(f"{line}\n", end="")


@contextmanager
def logging_in_a_thread() -> Iterator[None]:
    """Write log lines in a thread of their own, in their order.

    While the reader of stdout is slow, a worker that logs must not wait for it: its deadline would pass meanwhile.
    """
    root = logging.getLogger()
    direct = list(root.handlers)
    records: SimpleQueue[Any] = SimpleQueue()
    queued = logging.handlers.QueueHandler(records)
    listener = logging.handlers.QueueListener(records, *direct, respect_handler_level=True)
    _replace_handlers(root, direct, [queued])
    listener.start()
    try:
        yield
    finally:
        # What is logged from here on, like the error that ends the command, is written directly.
        _replace_handlers(root, [queued], direct)
        listener.stop()


@contextmanager
def _at_level(logger: logging.Logger, level: int) -> Iterator[None]:
    former = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(former)


def _replace_handlers(logger: logging.Logger, old: list[logging.Handler], new: list[Any]) -> None:
    for handler in old:
        logger.removeHandler(handler)
    for handler in new:
        logger.addHandler(handler)


def need_no_temporary_folder() -> None:
    """Let the CDK do without the temporary folder that it creates for each command, and that nothing here uses."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        # A read-only file system.
        tempfile.TemporaryDirectory = lambda **_: nullcontext("")  # type: ignore[assignment, misc]
