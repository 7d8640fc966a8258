from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.http.body import InvalidResponse
from source_sms_providers.http.client import DeadlineReader, HttpClient, SingleHostAdapter
from unit_tests.http.conftest import tunnel_to
from unit_tests.providers import SEVEN, canned
from unit_tests.requesters import ask, requester
from unit_tests.servers import closed_port, http_200, make_certificate, serving, swallowing

GOOD = canned("seven/balance.json")
LONG = 60.0
"""Seconds that no test waits for."""
OF_A_BOUND = 30.0
"""Seconds within which even a busy machine sees a bound of half a second."""


def send(url: str, seconds: float = LONG) -> tuple[requests.Response, bytes]:
    """What one try gets from the URL."""
    return HttpClient(url).send(requests.Request("GET", url).prepare(), seconds)


def broken(url: str, seconds: float = LONG) -> str:
    with pytest.raises(InvalidResponse) as raised:
        send(url, seconds)
    return str(raised.value)


def good(_head: str, send: Callable[[bytes], None]) -> None:
    send(http_200(GOOD))


def dripping(text: bytes, after: bytes = b"", seconds: float = 10) -> Callable[[str, Callable[[bytes], None]], None]:
    """Sends a text at once up to a part of it, and byte by byte for so many seconds behind it."""
    at_once = text.index(after) + len(after)

    def answer(_head: str, send: Callable[[bytes], None]) -> None:
        send(text[:at_once])
        for byte in text[at_once:]:
            time.sleep(seconds / len(text[at_once:]))
            send(bytes([byte]))

    return answer


@pytest.fixture
def pausing() -> Iterator[Callable[[bytes], Any]]:
    """Makes servers that send a text after ten seconds of silence."""
    is_over = threading.Event()

    def server(text: bytes, at_once: int = 0) -> Callable[[str, Callable[[bytes], None]], None]:
        def answer(_head: str, send: Callable[[bytes], None]) -> None:
            send(text[:at_once])
            is_over.wait(10)
            send(text[at_once:])

        return answer

    yield server
    is_over.set()


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def change(**seconds: float) -> None:
        for name, value in seconds.items():
            monkeypatch.setattr(f"source_sms_providers.http.client.{name}_SECONDS", value)

    return change


# Time


def test_given_a_good_response_when_requested_in_any_way_then_it_is_read_whole(reached):
    with reached(good) as url:
        response, body = send(url)

    assert (response.status_code, body) == (200, GOOD)


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n"], ids=["nothing", "status", "head"])
def test_given_a_response_that_drips_when_requested_in_any_way_then_it_is_given_up(reached, after):
    with reached(dripping(http_200(GOOD + b" " * 100), after)) as url:
        assert broken(url, seconds=0.5).startswith("did not answer in time")


@pytest.mark.parametrize("at_once", [0, 20, -5], ids=["nothing", "some head", "some body"])
def test_given_a_server_that_stops_sending_when_requested_then_it_is_given_up(reached, pausing, bounds, at_once):
    bounds(READ_TIMEOUT=0.5)

    with reached(pausing(http_200(GOOD), at_once)) as url:
        assert broken(url).startswith("did not answer in time")


def test_given_a_server_that_sends_intermittently_then_its_pauses_do_not_add_up(bounds):
    bounds(READ_TIMEOUT=3)

    with serving(dripping(http_200(GOOD), b"\r\n\r\n", seconds=4)) as url:
        assert send(url)[1] == GOOD


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_given_a_host_that_swallows_packets_then_connecting_is_bounded(bounds, scheme):
    bounds(CONNECT_TIMEOUT=0.5)
    started = time.monotonic()

    with swallowing() as url:
        assert broken(url.replace("http", scheme)) == "did not answer in time"

    assert time.monotonic() - started < OF_A_BOUND


def test_given_little_time_left_when_packets_are_swallowed_then_the_deadline_holds(bounds):
    bounds(CONNECT_TIMEOUT=LONG)
    started = time.monotonic()

    with swallowing() as url:
        broken(url, seconds=0.5)

    assert time.monotonic() - started < OF_A_BOUND


@pytest.mark.parametrize("way", ["direct", "through a proxy"])
def test_given_eight_addresses_that_swallow_packets_then_the_deadline_holds(monkeypatch, way):
    with swallowing() as url:
        address = urlsplit(url).hostname, urlsplit(url).port
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 8
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        if way == "through a proxy":
            monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
        started = time.monotonic()
        sentence = broken("https://seven.example", seconds=0.5)

    assert "in time" in sentence or "proxy.example" in sentence
    assert time.monotonic() - started < OF_A_BOUND


