from __future__ import annotations

import gzip
import io
import zlib

import pytest
import urllib3
from airbyte_cdk.models import FailureType

from unit_tests.providers import SEVEN, canned
from unit_tests.requesters import ask, failure_of

BALANCE = f"{SEVEN}/balance"
GOOD = canned("seven/balance.json")


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_given_a_compressed_answer_when_asked_then_it_is_read(providers, encoding, compress):
    providers.answer(BALANCE, compress(GOOD), Content_Encoding=encoding)

    assert ask().json() == {"amount": 290.67, "currency": "EUR"}


def test_given_a_compressed_answer_that_is_cut_when_asked_then_it_is_no_answer(providers):
    providers.answer(BALANCE, gzip.compress(GOOD)[:-9], Content_Encoding="gzip")

    assert "cut off" in failure_of().message


def test_given_an_answer_shorter_than_announced_when_asked_then_it_is_no_answer(providers):
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


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_given_an_answer_that_is_too_large_when_asked_then_it_is_not_taken(providers, monkeypatch, compress):
    monkeypatch.setattr("source_sms_providers.http.body.MAX_BODY_BYTES", 1000)
    encoding = "identity" if compress is bytes else "gzip"
    providers.answer(BALANCE, compress(b'{"amount":1}' + b" " * 1000), Content_Encoding=encoding)

    assert failure_of().failure_type is FailureType.transient_error


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
def test_given_a_body_that_is_no_strict_json_when_asked_then_it_is_no_answer(providers, body):
    providers.answer(BALANCE, body)

    assert "something else than the JSON" in failure_of().message
    assert len(providers.requests) == 6
