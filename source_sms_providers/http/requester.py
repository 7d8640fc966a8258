"""One GET request: asked, judged, and asked again politely."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, fields
from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import count
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.auth.token import ApiKeyAuthenticator, BearerAuthenticator
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.requesters.error_handlers import DefaultErrorHandler, HttpResponseFilter
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error, transient_error
from source_sms_providers.http.account import AccountState
from source_sms_providers.http.body import InvalidResponse, attach_body
from source_sms_providers.http.client import HttpClient
from source_sms_providers.session import SyncCancelled, SyncSession

LOGGER = logging.getLogger("airbyte")

ANSWER_SECONDS = 60.0
"""How long one answer may take from the first byte sent to the last byte read."""
MAX_WAIT_SECONDS = 120.0
"""The longest Retry-After that a sync waits for."""

AUTHENTICATORS = (ApiKeyAuthenticator, BearerAuthenticator)
ASK_AGAIN = (ResponseAction.RETRY, ResponseAction.RATE_LIMITED)
ACTIONS = (ResponseAction.SUCCESS, ResponseAction.FAIL, *ASK_AGAIN)


@dataclass(kw_only=True)
class ReadOnlyRequester(Requester):
    """Sends what the manifest declares and gives back only whole answers that are JSON.

    The CDK's own sending is not used, for it logs URLs with their query, headers and bodies, replays
    `X-Api-Key` on a redirect to another host, waits without end for a slow body, takes HTML for an
    empty answer, and reads a label `1e3` in a template as the number 1000.

    Guarantees, whichever thread calls:
    - GET only, no redirect is followed, no cookie is sent, no `.netrc` is read;
    - an answer is judged by the manifest's `error_handler`; what it calls RETRY or RATE_LIMITED, a
      broken connection and a body that is no JSON are asked again, `max_retries` times at most and
      for `outage_seconds` at most;
    - a request that gets no good answer fails alone. A provider that answers none of four requests in
      a row, and has not answered for `outage_seconds`, is not asked again. So a dead host ends a sync
      within 3 x `outage_seconds` + ANSWER_SECONDS with one worker, and about `outage_seconds` +
      3 x ANSWER_SECONDS with four or more; later only if the host itself asks for a wait;
    - every error is a sentence (`errors.py`).

    Of the CDK's interface only `send_request` is there: the rest serves the CDK's own retriever.

    Attributes:
        provider: the name that the sentences use
        request_parameters: query parameters that are the same for each slice; one that renders empty is left out
        date_parameters: query parameters that name a day, `YYYY-MM-DD`: `day_of` is the bound of the slice
            (`start_time` or `end_time`), `plus_days` what is added to its day
        requests_per_second: how many requests the provider gets at most, from all workers together
        outage_seconds: how long a request, or a provider, may go on failing
        share_answers: whether an answer, or its failure, serves all streams that ask the same within a command

    Raises ValueError for what is declared and not honoured.
    """

    config: Mapping[str, Any]
    provider: str
    url: str
    authenticator: DeclarativeAuthenticator
    error_handler: DefaultErrorHandler
    requests_per_second: str | float
    outage_seconds: str | float
    http_method: str = "GET"
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    date_parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    share_answers: bool = False
    parameters: InitVar[Mapping[str, Any]] = None

    # What the CDK's own requester knows besides. Fields that a class does not have are dropped in silence.
    url_base: None = None
    path: None = None
    fetch_properties_from_endpoint: None = None
    query_properties: None = None
    request_body: None = None
    request_body_data: None = None
    request_body_json: None = None
    use_cache: None = None
    connect_timeout_in_seconds: None = None
    read_timeout_in_seconds: None = None
    use_tcp_keepalive: None = None

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        self._parameters = parameters or {}
        if self.http_method != "GET":
            raise ValueError("Only GET requests are allowed: other requests of these APIs send messages or cost money.")
        never_set = [each.name for each in fields(self) if each.type is None]
        if refused := [name for name in never_set if getattr(self, name) is not None]:
            raise ValueError(f"The requester does not honour {', '.join(refused)}.")
        if type(self.error_handler) is not DefaultErrorHandler or self.error_handler.backoff_strategies:
            raise ValueError("The requester honours only a DefaultErrorHandler without backoff_strategies.")
        if type(self.authenticator) not in AUTHENTICATORS or not self.authenticator.auth_header:
            raise ValueError("The requester honours only a BearerAuthenticator or an ApiKeyAuthenticator in a header.")
        if unknown := {each.action for each in self._filters} - {None, *ACTIONS}:
            raise ValueError(f"The requester does not honour {', '.join(map(str, unknown))} of a response filter.")

    @property
    def _filters(self) -> Sequence[HttpResponseFilter]:
        return self.error_handler.response_filters or ()

    # All that is the same for each request is made once, and only when something is asked: most commands ask little.

    @cached_property
    def _request(self) -> requests.PreparedRequest:
        # Not made by a session, which would add cookies, and what `.netrc` has for the host.
        headers = {"User-Agent": requests.utils.default_user_agent(), "Accept-Encoding": "gzip, deflate"}
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
            raise config_error(f"The setting '{self.provider} base URL' is no URL. Correct it.") from None

    @cached_property
    def _transport(self) -> HttpClient:
        return HttpClient(str(self._request.url), self._command)

    @cached_property
    def _provider_state(self) -> AccountState:
        session = self._command
        return session.accounts.get(
            (self.provider, *self.authenticator.get_auth_header().items()), lambda: AccountState(session.concurrency)
        )

    @cached_property
    def _command(self) -> SyncSession:
        return self.config.get("_session") or SyncSession()

    @cached_property
    def _dates(self) -> Sequence[tuple[str, str, timedelta]]:
        return [
            (name, each["day_of"], timedelta(days=self._number(each.get("plus_days", "0"))))
            for name, each in self.date_parameters.items()
        ]

    @cached_property
    def _rate(self) -> float:
        return self._number(self.requests_per_second)

    @cached_property
    def _patience(self) -> float:
        return self._number(self.outage_seconds)

    def send_request(  # type: ignore[override]
        self,
        stream_state: Any = None,
        stream_slice: Any = None,
        request_params: Mapping[str, str] | None = None,
        **_: Any,
    ) -> requests.Response:
        """Asks until there is a good answer; `request_params` are query parameters of this request alone.

        Raises AirbyteTracedException: config_error where the user can act, transient_error when all
        tries are used up, system_error for an answer that only a new version can read.
        """
        request = self._request.copy()
        for name, bound, shift in self._dates:
            day = date.fromisoformat(stream_slice[bound][:10]) + shift
            request.url = f"{request.url}{'&' if '?' in str(request.url) else '?'}{name}={day}"
        if request_params:
            request.prepare_url(request.url, request_params)
        if self.share_answers:
            return self._provider_state.shared(str(request.url), lambda: self._ask(request))
        return self._ask(request)

    def _ask(self, request: requests.PreparedRequest) -> requests.Response:
        account = self._provider_state
        max_retries = int(self.error_handler.max_retries or 0)
        ends, final = None, ""
        for attempt in count(1):
            response = None
            with account.slots:
                if self._command.cancelled:
                    raise SyncCancelled
                self._wait_for_turn()
                started = time.monotonic()
                ends = ends or started + self._patience
                if final and started >= ends:
                    break
                try:
                    response = self._answer(request, min(ends - started, ANSWER_SECONDS))
                    problem = self._judge(response)
                except InvalidResponse as broken:
                    problem = f"{self.provider} {broken}"
            if response is not None and problem is None:
                account.answered()
                return response
            final = f"{problem}. The next sync asks again."
            account.failed(str(request.url), final, self._patience)
            asked_for = None if response is None else retry_after(response)
            wait = 2.0 ** (attempt - 1) if asked_for is None else asked_for
            if asked_for is not None and asked_for > MAX_WAIT_SECONDS:
                account.give_up(final)
            elif asked_for is not None:
                account.keep_quiet(wait)
            if attempt > max_retries or wait >= ends - time.monotonic() or account.given_up():
                break
            LOGGER.info("%s; asking again in %.0f s (retry %d of %d).", problem, wait, attempt, max_retries)
            if asked_for is None:
                self._command.wait(wait)
        raise transient_error(final)

    def _wait_for_turn(self) -> None:
        account = self._provider_state
        # Thousands of days that are not asked any more need no turn.
        if not account.given_up() and (early := account.seconds_to_turn(self._rate)) > 0:
            self._command.wait(early)
        while not account.given_up() and (quiet := account.seconds_of_quiet()) > 0:
            self._command.wait(quiet)
        if given_up := account.given_up():
            raise transient_error(given_up)

    def _answer(self, request: requests.PreparedRequest, seconds: float) -> requests.Response:
        response, raw = self._transport.send(request, seconds)
        attach_body(response, raw)
        return response

    def _judge(self, response: requests.Response) -> str | None:
        """None for a good answer, a sentence without its end for one to ask again for; raises for the rest."""
        is_ok = response.status_code == requests.codes.ok
        if is_ok and isinstance(response.json(), list):
            # Rows, as nearly all answers of seven.io are. Neither API tells an error so, and each filter is a template.
            return None
        resolution = self._resolution(response)
        if resolution is not None and resolution.response_action is not ResponseAction.SUCCESS:
            problem = resolution.error_message or f"{self.provider} refused the request (HTTP {response.status_code})"
            if resolution.response_action in ASK_AGAIN:
                return problem
            raise AirbyteTracedException(problem, problem, resolution.failure_type or FailureType.system_error)
        if is_ok:
            return None
        if response.is_redirect:
            raise config_error(
                f"{self.provider} answered with a redirect, which is not followed: it could carry the key to another "
                "host. Check the base URL in the settings."
            )
        problem = f"{self.provider} answered HTTP {response.status_code}, which its API does not promise"
        if response.status_code >= requests.codes.server_error:
            return problem
        sentence = f"{problem}. Update the connector or report it."
        raise AirbyteTracedException(sentence, sentence)

    def _resolution(self, response: requests.Response) -> ErrorResolution | None:
        # Not error_handler.interpret_response: its default for what no filter names shows URL and body.
        for each in self._filters:
            resolution = each.matches(response)
            # A body alone makes no success of another status.
            if resolution and (
                response.status_code == requests.codes.ok or resolution.response_action is not ResponseAction.SUCCESS
            ):
                return resolution
        return None

    def _number(self, value: str | float) -> float:
        return float(self._text(str(value)))

    def _text(self, template: str) -> str:
        filled = InterpolatedString.create(template, parameters=self._parameters)
        # A type no value has: the CDK then keeps the text that it would otherwise read as a Python literal.
        return str(filled.eval(self.config, valid_types=(_NoLiteral,)))


class _NoLiteral:
    pass


def retry_after(response: requests.Response) -> float | None:
    """The seconds to wait that a Retry-After header names, as a number or a date (RFC 9110, 10.2.3), if any."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value) or None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    seconds = (moment - datetime.now(timezone.utc)).total_seconds()
    # One that is over, as a clock that differs makes it, is no reason to hurry.
    return seconds if seconds > 0 else None