@pytest.mark.parametrize("way", ["direct", "through a proxy"])
def test_given_a_name_server_that_does_not_respond_then_the_deadline_holds(monkeypatch, way):
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(LONG))
    if way == "through a proxy":
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    started = time.monotonic()

    sentence = broken("https://seven.example", seconds=0.5)
    is_over.set()

    assert "in time" in sentence or "proxy.example" in sentence
    assert time.monotonic() - started < OF_A_BOUND


def test_given_a_dead_address_before_a_good_one_then_the_good_one_is_used(monkeypatch, bounds):
    bounds(CONNECT_TIMEOUT=0.5)

    with swallowing() as dead, serving(good) as url:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", urlsplit(each).port)) for each in (dead, url)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert send("http://seven.example")[1] == GOOD


def test_given_a_host_that_swallows_the_tls_greeting_then_it_is_given_up(bounds, pausing):
    bounds(CONNECT_TIMEOUT=0.5)
    started = time.monotonic()

    with serving(pausing(b"")) as url:
        assert broken(url.replace("http", "https")) == "did not answer in time"

    assert time.monotonic() - started < 10


@pytest.mark.parametrize("way", ["swallows packets", "is silent", "drips", "drips its head"])
def test_given_a_proxy_that_does_not_connect_then_the_error_names_it_in_time(
    bounds, pausing, monkeypatch, certificate, way
):
    bounds(CONNECT_TIMEOUT=0.5)
    leads_on = b"HTTP/1.1 200 OK\r\nVia: " + b"x" * 100 + b"\r\n\r\n"
    proxies = {
        "swallows packets": swallowing(),
        "is silent": serving(pausing(leads_on)),
        "drips": serving(dripping(leads_on)),
        "drips its head": serving(dripping(leads_on, b"Via:")),
    }
    started = time.monotonic()

    with proxies[way] as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        sentence = broken("https://seven.example")

    assert proxy.removeprefix("http://") in sentence
    assert time.monotonic() - started < 10


def test_given_a_socket_then_each_receive_gets_the_time_that_is_left(monkeypatch, waiting):
    monkeypatch.setattr("source_sms_providers.http.client.time", waiting)

    class Socket:
        timeouts: list[float] = []  # noqa: RUF012

        def settimeout(self, seconds: float) -> None:
            self.timeouts.append(seconds)

        def readinto(self, buffer: Any) -> int:
            return len(buffer)

        def close(self) -> None:
            pass

    receives = DeadlineReader(Socket(), Socket(), waiting.monotonic() + 60)
    for _ in range(3):
        receives.readinto(bytearray(1))
        waiting.pass_by(20)

    assert Socket.timeouts == [30, 30, 20]
    with pytest.raises(TimeoutError):
        receives.readinto(bytearray(1))


def test_given_a_request_when_sent_then_it_has_60_seconds(providers, waiting, monkeypatch):
    monkeypatch.setattr("source_sms_providers.http.client.time", waiting)
    providers.answer(f"{SEVEN}/balance", GOOD)

    ask("balance")

    timeout = providers.requests[0].timeout
    assert (timeout.connect_timeout, timeout.read_timeout) == (60, 60)


# Redirects and connections


def test_given_a_redirect_with_a_large_body_then_it_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr("source_sms_providers.http.body.MAX_BODY_BYTES", 1000)

    def answer(_head: str, send: Callable[[bytes], None]) -> None:
        send(http_200(bytes(1001), "Location: https://elsewhere.example").replace(b"200 OK", b"302 Found"))

    with serving(answer) as url:
        assert broken(url) == "sent more data than this connector accepts"


def test_given_32_workers_when_they_request_at_once_then_each_connection_is_kept(caplog):
    all_ask = threading.Barrier(32)

    def answer(_head: str, send: Callable[[bytes], None]) -> None:
        all_ask.wait(LONG)
        send(http_200(GOOD))

    with serving(answer) as url:
        transport = HttpClient(url)
        request = requests.Request("GET", url).prepare()
        workers = [threading.Thread(target=transport.send, args=(request, LONG)) for _ in range(32)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert "pool is full" not in caplog.text


def test_given_a_response_with_a_cookie_when_requested_again_then_it_is_not_sent():
    heads = []

    def answer(head: str, send: Callable[[bytes], None]) -> None:
        heads.append(head.lower())
        send(http_200(GOOD, "Set-Cookie: session=1; Path=/"))

    with serving(answer) as url:
        asking = requester(seven_base_url=url)
        asking.send_request()
        asking.send_request()

    assert len(heads) == 2
    assert "cookie:" not in heads[1]


# Proxies and certificates


def test_given_a_proxy_in_the_environment_when_requested_then_it_is_used(waiting, monkeypatch):
    heads = []

    def answer(head: str, send: Callable[[bytes], None]) -> None:
        heads.append(head)
        send(http_200(GOOD))

    with serving(answer) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        requester(seven_base_url="http://seven.example/api").send_request()

    assert [head.splitlines()[0] for head in heads] == ["GET http://seven.example/api/balance HTTP/1.1"]


def test_given_a_proxy_for_tls_then_it_learns_the_host_and_neither_key_nor_query(waiting, monkeypatch, certificate):
    heads = []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    with serving(good, certificate) as url:

        def answer(head: str, send: Callable[[bytes], None]) -> int | None:
            heads.append(head)
            return tunnel_to(url)(head, send)

        with serving(answer) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.replace("//", "//someone:secret@"))
            requester(seven_base_url="https://seven.example/api").send_request()

    [head] = heads
    assert head.splitlines()[0].startswith("CONNECT seven.example:443 HTTP/1.")
    assert "Proxy-Authorization: Basic c29tZW9uZTpzZWNyZXQ=" in head
    assert "api-key" not in head.lower()


