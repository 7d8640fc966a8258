"""The command `source-sms-providers`."""

from __future__ import annotations

import gc
import logging
import sys


def run() -> None:
    """Runs one Airbyte command: spec, check, discover or read."""
    # Importing the CDK makes objects by the hundred thousand that all stay, and the collector would look through them
    # again and again.
    gc.disable()
    from airbyte_cdk.exception_handler import init_uncaught_exception_handler
    from airbyte_cdk.logger import PRINT_BUFFER

    from source_sms_providers.source import Entrypoint, SourceSmsProviders

    # Before the source is built: what fails while building must be a message of the protocol too.
    init_uncaught_exception_handler(logging.getLogger("airbyte"))
    # Threads that wait for the network switch less often: 1.3 to 3.3 times the records a second.
    sys.setswitchinterval(0.1)
    source = SourceSmsProviders.from_arguments(sys.argv[1:])
    gc.freeze()
    gc.enable()
    with PRINT_BUFFER:
        for line in Entrypoint(source).run(Entrypoint.parse_args(sys.argv[1:])):
            # One write: several threads print.
            print(f"{line}\n", end="")
