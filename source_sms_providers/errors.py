"""Errors for users: what happened, then what to do.

A sentence never contains a key, a query, a header or a part of a body: it is shown in logs, in the Airbyte UI and in
support tickets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


def config_error(sentence: str) -> AirbyteTracedException:
    """Error that the user can correct: a setting, the key, a permission of the key."""
    return AirbyteTracedException(sentence, sentence, FailureType.config_error)


def transient_error(sentence: str) -> AirbyteTracedException:
    """Error that may pass by itself."""
    return AirbyteTracedException(sentence, sentence, FailureType.transient_error)


def bug_error(error: Exception) -> AirbyteTracedException:
    """An error that nobody foresaw; its own text is in the log alone."""
    sentence = "An unexpected error occurred in the connector. Report it with the log of this sync."
    failure = AirbyteTracedException.from_exception(error, message=sentence)
    failure.__cause__ = error
    return failure


class DayNotReportedError(AirbyteTracedException):
    """The provider does not report a day that it must know."""


def clone_error(error: AirbyteTracedException) -> AirbyteTracedException:
    """Copy of an error, to be raised again: an exception keeps every traceback that it was raised through."""
    return type(error)(error.internal_message, error.message, error.failure_type)


def first_transient(errors: Iterable[AirbyteTracedException]) -> AirbyteTracedException | None:
    return next((error for error in errors if error.failure_type is FailureType.transient_error), None)


def unexpected_response_error(provider: str, endpoint: str, problem: str) -> AirbyteTracedException:
    """Error for a response that the API does not promise. Only a new version of the connector can read it."""
    sentence = (
        f"{provider} returned an unexpected response for {endpoint}: {problem}. Nothing from it was synced, so "
        "existing rows are unaffected; if the next sync says the same, update the connector or report it."
    )
    return AirbyteTracedException(sentence, sentence, FailureType.system_error)


FAILURE_PRIORITY = (FailureType.config_error, FailureType.system_error, FailureType.transient_error)
"""What the user can act on comes first."""
DATE = re.compile(r"\d{4}-\d\d-\d\d")
MAX_SENTENCES = 5


def summarize(errors: Sequence[AirbyteTracedException], prefix: str = "") -> AirbyteTracedException:
    """Several errors as one. Each sentence stands in it once, whatever days it names."""
    sentences = {DATE.sub("", str(error.message)): str(error.message) for error in reversed(errors)}
    first = [*reversed(sentences.values())]
    more = [f"… and {len(first) - MAX_SENTENCES} more."] if len(first) > MAX_SENTENCES else []
    message = prefix + " ".join([*first[:MAX_SENTENCES], *more])
    kinds = {error.failure_type for error in errors}
    internal = next((error.internal_message for error in errors if error.internal_message != error.message), message)
    return AirbyteTracedException(
        internal, message, next((kind for kind in FAILURE_PRIORITY if kind in kinds), FailureType.system_error)
    )
