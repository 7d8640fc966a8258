"""HTTP client: one request, to one host, before one deadline, without redirects."""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from functools import cache, cached_property
from importlib import metadata
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from source_sms_providers.errors import config_error
from source_sms_providers.http.body import InvalidResponse, read_body

CONNECT_TIMEOUT_SECONDS = 5.0
"""Bound of one step on the way to a connection: each address of the host, the proxy's reply, TLS."""
READ_TIMEOUT_SECONDS = 30.0
"""How long the server may send nothing."""
MAX_CONNECTIONS = 32
"""The maximum of "Concurrent requests per provider"."""


class HttpClient:
    """Sends requests to one host. All threads share its connections.

    Proxies and certificates come from the environment. Loopback addresses are never requested through a proxy.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = NoRedirects()
        self._session.mount("https://", SingleHostAdapter(pool_maxsize=MAX_CONNECTIONS))
        self._session.mount("http://", SingleHostAdapter(pool_maxsize=MAX_CONNECTIONS))  # ignore-https-check

    def send(self, request: requests.PreparedRequest, seconds: float) -> tuple[requests.Response, bytes]:
        """Return a response and its whole body, still compressed, within this many seconds.

        Raises InvalidResponse if there is none, and AirbyteTracedException (config_error) if the environment names
        an unusable proxy or certificates that do not exist.
        """
        options = {**self._environment, "timeout": Deadline(time.monotonic() + seconds), "allow_redirects": False}
        try:
            with self._session.send(request, **options) as response:
                return response, read_body(response.raw.stream(65536, decode_content=False))
        except requests.exceptions.InvalidURL as error:
            # With DEPLOYMENT_MODE=CLOUD, the CDK looks the name up first and hides its failure in this exception.
            if isinstance(error.__context__, socket.gaierror):
                raise InvalidResponse("could not be reached: its host name was not found") from None
            raise config_error(
                "The proxy in HTTPS_PROXY or ALL_PROXY, in the environment of the connector, is not a valid URL. "
                "Correct it."
            ) from None
        except requests.exceptions.ProxyError:
            raise InvalidResponse(
                f"could not be reached{self._proxy_hint}, which does not answer or rejects the connection. Check the "
                "proxy's address, user and password in the environment of the connector"
            ) from None
        except requests.exceptions.SSLError:
            raise InvalidResponse(
                f"could not be reached securely{self._proxy_hint}: TLS failed{self._ca_hint}"
            ) from None
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            raise InvalidResponse(f"did not answer in time{self._proxy_hint}") from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError):
            raise InvalidResponse(f"could not be reached{self._proxy_hint}, or the connection broke") from None

    @cached_property
    def _environment(self) -> Mapping[str, Any]:
        found = self._session.merge_environment_settings(self._url, {}, True, None, None)
        if _is_loopback(self._url):
            found["proxies"] = {}
        certificates = found["verify"]
        if self._url.startswith("https:") and isinstance(certificates, str) and not Path(certificates).exists():
            raise config_error(
                f"The CA certificates {certificates} do not exist. Correct or remove REQUESTS_CA_BUNDLE or "
                "CURL_CA_BUNDLE in the environment of the connector."
            )
        if str(requests.utils.select_proxy(self._url, found["proxies"])).lower().startswith("socks"):
            raise config_error(
                "The proxy in HTTPS_PROXY or ALL_PROXY, in the environment of the connector, is a SOCKS proxy, which "
                "is not supported. Set an HTTP proxy, or remove it."
            )
        return found

    @cached_property
    def _proxy_hint(self) -> str:
        """Names the proxy, without its user and password."""
        proxy = requests.utils.select_proxy(self._url, self._environment["proxies"]) or ""
        address = proxy.rpartition("@")[2].rpartition("//")[2].rstrip("/")
        return f" through the proxy {address}" if proxy else ""

    @property
    def _ca_hint(self) -> str:
        certificates = self._environment["verify"]
        return f" with the certificates in {certificates}" if isinstance(certificates, str) else ""


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Deadline(urllib3.Timeout):
    """Timeouts that end at one moment of the monotonic clock. `urllib3.Timeout(total=…)` omits the way to a proxy."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self._moment = moment

    def clone(self) -> Deadline:
        return Deadline(self._moment)

    @property
    def read_timeout(self) -> float:
        return max(0.001, self._moment - time.monotonic())

    connect_timeout = read_timeout


class DeadlineConnection:
    """Mixin for connections of urllib3: bounds the whole way to a connection by its timeout.

    urllib3 applies the timeout to each address anew, and to the look-up of the host name not at all.
    """

    timeout: float

    def connect(self) -> None:
        seconds, connected = self.timeout, Future[None]()
        self.timeout = min(CONNECT_TIMEOUT_SECONDS, seconds)
        # Nothing interrupts a look-up: its thread is left behind, and ends on its own.
        threading.Thread(target=self._connect, args=(connected,), name="connect", daemon=True).start()
        wait([connected], seconds)
        if not connected.done():
            raise urllib3.exceptions.ConnectTimeoutError(self, "The deadline is over.")
        connected.result()

    def _connect(self, connected: Future[None]) -> None:
        try:
            super().connect()  # type: ignore[misc]
        except BaseException as error:
            connected.set_exception(error)
        else:
            connected.set_result(None)


class DeadlineResponse(http.client.HTTPResponse):
    """Response that is bounded as a whole, and whose connection is kept only after HTTP 200.

    The timeout of a socket starts anew with each byte, so that a response that drips would never end. Python skips
    only the interim response 100: after any other, the final response would answer the next request. A body that
    follows 204 or 304 against the rules would do the same.
    """

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(DeadlineReader(self.fp.detach(), sock, time.monotonic() + sock.gettimeout()))

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            # `begin` returns at once while there are headers.
            self.headers = None  # type: ignore[assignment]
            super().begin()
        self.will_close = self.will_close or self.status != http.client.OK


class DeadlineReader(io.RawIOBase):
    """Reads from a socket until a moment of the monotonic clock."""

    def __init__(self, raw: io.RawIOBase, sock: Any, moment: float) -> None:
        self._raw = raw
        self._socket = sock
        self._moment = moment

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._moment - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(min(left, READ_TIMEOUT_SECONDS))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class SingleHostAdapter(requests.adapters.HTTPAdapter):
    """Bounds its connections, and looks their pool up once: all requests go to one host."""

    _pool: Any = None
    _lock = threading.Lock()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            if self._pool is None:
                pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
                bases, members = (DeadlineConnection, pool.ConnectionCls), {"response_class": DeadlineResponse}
                pool.ConnectionCls = type("Connection", bases, members)
                self._pool = pool
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        # Without a proxy, requests looks for one in each request.
        return super().request_url(request, proxies) if proxies else f"/{request.path_url.lstrip('/')}"


class NoRedirects(requests.Session):
    """Session that sees no redirect. With `allow_redirects=False` alone, requests reads the body of a redirect, of
    any size, to prepare the next request.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


@cache
def user_agent() -> str:
    """`source-sms-providers/<version> (+<repository>)`, of the installed package."""
    try:
        package = metadata.metadata("source-sms-providers")
    except metadata.PackageNotFoundError:
        return "source-sms-providers"
    urls = dict(each.split(", ", 1) for each in package.get_all("Project-URL") or ())
    return f"source-sms-providers/{package['Version']} (+{urls.get('Repository', '')})"
