"""The command `source-sms-providers`."""

from __future__ import annotations

import gc
import logging
import sys

from source_sms_providers.process import ends_when_nobody_waits


def run() -> None:
    """Runs one Airbyte command: spec, check, discover or read."""
    with ends_when_nobody_waits():
        # Importing the CDK makes objects by the hundred thousand that all stay, and the collector would look through
        # them again and again.
        gc.disable()
        from airbyte_cdk.entrypoint import launch
        from airbyte_cdk.exception_handler import init_uncaught_exception_handler

        from source_sms_providers.source import SourceSmsProviders

        # Before the source is built: what fails while building must be a message of the protocol too.
        init_uncaught_exception_handler(logging.getLogger("airbyte"))
        # Threads that wait for the network switch less often: 1.3 to 3.3 times the records a second.
        sys.setswitchinterval(0.1)
        source = SourceSmsProviders.from_arguments(sys.argv[1:])
        gc.freeze()
        gc.enable()
        launch(source, sys.argv[1:])
