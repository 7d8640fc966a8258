from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from unit_tests.servers import Answer, make_certificate, serving

WAYS = ("http", "https", "http through a proxy", "https through a proxy")
OF_THE_ENVIRONMENT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_THE_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of seven.example and of this machine; no one trusts it by default."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem", "seven.example")


@pytest.fixture(params=WAYS)
def reached(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> Callable[[Answer], object]:
    """Serves answers under the URL that it gives, which is asked plainly, over TLS, or through a proxy."""
    is_tls, is_proxied = request.param.startswith("https"), "proxy" in request.param

    @contextmanager
    def server(answer: Answer) -> Iterator[str]:
        with serving(answer, certificate if is_tls else None) as url:
            if is_tls:
                monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
            if not is_proxied:
                yield url
            elif not is_tls:
                # A proxy for plain requests answers them itself.
                monkeypatch.setenv("HTTP_PROXY", url)
                yield "http://seven.example"
            else:
                with serving(tunnel_to(url)) as proxy:
                    monkeypatch.setenv("HTTPS_PROXY", proxy)
                    yield "https://seven.example"

    return server


def tunnel_to(url: str) -> Answer:
    """A proxy that leads whoever asks it to one server."""

    def answer(_head: str, send: Callable[[bytes], None]) -> int | None:
        send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return urlsplit(url).port

    return answer
