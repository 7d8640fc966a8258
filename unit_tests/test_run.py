from __future__ import annotations

import logging
import tempfile
import threading
from contextlib import suppress

import pytest

from source_sms_providers.run import logging_in_a_thread, need_no_temporary_folder

LOGGER = logging.getLogger("airbyte")
LONG = 30.0
"""Seconds that no test waits for."""


class Reader(logging.Handler):
    """Keeps the lines; stops reading while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.reads = threading.Event()
        self.reads.set()

    def emit(self, record: logging.LogRecord) -> None:
        assert self.reads.wait(LONG), "A line waits for the reader."
        self.lines.append(record.getMessage())


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The only handler of the root logger."""
    reader = Reader()
    monkeypatch.setattr(logging.getLogger(), "handlers", [reader])
    return reader


def test_given_a_reader_that_stops_when_a_line_is_logged_then_it_does_not_wait(reader):
    reader.reads.clear()

    with logging_in_a_thread():
        for number in range(1000):
            LOGGER.warning("line %d", number)
        assert reader.lines == []
        reader.reads.set()

    assert reader.lines == [f"line {number}" for number in range(1000)]


def test_given_an_error_that_ends_the_command_then_every_line_is_there_before_it(reader):
    with suppress(ValueError), logging_in_a_thread():
        for number in range(1000):
            LOGGER.warning("line %d", number)
        raise ValueError
    LOGGER.error("it failed")

    assert reader.lines == [*(f"line {number}" for number in range(1000)), "it failed"]


def test_given_no_writable_folder_when_a_command_starts_then_it_needs_none(monkeypatch):
    def none_is_writable() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", tempfile.TemporaryDirectory)
    monkeypatch.setattr(tempfile, "gettempdir", none_is_writable)

    need_no_temporary_folder()

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        assert folder == ""


def test_given_a_writable_folder_when_a_command_starts_then_it_is_used():
    need_no_temporary_folder()

    with tempfile.TemporaryDirectory() as folder:
        assert folder.startswith(tempfile.gettempdir())