@pytest.mark.parametrize("way", ["dead", "wants a password", "refuses", "unknown"])
def test_given_a_proxy_that_fails_then_the_error_names_it_without_its_password(monkeypatch, way):
    def answer(_head: str, send: Callable[[bytes], None]) -> None:
        send(b"HTTP/1.1 407 Who?\r\n\r\n" if way == "wants a password" else b"HTTP/1.1 403 No\r\n\r\n")

    with serving(answer) as proxy:
        address = proxy.removeprefix("http://")
        if way == "dead":
            address = f"127.0.0.1:{closed_port()}"
        elif way == "unknown":
            address = "proxy.invalid:3128"
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:secret@{address}/")
        sentence = broken("https://seven.example")

    assert sentence == (
        f"could not be reached through the proxy {address}, which does not answer or rejects the connection. "
        "Check the proxy's address, user and password in the environment of the connector"
    )


@pytest.mark.parametrize("proxy", ["someone:secret", "http://", "http://proxy.example:port"])
def test_given_a_proxy_that_is_not_a_url_then_a_config_error_does_not_show_it(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    with pytest.raises(AirbyteTracedException, match="is not a valid URL") as raised:
        send("https://seven.example")

    assert raised.value.failure_type is FailureType.config_error
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["ALL_PROXY", "HTTPS_PROXY"])
@pytest.mark.parametrize("scheme", ["socks5", "SOCKS5h", "socks4"])
def test_given_a_socks_proxy_when_sent_then_it_is_named_as_not_supported(monkeypatch, name, scheme):
    monkeypatch.setenv(name, f"{scheme}://someone:secret@proxy.example:1080")

    with pytest.raises(AirbyteTracedException, match="is a SOCKS proxy, which is not supported") as raised:
        send("https://seven.example")

    assert raised.value.failure_type is FailureType.config_error
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "[::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_given_a_proxy_when_the_request_is_to_this_machine_then_it_is_not_used(monkeypatch, scheme, host):
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:3128")

    assert "proxy" not in broken(f"{scheme}://{host}:{closed_port()}")


@pytest.mark.parametrize("host", ["128.0.0.1", "localhost.example", "10.0.0.1"])
def test_given_a_proxy_when_the_request_is_to_another_machine_then_it_is_used(monkeypatch, host):
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:3128")

    assert "through the proxy proxy.invalid:3128" in broken(f"http://{host}")


@pytest.mark.parametrize(("path", "sent"), [("", "/"), ("/api?day=1", "/api?day=1"), ("//api", "/api")])
def test_given_no_proxy_then_path_and_query_are_sent_with_one_slash_before_them(path, sent):
    request = requests.Request("GET", f"https://host.example{path}").prepare()

    assert SingleHostAdapter().request_url(request, {}) == sent


def test_given_a_certificate_that_nobody_trusts_then_tls_fails(certificate):
    with serving(good, certificate) as url:
        assert broken(url) == "could not be reached securely: TLS failed"


def test_given_certificates_of_another_authority_then_their_file_is_named(monkeypatch, certificate, tmp_path: Path):
    other = make_certificate(tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))

    with serving(good, certificate) as url:
        assert broken(url) == f"could not be reached securely: TLS failed with the certificates in {other}"


@pytest.mark.parametrize("setting", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_given_certificates_that_do_not_exist_then_a_config_error_names_them(monkeypatch, tmp_path: Path, setting):
    monkeypatch.setenv(setting, str(tmp_path / "nowhere.pem"))

    with pytest.raises(AirbyteTracedException) as raised:
        send("https://seven.example")

    assert str(raised.value).startswith(f"The CA certificates {tmp_path / 'nowhere.pem'} do not exist.")
    assert raised.value.failure_type is FailureType.config_error


def test_given_certificates_that_do_not_exist_without_tls_then_there_is_no_error(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull + "/nowhere.pem")

    with serving(good) as url:
        assert send(url)[1] == GOOD
