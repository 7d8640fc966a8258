"""One request over the wire: within its time, to one host, with no redirect followed."""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from source_sms_providers.errors import config_error
from source_sms_providers.http.body import InvalidResponse, received

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
"""How long the server may send nothing."""
MOST_CONNECTIONS = 32
"""As many as "Parallel requests" can be."""


class HttpClient:
    """Sends requests to the host of a URL; all threads share its connections.

    Proxies and the certificates to trust are those that the environment names. This machine itself
    is never asked through a proxy.
    """

    def __init__(self, url: str, command: Any) -> None:
        self._url = url
        self._session = NoRedirects()
        adapter = SingleHostAdapter(command)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)  # ignore-https-check

    def send(self, request: requests.PreparedRequest, seconds: float) -> tuple[requests.Response, bytes]:
        """An answer and its body as it travelled, read whole within so many seconds.

        Raises InvalidResponse if there is none, and AirbyteTracedException (config_error) if the environment
        names a proxy that is no URL or certificates that do not exist.
        """
        how = {**self._environment, "timeout": DeadlineTimeout(time.monotonic() + seconds), "allow_redirects": False}
        try:
            with self._session.send(request, **how) as response:
                return response, received(response.raw.stream(65536, decode_content=False))
        except requests.exceptions.InvalidURL:
            # Of the proxy: the request's own was looked at when it was prepared.
            raise config_error(
                "The proxy that the connector's environment names in HTTPS_PROXY or ALL_PROXY is no URL. Correct it."
            ) from None
        except requests.exceptions.ProxyError:
            raise InvalidResponse(
                f"could not be reached{self._way}, which does not answer or refuses. Check the proxy's address, user "
                "and password in the environment of the connector"
            ) from None
        except requests.exceptions.SSLError:
            raise InvalidResponse(f"could not be reached safely{self._way}: TLS failed{self._trusting}") from None
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            raise InvalidResponse(f"did not answer in time{self._way}") from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError):
            raise InvalidResponse(f"could not be reached{self._way}, or the connection broke off") from None

    @cached_property
    def _environment(self) -> Mapping[str, Any]:
        found = self._session.merge_environment_settings(self._url, {}, True, None, None)
        trusted = found["verify"]
        if self._url.startswith("https:") and isinstance(trusted, str) and not Path(trusted).exists():
            raise config_error(
                f"The certificates to trust, {trusted}, do not exist. Correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE in "
                "the environment of the connector, or leave it out."
            )
        return {**found, "proxies": {}} if _is_this_machine(self._url) else found

    @cached_property
    def _way(self) -> str:
        """The proxy on the way, without its user and password."""
        proxy = requests.utils.select_proxy(self._url, self._environment["proxies"]) or ""
        address = proxy.rpartition("@")[2].rpartition("//")[2].rstrip("/")
        return f" through the proxy {address}" if proxy else ""

    @property
    def _trusting(self) -> str:
        trusted = self._environment["verify"]
        return f" with the certificates in {trusted}" if isinstance(trusted, str) else ""


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class DeadlineTimeout(urllib3.Timeout):
    """Timeouts that end at a moment of the monotonic clock, whichever part of a request they are for."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self._moment = moment

    def clone(self) -> DeadlineTimeout:
        return DeadlineTimeout(self._moment)

    @property
    def connect_timeout(self) -> float:
        return min(CONNECT_SECONDS, self.read_timeout)

    @property
    def read_timeout(self) -> float:
        return max(0.001, self._moment - time.monotonic())


class DeadlineResponse(http.client.HTTPResponse):
    """Takes the timeout of its socket, which bounds each receive, as the bound of the whole answer.

    A timeout of the socket alone starts anew with each byte of an answer that drips.
    """

    command: Any

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        receives = DeadlineReader(self.fp.detach(), sock, time.monotonic() + sock.gettimeout(), self.command)
        self.fp = io.BufferedReader(receives)


class DeadlineReader(io.RawIOBase):
    """Reads a socket until a moment of the monotonic clock, or until the command is over."""

    def __init__(self, raw: io.RawIOBase, sock: Any, moment: float, command: Any) -> None:
        self._raw = raw
        self._socket = sock
        self._moment = moment
        self._command = command

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._moment - time.monotonic()
        if left <= 0 or self._command.cancelled:
            raise TimeoutError
        self._socket.settimeout(min(left, SILENCE_SECONDS))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class SingleHostAdapter(requests.adapters.HTTPAdapter):
    """Bounds what its connections read, and looks them up once: all requests of a transport go to one host."""

    _pool: Any = None

    def __init__(self, command: Any) -> None:
        super().__init__(pool_maxsize=MOST_CONNECTIONS)
        self._command = command

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
            # Whatever the way there: plain, TLS, through a proxy.
            response = type("Response", (DeadlineResponse,), {"command": self._command})
            pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": response})
            self._pool = pool
        return self._pool


class NoRedirects(requests.Session):
    """A session that sees no redirect in any answer. `allow_redirects=False` alone reads the body of a
    redirect, of any size, to prepare the request that would follow it.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None
