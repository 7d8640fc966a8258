"""The errors a user can meet, as sentences that say what to do.

A sentence never holds a key, a query, a header or a part of a body: it ends up in logs, in the
Airbyte UI and in support tickets.
"""

from __future__ import annotations

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


def config_error(sentence: str) -> AirbyteTracedException:
    """The user can mend it: a setting, a key, a right of the key."""
    return AirbyteTracedException(sentence, sentence, FailureType.config_error)


def transient_error(sentence: str) -> AirbyteTracedException:
    """It may pass by itself: the next sync asks again."""
    return AirbyteTracedException(sentence, sentence, FailureType.transient_error)


def clone_error(error: AirbyteTracedException) -> AirbyteTracedException:
    """The same error for one more who meets it: an exception that is raised again keeps each stack it came through."""
    return AirbyteTracedException(error.internal_message, error.message, error.failure_type)


def unexpected_response_error(provider: str, path: str, problem: str) -> AirbyteTracedException:
    """The provider answered what its API does not promise: only a new connector version can help."""
    sentence = (
        f"{provider} answered {path} in a way this connector does not know: {problem}. Nothing of this answer "
        "was synced, so no figure is wrong; if the next sync says the same, update the connector or report it."
    )
    return AirbyteTracedException(sentence, sentence, FailureType.system_error)
