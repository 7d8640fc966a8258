from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest
from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, FailureType, StreamDescriptor, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error, transient_error, unexpected_response_error
from source_sms_providers.messages import LoggedOnce, told_once
from unit_tests.connector import state

WRONG_KEY = config_error("The key is wrong.")
OUTAGE = transient_error("It is out.")


def trace(stream: str, error: AirbyteTracedException) -> AirbyteMessage:
    return error.as_airbyte_message(stream_descriptor=StreamDescriptor(name=stream))


def record(stream: str, **data) -> AirbyteMessage:
    return AirbyteMessage(type=Type.RECORD, record=AirbyteRecordMessage(stream=stream, data=data, emitted_at=0))


def saved(stream: str, date: str) -> AirbyteMessage:
    return AirbyteMessage(type=Type.STATE, state=state(stream, date=date)[0])


def failing(*messages: AirbyteMessage) -> Iterator[AirbyteMessage]:
    """A sync of the CDK: it ends with a summary of its own if a stream failed."""
    yield from messages
    raise AirbyteTracedException(message="The CDK's summary.", failure_type=FailureType.config_error)


def summary_of(messages: Iterable[AirbyteMessage]) -> AirbyteTracedException:
    with pytest.raises(AirbyteTracedException) as raised:
        list(told_once(messages))
    return raised.value


def told_before_the_end(messages: Iterable[AirbyteMessage]) -> list[AirbyteMessage]:
    told: list[AirbyteMessage] = []
    with suppress(AirbyteTracedException):
        for message in told_once(messages):
            told.append(message)
    return told


# told_once


def test_given_no_errors_when_told_then_all_messages_pass():
    messages = [record("balance", date="2026-03-10"), saved("balance", "2026-03-10")]

    assert list(told_once(messages)) == messages


def test_given_one_error_many_times_when_told_then_it_passes_once():
    assert len(told_before_the_end(failing(*[trace("analytics", OUTAGE)] * 3))) == 1


def test_given_one_error_that_names_its_day_when_told_then_the_first_day_stands_for_all():
    days = [transient_error(f"Nothing for 2026-03-0{day}.") for day in (7, 8, 9)]

    summary = summary_of(failing(*(trace("analytics", error) for error in days)))

    assert summary.message == "Not all streams were synced. analytics: Nothing for 2026-03-07."


def test_given_one_error_of_two_streams_when_told_then_it_passes_for_each():
    assert len(told_before_the_end(failing(trace("analytics", OUTAGE), trace("credits", OUTAGE)))) == 2


def test_given_errors_when_the_sync_ends_then_the_summary_names_each_once_with_its_stream():
    summary = summary_of(failing(trace("analytics", OUTAGE), trace("analytics", OUTAGE), trace("credits", WRONG_KEY)))

    assert summary.message == ("Not all streams were synced. analytics: It is out. credits: The key is wrong.")


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([OUTAGE], FailureType.transient_error),
        ([OUTAGE, unexpected_response_error("seven.io", "/api", "odd")], FailureType.system_error),
        ([OUTAGE, unexpected_response_error("seven.io", "/api", "odd"), WRONG_KEY], FailureType.config_error),
    ],
)
def test_given_errors_of_several_kinds_when_the_sync_ends_then_the_summary_is_of_the_most_urgent(errors, kind):
    assert summary_of(failing(*(trace("analytics", error) for error in errors))).failure_type is kind


def test_given_a_failure_that_is_of_no_stream_when_told_then_it_is_raised_as_it_is():
    assert summary_of(failing()).message == "The CDK's summary."


# LoggedOnce


@pytest.fixture
def logger(caplog) -> Iterator[logging.Logger]:
    logger = logging.getLogger("of a sync")
    once = LoggedOnce()
    logger.addFilter(once)
    with caplog.at_level(logging.INFO, logger.name):
        yield logger
    logger.removeFilter(once)


def test_given_a_warning_many_times_when_logged_then_it_is_there_once(logger, caplog):
    for counter in ("rcs", "rcs", "hlr", "rcs"):
        logger.warning("seven.io sends no '%s'.", counter)

    assert caplog.messages == ["seven.io sends no 'rcs'.", "seven.io sends no 'hlr'."]


def test_given_other_lines_many_times_when_logged_then_each_is_there(logger, caplog):
    for _ in range(2):
        logger.info("Asking again.")
        logger.error("It failed.")

    assert caplog.messages == ["Asking again.", "It failed."] * 2


def test_given_failures_with_their_stacks_when_logged_then_each_is_there_once_whatever_its_day(logger, caplog):
    for sentence in ("2026-03-01 failed.", "2026-03-02 failed.", "The key is wrong."):
        try:
            raise ValueError(sentence)
        except ValueError:
            logger.exception("A partition failed")

    assert [str(record.exc_info[1]) for record in caplog.records] == ["2026-03-01 failed.", "The key is wrong."]
