"""Requester of the manifest: one GET request with its retries."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.auth.token import ApiKeyAuthenticator, BasicHttpAuthenticator, BearerAuthenticator
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.requesters.error_handlers import DefaultErrorHandler
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error, transient_error, unexpected_response_error
from source_sms_providers.http.account import AccountState
from source_sms_providers.http.body import InvalidResponse, attach_body
from source_sms_providers.http.classify import Retryable, classify
from source_sms_providers.http.client import HttpClient, user_agent
from source_sms_providers.session import SyncCancelled, SyncSession

LOGGER = logging.getLogger("airbyte")

TOTAL_TIMEOUT_SECONDS = 60.0
"""Bound of one attempt, from the look-up of the host name to the last byte of the body."""
AUTHENTICATORS = (ApiKeyAuthenticator, BasicHttpAuthenticator, BearerAuthenticator)


@dataclass(kw_only=True)
class ReadOnlyRequester(Requester):
    """Sends the GET request that the manifest declares, and returns only whole responses that are JSON.

    The CDK's own requester logs URLs with their query, sends `X-Api-Key` again on a redirect to another host, waits
    without end for a slow body, takes HTML for an empty response, and reads a label `1e3` as the number 1000.

    The manifest's `error_handler` classifies each response. RETRY, a broken connection and a body that is not JSON are
    retried `max_retries` times, for `max_outage_seconds` at most. RATE_LIMITED pauses the account and is retried until
    `max_outage_seconds` pass without any good response, so that a low limit makes a sync slower, not red. A Retry-After
    pauses the account; one of `max_outage_seconds` or more opens its circuit. A request that fails, fails alone, until
    the account's circuit opens.

    Attributes:
        provider: name in messages
        request_parameters: query parameters; one that renders empty is left out
        date_range_parameters: query parameters that name a day, `YYYY-MM-DD`: `plus_days` after the slice's `bound`
        requests_per_second: limit of the account
        max_outage_seconds: how long a request, or the account, may fail
        cache_responses: whether streams that send the same request share its response, or its failure
    """

    config: Mapping[str, Any]
    provider: str
    url: str
    authenticator: DeclarativeAuthenticator
    error_handler: DefaultErrorHandler
    requests_per_second: str | float
    max_outage_seconds: str | float
    http_method: str = "GET"
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    date_range_parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cache_responses: bool = False
    parameters: InitVar[Mapping[str, Any]] = None

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        self._parameters = parameters or {}
        if self.http_method != "GET":
            raise ValueError("Only GET is allowed: other requests to these APIs send messages or cost money.")
        if type(self.authenticator) not in AUTHENTICATORS or not self.authenticator.auth_header:
            raise ValueError("The authenticator must send its key in a header, and be one of AUTHENTICATORS.")

    # What is the same for each request is made once, on first use: most commands send few requests.

    @cached_property
    def account(self) -> AccountState:
        key = (self.provider, *self.authenticator.get_auth_header().items())
        return self._session.accounts.get(key, lambda: AccountState(self._session.concurrency))

    @cached_property
    def _session(self) -> SyncSession:
        return self.config.get("_session") or SyncSession()

    @cached_property
    def _client(self) -> HttpClient:
        return self.account.client(str(self._request.url))

    @property
    def _endpoint(self) -> str:
        """The path as the manifest declares it, behind the last template: no base URL, no id of an account."""
        return self.url.rpartition("}}")[2]

    @cached_property
    def _request(self) -> requests.PreparedRequest:
        # Prepared without a session, which would add cookies and credentials from `.netrc`.
        headers = {"User-Agent": user_agent(), "Accept-Encoding": "gzip", "Cache-Control": "no-cache"}
        texts = {name: self._text(text) for name, text in self.request_parameters.items()}
        request = requests.Request(
            "GET",
            self._text(self.url),
            headers={**headers, **{name: self._text(text) for name, text in self.request_headers.items()}},
            params={name: text for name, text in texts.items() if text},
            auth=self.authenticator,
        )
        try:
            return request.prepare()
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema):
            raise config_error(f"The setting '{self.provider} base URL' is not a valid URL. Correct it.") from None

    @cached_property
    def _dates(self) -> Sequence[tuple[str, str, timedelta]]:
        dates = self.date_range_parameters.items()
        return [(name, each["bound"], timedelta(self._number(each.get("plus_days", 0)))) for name, each in dates]

    @cached_property
    def _rate(self) -> float:
        return self._number(self.requests_per_second)

    @cached_property
    def _max_outage(self) -> float:
        return self._number(self.max_outage_seconds)

    def send_request(  # type: ignore[override]
        self,
        stream_state: Any = None,
        stream_slice: Any = None,
        request_params: Mapping[str, str] | None = None,
        path: str | None = None,
        is_retry: bool = False,
        **_: Any,
    ) -> requests.Response:
        """Return a good response. `request_params` are query parameters of this request alone; `path` is the URI of a
        further page, as a response names it, with its query. A retry is not answered from the cache.

        Raises AirbyteTracedException: config_error where the user can act, transient_error after the last attempt,
        system_error for a response that only a new version can read. Raises SyncCancelled.
        """
        request = copy(self._request)
        if path:
            self._turn_to_page(request, path)
        for name, bound, shift in () if path else self._dates:
            day = date.fromisoformat(stream_slice[bound][:10]) + shift
            request.url = f"{request.url}{'&' if '?' in str(request.url) else '?'}{name}={day}"
        if request_params:
            request.prepare_url(request.url, request_params)
        if self.cache_responses and not is_retry:
            return self.account.cached(str(request.url), lambda: self._send_with_retries(request))
        return self._send_with_retries(request)

    def _turn_to_page(self, request: requests.PreparedRequest, uri: str) -> None:
        """Only the query may change: the request carries the key, which belongs to this address alone."""
        address = urlsplit(str(request.url))[:3]
        with suppress(ValueError):
            request.prepare_url(urljoin(str(request.url), uri), None)
            if urlsplit(str(request.url))[:3] == address:
                return
        raise unexpected_response_error(self.provider, self._endpoint, "its next page is at another address")

    def _send_with_retries(self, request: requests.PreparedRequest) -> requests.Response:
        account, final, deadline = self.account, "", math.inf
        backoffs = [2.0**attempt for attempt in range(int(self.error_handler.max_retries or 0))]
        with account.request_under_way():
            while True:
                with account.slots:
                    self._acquire_slot()
                    now = time.monotonic()
                    if not final:
                        deadline = now + self._max_outage
                    elif now >= deadline:
                        break
                    outcome = self._attempt(request, min(deadline - now, TOTAL_TIMEOUT_SECONDS))
                if isinstance(outcome, requests.Response):
                    account.record_success(self._endpoint)
                    return outcome
                problem, is_rate_limited, asked_to_wait = outcome
                final = f"{problem}. The next sync tries again."
                account.record_failure(str(request.url), final, self._max_outage)
                if asked_to_wait is not None and asked_to_wait >= self._max_outage:
                    moment = datetime.now(timezone.utc) + timedelta(seconds=asked_to_wait)
                    until = f"{problem} until {moment:%Y-%m-%d %H:%M} UTC. The next sync tries again."
                    account.open_circuit(transient_error(until))
                elif asked_to_wait is not None:
                    account.pause(asked_to_wait)
                elif is_rate_limited:
                    account.back_off()
                if is_rate_limited:
                    # As long as other requests get good responses, this one will.
                    deadline = time.monotonic() + self._max_outage - account.outage()
                elif not backoffs:
                    break
                is_paused = is_rate_limited or asked_to_wait is not None
                wait = account.pause_remaining() if is_paused else backoffs[0]
                if wait >= deadline - time.monotonic() or account.circuit_error(self._endpoint):
                    break
                if account.is_new(problem):
                    LOGGER.info("%s; retrying. This is logged once.", problem)
                if not is_rate_limited:
                    del backoffs[0]
                if not is_paused:
                    self._session.wait(wait)
        raise account.circuit_error(self._endpoint) or transient_error(final)

    def _acquire_slot(self) -> None:
        """Wait until the account may be sent a request.

        Raises SyncCancelled, and AirbyteTracedException once the circuit is open.
        """
        account = self.account
        # Thousands of requests that are never sent need no slot.
        while not account.circuit_error(self._endpoint) and (delay := account.reserve_slot(self._rate)) > 0:
            self._session.wait(delay)
            if account.pause_remaining() <= 0:
                break
        if self._session.cancelled:
            raise SyncCancelled
        if error := account.circuit_error(self._endpoint):
            raise error

    def _attempt(self, request: requests.PreparedRequest, seconds: float) -> requests.Response | Retryable:
        try:
            response, raw = self._client.send(request, seconds)
            attach_body(response, raw)
        except InvalidResponse as invalid:
            return Retryable(f"{self.provider} {invalid}")
        response.endpoint = self._endpoint  # type: ignore[attr-defined]
        try:
            return classify(self.provider, self.error_handler, response) or response
        except AirbyteTracedException as error:
            # HTTP 400 may be about this request alone: a range of dates that is too wide.
            if error.failure_type is FailureType.config_error and response.status_code != requests.codes.bad_request:
                self.account.record_rejection(self._endpoint, error)
            raise

    def _number(self, value: str | float) -> float:
        return float(self._text(str(value)))

    def _text(self, template: str) -> str:
        filled = InterpolatedString.create(template, parameters=self._parameters)
        # No literal has this type: the CDK then keeps a text that it would otherwise read as a Python literal.
        return str(filled.eval(self.config, valid_types=(type,)))
