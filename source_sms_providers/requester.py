"""One GET request: bounded in time and size, retried politely, told apart from a broken answer."""

import contextlib
import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.declarative.requesters.requester import HttpMethod
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ResponseAction
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.answers import strict_json
from source_sms_providers.command import Command
from source_sms_providers.deadlines import Deadlines
from source_sms_providers.errors import config_error, transient_error

LOGGER = logging.getLogger("airbyte")

Key = TypeVar("Key")
Value = TypeVar("Value")

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
"""How long the server may send nothing."""
ANSWER_SECONDS = 60.0
"""How long one answer may take from the first byte sent to the last byte read."""
MAX_BODY_BYTES = 64 * 1024 * 1024
"""200 times the largest answer known, the world's price list."""
MAX_WAIT_SECONDS = 120.0
"""The longest Retry-After that a sync waits for."""


class MadeOnce(Generic[Key, Value]):
    """The value of each key, made by the first who wants it while the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[Key, threading.Lock] = {}
        self._made: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """What `make` returns the first time; if it raises, the next one tries again."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]


class Provider:
    """What the workers of one command know together of one provider: whose turn it is, until when to
    keep quiet, since when it fails, and the answers that are of use to several streams.

    A Retry-After meant for one worker is meant for all, and thousands of days that each wait for a
    dead host would keep a sync alive for hours.
    """

    _known: ClassVar[dict[tuple[str, str], "Provider"]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._next_turn = 0.0
        self._quiet_until = 0.0
        self._failing_since: float | None = None
        self._given_up: str | None = None
        self._answers = MadeOnce[str, requests.Response]()

    @classmethod
    def forget_all(cls) -> None:
        """For the start of a command: what an earlier one in this process met is over."""
        with cls._lock:
            cls._known.clear()

    @classmethod
    def of(cls, name: str, host: str) -> "Provider":
        with cls._lock:
            return cls._known.get((name, host)) or cls._known.setdefault((name, host), cls())

    def seconds_to_turn(self, requests_per_second: float) -> float:
        """Takes the next turn to ask: how long to wait for it."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_turn)
            self._next_turn = turn + 1 / requests_per_second
            return turn - now

    def seconds_of_quiet(self) -> float:
        return self._quiet_until - time.monotonic()

    def keep_quiet(self, seconds: float) -> None:
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def failed(self, since: float) -> None:
        with self._lock:
            self._failing_since = since if self._failing_since is None else self._failing_since

    def answered(self) -> None:
        self._failing_since = None

    def give_up(self, sentence: str) -> None:
        self._given_up = sentence

    def given_up(self) -> str | None:
        """Why the provider is not asked any more, or None."""
        return self._given_up

    def seconds_left(self, limit: float) -> float:
        """How much longer the provider may go on failing."""
        since = self._failing_since
        return limit if since is None else since + limit - time.monotonic()

    def shared(self, url: str, ask: Callable[[], requests.Response]) -> requests.Response:
        """The answer of one request for all who ask the same."""

        def unparsed() -> requests.Response:
            response = ask()
            # Kept as it came: parsed it takes several times the memory.
            response.json = lambda **_: strict_json(response.content)  # type: ignore[method-assign]
            return response

        return self._answers.get(url, unparsed)


class BrokenAnswer(Exception):
    """What was received is no whole answer; the text goes on as '<provider> <text>'."""


@dataclass
class ReadOnlyRequester(HttpRequester):
    """Sends what the manifest declares and gives back only whole answers that are JSON.

    The CDK's own sending is not used, for it logs URLs with their query, headers and bodies, replays
    `X-Api-Key` on a redirect to another host, waits without end for a slow body, takes HTML for an
    empty answer, and reads a label `1e3` in a template as the number 1000.

    Guarantees, whichever thread calls:
    - GET only, no redirect is followed, no cookie is kept, no `.netrc` is read;
    - an answer is judged by the manifest's `error_handler`; what it calls RETRY or RATE_LIMITED, a
      broken connection and a body that is no JSON are asked again, `max_retries` times at most;
    - a provider that gives no good answer for `outage_seconds` is not asked again;
    - every error is a sentence (`errors.py`).

    Attributes:
        provider: the name that the sentences use
        request_parameters: query parameters that are the same for each slice; one that renders empty is left out
        date_parameters: query parameters that name a day, `YYYY-MM-DD`: `day_of` is the bound of the slice
            (`start_time` or `end_time`), `plus_days` what is added to its day
        requests_per_second: how many requests the provider gets at most, from all workers together
        outage_seconds: how long a provider may fail before the sync ends
        share_answers: whether an answer serves all streams that ask the same within a command
    """

    provider: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    date_parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    requests_per_second: str | float = 80.0
    outage_seconds: str | float = 180.0
    share_answers: bool = False
    parameters: InitVar[Mapping[str, Any]] = None

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters or {})
        if self.get_method() is not HttpMethod.GET:
            raise ValueError("Only GET requests are allowed: other requests of these APIs send messages or cost money.")
        self._session = NoRedirects()
        self._session.headers["Accept-Encoding"] = "gzip, deflate"
        # Not None, or requests would look for the host in `.netrc` and put what it finds over our header.
        self._session.auth = lambda request: request
        adapter = OneHostAdapter(pool_maxsize=32)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    # All that is the same for each request is made once, and only when something is asked: most commands ask little.

    @cached_property
    def _request(self) -> requests.PreparedRequest:
        headers = {name: self._text(text) for name, text in self.request_headers.items()}
        texts = {name: self._text(text) for name, text in self.request_parameters.items()}
        parameters = {name: text for name, text in texts.items() if text}
        return self._session.prepare_request(
            requests.Request("GET", self.get_url(), headers=headers, params=parameters)
        )

    @cached_property
    def _host(self) -> str:
        return urlsplit(str(self._request.url)).netloc

    @cached_property
    def _environment(self) -> Mapping[str, Any]:
        """Proxies and certificates, as the environment names them."""
        return self._session.merge_environment_settings(self._request.url, {}, True, None, None)

    @cached_property
    def _dates(self) -> Sequence[tuple[str, str, timedelta]]:
        return [
            (name, each["day_of"], timedelta(days=self._number(each.get("plus_days", "0"))))
            for name, each in self.date_parameters.items()
        ]

    @cached_property
    def _command(self) -> Command:
        return self.config.get("_command") or Command()

    @cached_property
    def _rate(self) -> float:
        return self._number(self.requests_per_second)

    @cached_property
    def _patience(self) -> float:
        return self._number(self.outage_seconds)

    def send_request(  # type: ignore[override]
        self, stream_state: Any = None, stream_slice: Any = None, **_: Any
    ) -> requests.Response:
        """Asks until there is a good answer.

        Raises AirbyteTracedException: config_error where the user can act, transient_error when all
        tries are used up, system_error for an answer that only a new version can read.
        """
        request = self._request.copy()
        for name, bound, shift in self._dates:
            day = date.fromisoformat(stream_slice[bound][:10]) + shift
            request.url = f"{request.url}{'&' if '?' in str(request.url) else '?'}{name}={day}"
        provider = Provider.of(self.provider, self._host)
        if self.share_answers:
            return provider.shared(str(request.url), lambda: self._ask(request, provider))
        return self._ask(request, provider)

    def _ask(self, request: requests.PreparedRequest, provider: Provider) -> requests.Response:
        max_retries = getattr(self.error_handler, "max_retries", None) or 0
        attempt = 0
        while True:
            attempt += 1
            # Thousands of days that are not asked any more need no turn.
            if not provider.given_up() and (early := provider.seconds_to_turn(self._rate)) > 0:
                time.sleep(early)
            if (quiet := provider.seconds_of_quiet()) > 0:
                time.sleep(quiet)
            if given_up := provider.given_up():
                raise transient_error(given_up)
            left = provider.seconds_left(self._patience)
            if left <= 0:
                provider.give_up(f"{self.provider} gives no good answer. The next sync asks again.")
                continue
            started = time.monotonic()
            try:
                with self._command.request():
                    response = self._answer(request, started + min(left, ANSWER_SECONDS))
                sentence = self._judge(response)
            except BrokenAnswer as broken:
                response, sentence = None, f"{self.provider} {broken}"
            if response is not None and sentence is None:
                provider.answered()
                return response
            provider.failed(started)
            wait = self._wait(response, attempt)
            final = f"{sentence}. The next sync asks again."
            if wait >= min(MAX_WAIT_SECONDS, provider.seconds_left(self._patience)):
                provider.give_up(final)
                raise transient_error(final)
            if attempt > max_retries:
                raise transient_error(final)
            LOGGER.info("%s; asking again in %.0f s (retry %d of %d).", sentence, wait, attempt, max_retries)
            if response is not None and retry_after(response) is not None:
                provider.keep_quiet(wait)
            else:
                time.sleep(wait)

    def _answer(self, request: requests.PreparedRequest, deadline: float) -> requests.Response:
        """Reads one answer whole before the deadline; its `json()` is parsed once, strictly."""

        def left(limit: float) -> float:
            return max(0.001, min(limit, deadline - time.monotonic()))

        timeout = (left(CONNECT_SECONDS), left(SILENCE_SECONDS))
        raw = bytearray()
        try:
            with (
                cut_off_at(deadline) as late,
                self._session.send(request, allow_redirects=False, timeout=timeout, **self._environment) as response,
            ):
                for part in response.raw.stream(65536, decode_content=False):
                    raw += part
                    if len(raw) > MAX_BODY_BYTES:
                        raise BrokenAnswer("sent more data than this connector takes")
            if late.is_set():
                raise BrokenAnswer("did not answer in time")
        except requests.exceptions.SSLError:
            raise BrokenAnswer("could not be reached safely: TLS failed") from None
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            raise BrokenAnswer("did not answer in time") from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError):
            if late.is_set():
                raise BrokenAnswer("did not answer in time") from None
            raise BrokenAnswer("could not be reached, or the connection broke off") from None
        finally:
            self._session.cookies.clear()
        response._content = decoded(bytes(raw), response.headers.get("Content-Encoding", ""))
        try:
            parsed = strict_json(response._content)
            # The error filters and the extractor each ask for it.
            response.json = lambda **_: parsed  # type: ignore[method-assign]
        except (ValueError, RecursionError):
            if response.status_code == requests.codes.ok:
                raise BrokenAnswer("sent something else than the JSON its API promises") from None
        return response

    def _judge(self, response: requests.Response) -> str | None:
        """None for a good answer, a sentence without its end for one to ask again for; raises for the rest."""
        is_ok = response.status_code == requests.codes.ok
        if is_ok and isinstance(response.json(), list):
            # Rows, as nearly all answers of seven.io are. Neither API tells an error so, and each filter is a template.
            return None
        # Not error_handler.interpret_response: its default for what no filter names shows URL and body.
        filters = getattr(self.error_handler, "response_filters", None) or []
        found = (resolution for each in filters if (resolution := each.matches(response)))
        # A body is no success by itself.
        resolution = next((each for each in found if is_ok or each.response_action is not ResponseAction.SUCCESS), None)
        if resolution is not None and resolution.error_message:
            if resolution.response_action in (ResponseAction.RETRY, ResponseAction.RATE_LIMITED):
                return str(resolution.error_message)
            kind = resolution.failure_type or FailureType.system_error
            raise AirbyteTracedException(resolution.error_message, resolution.error_message, kind)
        if is_ok:
            return None
        if response.is_redirect:
            raise config_error(
                f"{self.provider} answered with a redirect, which is not followed: it could carry the key to another "
                "host. Check the base URL in the settings."
            )
        sentence = f"{self.provider} answered HTTP {response.status_code}, which its API does not promise"
        if response.status_code >= requests.codes.server_error:
            return sentence
        raise AirbyteTracedException(
            f"{sentence}. Update the connector or report it.", f"{sentence}. Update the connector or report it."
        )

    def _wait(self, response: requests.Response | None, attempt: int) -> float:
        """Seconds until the next try: what the provider asks for, else 1, 2, 4, 8, 16."""
        asked_for = None if response is None else retry_after(response)
        return float(2 ** (attempt - 1)) if asked_for is None else asked_for

    def _number(self, value: str | float) -> float:
        return float(self._text(str(value)))

    def _text(self, template: str) -> str:
        filled = InterpolatedString.create(template, parameters=self._parameters)
        # A type no value has: the CDK then keeps the text that it would otherwise read as a Python literal.
        return str(filled.eval(self.config, valid_types=(_NoLiteral,)))


class _NoLiteral:
    pass


class NoRedirects(requests.Session):
    """A session that sees no redirect in any answer. `allow_redirects=False` alone reads the body of a
    redirect, of any size, to prepare the request that would follow it.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class OneHostAdapter(requests.adapters.HTTPAdapter):
    """Gives connections that can be cut off, and looks them up once: all requests of a requester go to one host."""

    _pool: urllib3.connectionpool.ConnectionPool | None = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": WatchedHTTPPool, "https": WatchedHTTPSPool}

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> urllib3.connectionpool.ConnectionPool:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool


class WatchedHTTPConnection(urllib3.connection.HTTPConnection):
    """Tells the thread that uses it which socket it uses, so that a slow answer can be cut off."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        IN_USE.socket = self.sock


class WatchedHTTPSConnection(WatchedHTTPConnection, urllib3.connection.HTTPSConnection):
    pass


class WatchedHTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = WatchedHTTPConnection


class WatchedHTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = WatchedHTTPSConnection


IN_USE = threading.local()
DEADLINES = Deadlines()


@contextlib.contextmanager
def cut_off_at(deadline: float) -> Iterator[threading.Event]:
    """Ends the connection that this thread uses at a moment of the monotonic clock.

    A timeout of the socket is no bound: each byte of an answer that drips starts it anew.
    """
    late = threading.Event()
    IN_USE.socket = None
    of_this_thread = IN_USE.__dict__

    def cut_off() -> None:
        late.set()
        if used := of_this_thread["socket"]:
            with contextlib.suppress(OSError):
                # The plain socket's method, for TLS too: it wakes the reader and leaves the rest to it.
                socket.socket.shutdown(used, socket.SHUT_RDWR)

    with DEADLINES.unless_left_in(deadline - time.monotonic(), cut_off):
        yield late


def retry_after(response: requests.Response) -> float | None:
    """The seconds of a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def decoded(raw: bytes, encoding: str) -> bytes:
    """A body without its compression. The end of the compressed data must be there: urllib3 lets a cut one pass."""
    if encoding.lower() in ("", "identity"):
        return raw
    try:
        inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        body = inflate.decompress(raw, MAX_BODY_BYTES)
    except zlib.error:
        raise BrokenAnswer("sent something else than the JSON its API promises") from None
    if not inflate.eof:
        raise BrokenAnswer("sent an answer that is cut off or too large")
    return body
