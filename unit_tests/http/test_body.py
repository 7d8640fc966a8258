from __future__ import annotations

import gzip
import io
import zlib

import pytest
import urllib3
from airbyte_cdk.models import FailureType

from source_sms_providers.http.body import InvalidResponse, read_body
from unit_tests.providers import SEVEN, canned
from unit_tests.requesters import ask, failure_of

BALANCE = f"{SEVEN}/balance"
GOOD = canned("seven/balance.json")


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("Deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("x-gzip", gzip.compress),
        ("identity", bytes),
        ("Identity", bytes),
        ("none", bytes),
        ("utf-8", bytes),
        ("identity", lambda body: b"\xef\xbb\xbf" + body),
        ("gzip", lambda body: gzip.compress(b"\xef\xbb\xbf" + body)),
    ],
)
def test_given_a_compressed_response_when_requested_then_it_is_read(providers, encoding, compress):
    providers.answer(BALANCE, compress(GOOD), Content_Encoding=encoding)

    assert ask().json() == {"amount": 290.67, "currency": "EUR"}


def test_given_a_compressed_response_that_is_cut_off_then_it_is_invalid(providers):
    providers.answer(BALANCE, gzip.compress(GOOD)[:-9], Content_Encoding="gzip")

    assert "cut off" in failure_of().message


def test_given_a_response_shorter_than_announced_then_it_is_invalid(providers):
    providers.answer_in_turn(
        BALANCE,
        {
            "raw": urllib3.HTTPResponse(
                io.BytesIO(b'{"amount":1,"currency":"EUR"}'),
                headers={"Content-Length": "5000"},
                status=200,
                preload_content=False,
                enforce_content_length=True,
            )
        },
        GOOD,
    )

    assert ask().json()["amount"] == 290.67


def test_given_a_body_of_several_members_when_sent_then_it_is_read_whole(providers):
    providers.answer(BALANCE, gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]), Content_Encoding="gzip")

    assert ask().json() == {"amount": 290.67, "currency": "EUR"}


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("gzip", gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:])[:-9]),
        ("gzip", gzip.compress(GOOD)[:5]),
        ("deflate", zlib.compress(GOOD)[:-5]),
        ("gzip", b""),
    ],
    ids=["second member", "header", "deflate", "nothing"],
)
def test_given_a_compressed_body_that_is_cut_off_then_it_is_invalid(providers, encoding, raw):
    providers.answer(BALANCE, raw, Content_Encoding=encoding)

    assert failure_of().failure_type is FailureType.transient_error


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("gzip", GOOD),
        ("deflate", GOOD),
        ("gzip", gzip.compress(GOOD) + b"more"),
        ("gzip", gzip.compress(GOOD)[:-8] + bytes(8)),
    ],
    ids=["gzip", "deflate", "more behind it", "wrong checksum"],
)
def test_given_a_body_that_does_not_match_its_encoding_then_it_is_invalid(providers, encoding, raw):
    providers.answer(BALANCE, raw, Content_Encoding=encoding)

    assert "something other than the JSON" in failure_of().message


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_given_a_rejected_key_with_an_unreadable_body_then_the_key_is_named(providers, encoding, body):
    providers.answer(BALANCE, body, status=401, Content_Encoding=encoding)

    failure = failure_of()

    assert failure.message.startswith("seven.io rejected the key, or a firewall")
    assert failure.failure_type is FailureType.config_error
    assert len(providers.requests) == 1


COMPRESSIONS = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "gzip of two members": lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:]),
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize(("size", "is_taken"), [(1000, True), (1001, False), (2000, False)])
def test_given_a_response_of_any_size_then_it_is_accepted_up_to_the_limit(
    providers, monkeypatch, compression, size, is_taken
):
    monkeypatch.setattr("source_sms_providers.http.body.MAX_BODY_BYTES", 1000)
    encoding = compression.split()[0]
    providers.answer(BALANCE, COMPRESSIONS[compression](GOOD.ljust(size)), Content_Encoding=encoding)

    if is_taken:
        assert ask().json()["amount"] == 290.67
    else:
        assert "more data than this connector accepts" in failure_of().message


def test_given_64_megabytes_when_received_then_not_a_byte_more_is_taken():
    megabytes = [bytes(1 << 20)] * 64

    assert len(read_body(megabytes)) == 64 << 20
    with pytest.raises(InvalidResponse, match="more data"):
        read_body([*megabytes, b"1"])


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount":NaN,"currency":"EUR"}',
        b'{"amount":Infinity,"currency":"EUR"}',
        b'{"amount":1,"amount":2,"currency":"EUR"}',
        b'{"amount":1,"currency":"\xe9"}',
        b'{"amount":1,"currency":"EUR"}{}',
        b"[" * 100_000,
        b"290,67",
        b"",
    ],
    ids=["nan", "infinity", "key_twice", "latin1", "two_documents", "deep", "comma", "empty"],
)
def test_given_a_body_that_is_not_strict_json_then_the_response_is_invalid(providers, body):
    providers.answer(BALANCE, body)

    assert "something other than the JSON" in failure_of().message
    assert len(providers.requests) == 6
