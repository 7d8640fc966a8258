"""What a response means: it is good, a retry may mend it, or it is an error."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.requesters.error_handlers import DefaultErrorHandler
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error

EARLIEST_UNIX_TIME = 10**9
"""A larger number in a Retry-After is a Unix time since 2001, not 32 years of seconds."""


class Retryable(NamedTuple):
    """Outcome of an attempt that may succeed later. The problem is a sentence without its full stop."""

    problem: str
    is_rate_limited: bool = False
    retry_after: float | None = None


def classify(provider: str, error_handler: DefaultErrorHandler, response: requests.Response) -> Retryable | None:
    """None for a good response. Raises AirbyteTracedException for one that no retry can mend."""
    is_ok = response.status_code == requests.codes.ok
    if is_ok and isinstance(response.json(), list):
        # Fast path for rows: neither API sends an error as a list, and each filter renders a template.
        return None
    # Not error_handler.interpret_response, whose default message shows the URL and the body.
    for each in error_handler.response_filters or ():
        found = each.matches(response)
        if found is None or (found.response_action is ResponseAction.SUCCESS and not is_ok):
            # A body does not make a success of another status.
            continue
        if found.response_action is ResponseAction.SUCCESS:
            return None
        problem = found.error_message or f"{provider} rejected the request (HTTP {response.status_code})"
        if found.response_action in (ResponseAction.RETRY, ResponseAction.RATE_LIMITED):
            is_rate_limited = found.response_action is ResponseAction.RATE_LIMITED
            return Retryable(problem, is_rate_limited, retry_after(response))
        raise AirbyteTracedException(problem, problem, found.failure_type or FailureType.system_error)
    if is_ok:
        return None
    if response.is_redirect:
        raise config_error(
            f"{provider} responded with a redirect, which is not followed because it could send the key to another "
            "host. Check the base URL in the settings."
        )
    problem = f"{provider} responded with the unexpected status HTTP {response.status_code}"
    if response.status_code >= requests.codes.server_error:
        return Retryable(problem, retry_after=retry_after(response))
    sentence = f"{problem}. Update the connector or report it."
    raise AirbyteTracedException(sentence, sentence)


def retry_after(response: requests.Response) -> float | None:
    """Seconds to wait that a Retry-After names: as a number, a date or a Unix time. None for a moment in the past."""
    value = response.headers.get("Retry-After", "").strip()
    now = datetime.now(timezone.utc).timestamp()
    try:
        if value.isdecimal():
            seconds = float(value)
            seconds -= now if seconds >= EARLIEST_UNIX_TIME else 0
        else:
            moment = parsedate_to_datetime(value)
            seconds = moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp() - now
        # Raises for a moment that no date can be, like a Unix time in milliseconds.
        datetime.fromtimestamp(now + seconds, timezone.utc)
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None
