from __future__ import annotations

from collections.abc import Callable
from time import sleep

import pytest

from unit_tests.providers import SEVEN, canned
from unit_tests.requesters import requester
from unit_tests.servers import http_200, serving

BALANCE = f"{SEVEN}/balance"
GOOD = canned("seven/balance.json")


def test_given_an_answer_with_a_cookie_when_asked_again_then_it_is_not_sent():
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


def test_given_a_proxy_in_the_environment_when_asked_then_it_is_used(waiting, monkeypatch):
    heads = []

    def answer(head: str, send: Callable[[bytes], None]) -> None:
        heads.append(head)
        send(http_200(GOOD))

    with serving(answer) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        requester(seven_base_url="http://seven.example/api").send_request()

    assert [head.splitlines()[0] for head in heads] == ["GET http://seven.example/api/balance HTTP/1.1"]


@pytest.mark.parametrize(
    ("drips_after", "connection"),
    [
        *((b"", "keep-alive"), (b"HTTP/1.1 200 OK\r\n", "keep-alive"), (b"\r\n\r\n", "keep-alive"), (b"", "close")),
        (b"\r\n\r\n", "close"),
    ],
    ids=["nothing", "status", "head", "nothing, closing", "head, closing"],
)
def test_given_an_answer_that_drips_when_asked_then_it_is_given_up(waiting, monkeypatch, drips_after, connection):
    monkeypatch.setattr("source_sms_providers.http.requester.ANSWER_SECONDS", 0.3)
    dripping = http_200(GOOD + b" " * 100, f"Connection: {connection}")
    at_once = dripping.index(drips_after) + len(drips_after)
    dripped = []

    def answer(_head: str, send: Callable[[bytes], None]) -> None:
        if dripped:
            send(http_200(GOOD))
            return
        send(dripping[:at_once])
        for byte in dripping[at_once:]:
            dripped.append(byte)
            sleep(0.02)
            send(bytes([byte]))

    with serving(answer) as url:
        assert requester(seven_base_url=url).send_request().json()["amount"] == 290.67

    assert waiting.seconds == [1]
    assert len(dripped) < 50
