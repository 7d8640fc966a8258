"""Errors for users: what happened, then what to do.

A sentence never contains a key, a query, a header or a part of a body: it is shown in logs, in the Airbyte UI and in
support tickets.
"""

from __future__ import annotations

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


def config_error(sentence: str) -> AirbyteTracedException:
    """Error that the user can correct: a setting, the key, a permission of the key."""
    return AirbyteTracedException(sentence, sentence, FailureType.config_error)


def transient_error(sentence: str) -> AirbyteTracedException:
    """Error that may pass by itself."""
    return AirbyteTracedException(sentence, sentence, FailureType.transient_error)


def clone_error(error: AirbyteTracedException) -> AirbyteTracedException:
    """Copy of an error, to be raised again: an exception keeps every traceback that it was raised through."""
    return AirbyteTracedException(error.internal_message, error.message, error.failure_type)


def unexpected_response_error(provider: str, endpoint: str, problem: str) -> AirbyteTracedException:
    """Error for a response that the API does not promise. Only a new version of the connector can read it."""
    sentence = (
        f"{provider} returned an unexpected response for {endpoint}: {problem}. Nothing from it was synced, so "
        "existing rows are unaffected; if the next sync says the same, update the connector or report it."
    )
    return AirbyteTracedException(sentence, sentence, FailureType.system_error)
