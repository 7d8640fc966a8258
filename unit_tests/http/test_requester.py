from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import requests
import urllib3
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.requesters.error_handlers import HttpResponseFilter
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.http.requester import user_agent
from source_sms_providers.session import SyncCancelled, SyncSession
from unit_tests.connector import SEVEN_KEY, SMSFACTOR_TOKEN
from unit_tests.providers import SEVEN, SMSFACTOR, canned, canned_json, query_of
from unit_tests.requesters import ask, build, definition, failure_of, requester, slice_of
from unit_tests.servers import http_200, serving

BALANCE = f"{SEVEN}/balance"
ANALYTICS = f"{SEVEN}/analytics"
CONSUMPTION = f"{SMSFACTOR}/metrics/consumption"
GOOD = canned("seven/balance.json")


# Retries


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 529])
def test_given_a_transient_error_that_persists_then_six_requests_back_off(providers, waiting, status):
    providers.answer(BALANCE, b"", status=status)

    failure = failure_of()

    assert len(providers.requests) == 6
    assert waiting.seconds == [1, 2, 4, 8, 16]
    assert failure.failure_type is FailureType.transient_error


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 410])
def test_given_a_status_that_the_user_can_fix_when_requested_then_there_is_no_retry(providers, status):
    providers.answer(BALANCE, b"", status=status)

    failure = failure_of()

    assert len(providers.requests) == 1
    assert failure.failure_type is FailureType.config_error


@pytest.mark.parametrize("status", [202, 204, 206])
def test_given_a_status_other_than_200_then_its_body_is_not_used(providers, status):
    providers.answer(BALANCE, GOOD, status=status)

    assert failure_of().failure_type is FailureType.system_error


@pytest.mark.parametrize(
    "trouble",
    [
        requests.exceptions.ConnectTimeout(),
        requests.exceptions.ReadTimeout(),
        requests.exceptions.SSLError(),
        requests.exceptions.ConnectionError(),
        urllib3.exceptions.ProtocolError(),
        {"status_code": 503},
        b"",
        b"<html><body>Maintenance</body></html>",
        GOOD[:-5],
    ],
    ids=lambda trouble: type(trouble).__name__ if isinstance(trouble, Exception) else str(trouble)[:20],
)
def test_given_a_transient_error_when_it_passes_then_the_good_response_is_returned(providers, waiting, trouble):
    providers.answer_in_turn(BALANCE, trouble, trouble, GOOD)

    assert ask().json() == {"amount": 290.67, "currency": "EUR"}
    assert waiting.seconds == [1, 2]


def test_given_a_good_response_when_requested_then_there_is_no_wait(providers, waiting):
    providers.answer(BALANCE, GOOD)

    ask()

    assert waiting.seconds == []


@pytest.mark.parametrize("status", [402, 409, 418, 422, 451])
def test_given_a_status_without_a_rule_when_requested_then_there_is_no_retry(providers, status):
    providers.answer(BALANCE, b"", status=status)

    failure = failure_of()

    assert len(providers.requests) == 1
    assert failure.failure_type is FailureType.system_error


@pytest.mark.parametrize(
    ("drips_after", "connection"),
    [
        *((b"", "keep-alive"), (b"HTTP/1.1 200 OK\r\n", "keep-alive"), (b"\r\n\r\n", "keep-alive"), (b"", "close")),
        (b"\r\n\r\n", "close"),
    ],
    ids=["nothing", "status", "head", "nothing, closing", "head, closing"],
)
def test_given_a_response_that_drips_when_requested_then_it_is_given_up(waiting, monkeypatch, drips_after, connection):
    monkeypatch.setattr("source_sms_providers.http.requester.TOTAL_TIMEOUT_SECONDS", 1)
    dripping = http_200(GOOD + b" " * 100, f"Connection: {connection}")
    at_once = dripping.index(drips_after) + len(drips_after)
    dripped = []

    def answer(_head: str, send: Callable[[bytes], None]) -> None:
        if dripped:
            send(http_200(GOOD))
            return
        # The first answer is bound already; the next one gets all the time that it needs.
        monkeypatch.setattr("source_sms_providers.http.requester.TOTAL_TIMEOUT_SECONDS", 60)
        send(dripping[:at_once])
        for byte in dripping[at_once:]:
            dripped.append(byte)
            sleep(0.05)
            send(bytes([byte]))

    with serving(answer) as url:
        assert requester(seven_base_url=url).send_request().json()["amount"] == 290.67

    assert waiting.seconds == [1]
    assert len(dripped) < 50


# Retry-After


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("Tue, 10 Mar 2026 12:00:30 GMT", 30),
        ("Tuesday, 10-Mar-26 12:00:30 GMT", 30),
        ("Tue, 10 Mar 2026 12:00:30 -0000", 30),
    ],
)
def test_given_a_retry_after_when_rejected_then_the_wait_is_that_long(providers, waiting, status, retry_after, seconds):
    refusal = {"status_code": status, "headers": {"Retry-After": retry_after}}
    providers.answer_in_turn(BALANCE, refusal, GOOD)

    ask()

    assert waiting.seconds == [seconds]


@pytest.mark.parametrize(
    "retry_after",
    [
        *("soon", "-5", "1.5", "", "Tue, 10 Mar 99999 12:00:00 GMT"),
        "²",
        # Milliseconds of a Unix time: no date is so far ahead.
        "1773144000000",
        *("0", "Tue, 10 Mar 2026 11:00:00 GMT"),
    ],
)
def test_given_an_unusable_retry_after_then_the_usual_backoff_applies(providers, waiting, retry_after):
    providers.answer_in_turn(BALANCE, {"status_code": 429, "headers": {"Retry-After": retry_after}}, GOOD)

    ask()

    assert waiting.seconds == [1]


def test_given_a_unix_time_as_retry_after_then_it_is_waited_for(providers, waiting, clock):
    moment = str(int(datetime(2026, 3, 10, 12, 0, 2, tzinfo=timezone.utc).timestamp()))
    providers.answer_in_turn(BALANCE, {"status_code": 429, "headers": {"Retry-After": moment}}, GOOD)

    ask()

    assert waiting.seconds == [2]


def test_given_a_rate_limit_that_stays_when_sent_then_it_ends_with_the_outage(providers, waiting):
    providers.answer_in_turn(BALANCE, *[{"status_code": 429}] * 8, GOOD)
    started = waiting.monotonic()

    assert failure_of().failure_type is FailureType.transient_error
    assert waiting.monotonic() - started <= 180
    assert waiting.seconds == [1, 2, 4, 8, 16, 32, 60]


def test_given_rate_limits_among_good_responses_then_they_end_no_request(providers, waiting):
    together = SyncSession()
    asking = requester("consumption", _session=together)

    def other_request(_request: Any) -> bytes:
        asking.account.record_success("/credits")
        return b""

    providers.answer_in_turn(
        CONSUMPTION,
        *[{"status_code": 429, "content": lambda request, context: other_request(request)}] * 300,
        canned("smsfactor/consumption.json"),
    )

    assert asking.send_request(stream_slice=slice_of("2026-03-07")).ok
    assert len(providers.requests) == 301


def test_given_rate_limits_before_and_after_all_retries_then_they_use_up_none(providers, waiting):
    limited, failing = {"status_code": 429}, {"status_code": 503}
    providers.answer_in_turn(BALANCE, limited, limited, *[failing] * 5, limited, GOOD)

    assert ask().ok
    assert waiting.seconds == [1, 2, 1, 2, 4, 8, 16, 4]


@pytest.mark.parametrize("seconds", [1, 120, 179])
def test_given_a_retry_after_below_the_outage_limit_then_it_is_waited_for(providers, waiting, seconds):
    providers.answer_in_turn(BALANCE, {"status_code": 429, "headers": {"Retry-After": str(seconds)}}, GOOD)

    ask()

    assert waiting.seconds == [seconds]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "moment"),
    [
        ("180", "2026-03-10 12:03"),
        ("86400", "2026-03-11 12:00"),
        ("Wed, 11 Mar 2026 13:30:00 GMT", "2026-03-11 13:30"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31 23:59"),
        ("999999999", "2057-11-16 13:46"),
    ],
)
def test_given_a_retry_after_beyond_the_outage_limit_then_the_error_reports_the_time(
    providers, waiting, status, retry_after, moment
):
    providers.answer(BALANCE, b"", status=status, Retry_After=retry_after)

    failure = failure_of()

    assert failure.failure_type is FailureType.transient_error
    assert f" until {moment} UTC. The next sync tries again." in failure.message
    assert waiting.seconds == []


@pytest.mark.parametrize(("max_outage_seconds", "waits"), [(8, [1, 2, 4]), (7, [1, 2])])
def test_given_a_short_outage_limit_when_the_provider_fails_then_no_wait_exceeds_it(
    providers, waiting, max_outage_seconds, waits
):
    providers.answer(BALANCE, b"", status=503)

    failure_of(max_outage_seconds=max_outage_seconds)

    assert waiting.seconds == waits


@pytest.mark.parametrize("seconds", [8, 20], ids=["to its end", "longer"])
def test_given_a_pause_as_long_as_the_outage_limit_then_the_request_ends(providers, waiting, seconds):
    providers.answer_in_turn(BALANCE, {"status_code": 503}, GOOD)
    asking = requester("balance", max_outage_seconds=8, _session=SyncSession())
    waiting.during_the_next(lambda: asking.account.pause(seconds))

    with pytest.raises(AirbyteTracedException, match="temporarily unavailable"):
        asking.send_request()

    assert len(providers.requests) == 1


def test_given_a_transient_error_when_it_is_retried_then_the_log_reports_it(providers, caplog):
    providers.answer_in_turn(BALANCE, {"status_code": 503}, GOOD)

    with caplog.at_level("INFO"):
        ask()

    assert (
        "seven.io is temporarily unavailable (HTTP 408, 425 or 5xx); retrying. This is logged once." in caplog.messages
    )


@pytest.mark.parametrize(
    ("status", "failure_type", "tries"),
    [(401, FailureType.config_error, 1), (404, FailureType.config_error, 1), (503, FailureType.transient_error, 6)],
)
@pytest.mark.parametrize(
    ("stream", "url", "body"),
    [("analytics", ANALYTICS, b"[]"), ("credits", f"{SMSFACTOR}/credits", canned("smsfactor/credits.json"))],
    ids=["rows", "an object"],
)
def test_given_an_error_with_a_good_body_when_requested_then_it_is_an_error(
    providers, waiting, stream, url, body, status, failure_type, tries
):
    providers.answer(url, body, status=status)

    assert failure_of(stream).failure_type is failure_type
    assert len(providers.requests) == tries


# What is declared


def declared(**fields: Any) -> dict[str, Any]:
    return {**definition("balance"), **fields}


def handler(*filters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "DefaultErrorHandler", "response_filters": list(filters), **fields}


def test_given_a_requester_for_another_method_when_built_then_it_is_rejected():
    with pytest.raises(ValueError, match="Only GET"):
        build(declared(http_method="POST"))


@pytest.mark.parametrize(
    "authenticator",
    [
        {"type": "NoAuth"},
        {
            "type": "ApiKeyAuthenticator",
            "api_token": "key",
            "inject_into": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "p"},
        },
    ],
    ids=["none", "in the query"],
)
def test_given_an_unsupported_authenticator_when_built_then_it_is_rejected(authenticator):
    with pytest.raises(ValueError, match="must send its key in a header"):
        build(declared(authenticator=authenticator))


@pytest.mark.parametrize("status", [200, 418])
@pytest.mark.parametrize(
    ("action", "failure_type", "tries"),
    [
        ("RETRY", FailureType.transient_error, 3),
        ("RATE_LIMITED", FailureType.transient_error, 8),
        ("FAIL", FailureType.system_error, 1),
    ],
)
def test_given_a_filter_without_a_message_when_it_matches_then_it_is_an_error(
    providers, waiting, status, action, failure_type, tries
):
    silent = {"type": "HttpResponseFilter", "predicate": "{{ 'amount' in response }}", "action": action}
    providers.answer(BALANCE, GOOD, status=status)

    with pytest.raises(AirbyteTracedException, match=f"seven.io rejected the request .HTTP {status}.") as raised:
        build(declared(error_handler=handler(silent, max_retries=2))).send_request()

    assert raised.value.failure_type is failure_type
    assert len(providers.requests) == tries


# What is sent


@pytest.mark.parametrize("url", ["https://foo:bar", "https://foo:99999", "https://.example", "gateway.example"])
@pytest.mark.parametrize(
    ("stream", "setting", "title"),
    [
        ("balance", "seven_base_url", "seven.io base URL"),
        ("credits", "smsfactor_base_url", "SMSFactor base URL"),
    ],
)
def test_given_an_invalid_base_url_then_the_error_names_the_setting(stream, setting, title, url):
    failure = failure_of(stream, **{setting: url})

    assert failure.message == f"The setting '{title}' is not a valid URL. Correct it."
    assert failure.failure_type is FailureType.config_error


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://elsewhere.example/balance", "/api/elsewhere"])
def test_given_a_redirect_when_requested_then_it_is_not_followed(providers, status, location):
    providers.answer(BALANCE, b"<html>Moved</html>", status=status, Location=location)

    failure_of()

    assert {request.url for request in providers.requests} == {BALANCE}


@pytest.mark.parametrize("body", [b"", b"<html>Moved</html>", GOOD])
def test_given_a_redirect_when_requested_then_the_error_reports_it_at_once(providers, body):
    providers.answer(BALANCE, body, status=302, Location="https://elsewhere.example/balance")

    failure = failure_of()

    assert "redirect" in failure.message
    assert failure.failure_type is FailureType.config_error
    assert len(providers.requests) == 1


@pytest.mark.parametrize("key", ["1234567890", "1e3", "007", "None", "True", "0x1f", "1_000", "{'a':1}", "{{1+1}}"])
def test_given_a_key_when_requested_then_it_is_sent_unchanged(providers, key):
    providers.answer(BALANCE, GOOD)
    providers.answer(f"{SMSFACTOR}/credits", "smsfactor/credits.json")

    ask("balance", seven_api_key=key)
    ask("credits", smsfactor_api_token=key)

    assert providers.requests[0].headers["X-Api-Key"] == key
    assert providers.requests[1].headers["Authorization"] == f"Bearer {key}"


def test_given_spaces_around_a_key_when_requested_then_they_are_removed(providers):
    providers.answer(BALANCE, GOOD)

    ask("balance", seven_api_key=" key\n")

    assert providers.requests[0].headers["X-Api-Key"] == "key"


@pytest.mark.parametrize("label", ["newsletter", "1e3", "007", "None", "true", "{'a': 1}", "a & b=c", "é", "{{ 1 }}"])
def test_given_a_label_when_requested_then_it_is_sent_unchanged(providers, label):
    providers.answer(ANALYTICS, "seven/analytics_by_date.json")

    ask("analytics", seven_label=label)

    assert query_of(providers.requests[0])["label"] == label


@pytest.mark.parametrize("subaccounts", ["all", "only_main", "1234567", "007"])
def test_given_subaccounts_when_requested_then_they_are_sent_unchanged(providers, subaccounts):
    providers.answer(ANALYTICS, "seven/analytics_by_date.json")

    ask("analytics", seven_subaccounts=subaccounts)

    assert query_of(providers.requests[0])["subaccounts"] == subaccounts


def test_given_a_netrc_for_the_host_when_requested_then_it_is_not_used(providers, monkeypatch, tmp_path: Path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.smsfactor.com login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    providers.answer(f"{SMSFACTOR}/credits", "smsfactor/credits.json")

    ask("credits")

    assert providers.requests[0].headers["Authorization"] == f"Bearer {SMSFACTOR_TOKEN}"


def test_given_more_decoders_are_installed_then_only_gzip_is_accepted(providers, monkeypatch):
    monkeypatch.setattr(requests.utils, "DEFAULT_ACCEPT_ENCODING", "gzip, deflate, br, zstd")
    providers.answer(BALANCE, GOOD)

    ask()

    assert set(providers.requests[0].headers["Accept-Encoding"].split(", ")) <= {"gzip", "deflate", "identity"}


def test_given_basic_authentication_when_sent_then_it_is_in_the_header(providers):
    providers.answer(BALANCE, GOOD)
    basic = {"type": "BasicHttpAuthenticator", "username": "someone", "password": "secret"}

    build(declared(authenticator=basic)).send_request()

    assert providers.requests[0].headers["Authorization"] == "Basic c29tZW9uZTpzZWNyZXQ="


def test_given_a_request_when_sent_then_it_names_the_product_and_wants_no_cache(providers):
    providers.answer(BALANCE, GOOD)

    ask()

    headers = providers.requests[0].headers
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Cache-Control"] == "no-cache"
    assert re.fullmatch(r"source-sms-providers/\d+\.\d+\.\d+\S* \(\+https://\S+\)", headers["User-Agent"])


def test_given_a_package_that_is_not_installed_then_the_product_has_a_name(monkeypatch):
    def not_found(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", not_found)

    assert user_agent.__wrapped__() == "source-sms-providers"


# What is told


@pytest.mark.parametrize(
    "status",
    [
        *(200, 302, 401, 404, 429, 500),
        418,
    ],
)
def test_given_a_failure_when_reported_then_it_holds_no_key_query_or_body(providers, caplog, status):
    providers.answer(ANALYTICS, b"<p>body-of-the-answer</p>", status=status, X_Request="header-of-the-answer")

    failure = failure_of("analytics", seven_label="label-of-the-user")

    told = f"{failure.message} {failure.internal_message} {failure} {caplog.text}"
    for secret in (SEVEN_KEY, "label-of-the-user", "2026-03-07", "body-of-the-answer", "header-of-the-answer"):
        assert secret not in told


def test_given_parameters_of_one_request_then_no_other_request_has_them(providers):
    providers.answer(f"{SEVEN}/analytics", "seven/analytics_by_country.json")
    asking = requester("analytics_by_subaccount_and_country", seven_label="a/b&c")

    for params in ({"subaccounts": "1&2"}, None):
        asking.send_request(stream_slice=slice_of("2026-03-07"), request_params=params)

    same = {"group_by": "country", "label": "a/b&c", "start": "2026-03-07", "end": "2026-03-07"}
    queries = [query_of(request) for request in providers.requests]
    assert queries == [{**same, "subaccounts": "1&2"}, same]


# What each request costs


def test_given_many_days_when_requested_then_the_request_is_prepared_once(providers, monkeypatch):
    """Its templates are the dearest part of it."""
    prepare, prepared = requests.PreparedRequest.prepare, []
    monkeypatch.setattr(
        requests.PreparedRequest, "prepare", lambda self, **parts: prepared.append(self) or prepare(self, **parts)
    )
    providers.answer(f"{SMSFACTOR}/metrics/consumption", "smsfactor/consumption.json")
    asking = requester("consumption")

    for day in ("2026-03-07", "2026-03-08", "2026-03-09"):
        asking.send_request(stream_slice=slice_of(day))

    assert (len(prepared), len(providers.requests)) == (1, 3)


def test_given_rows_when_requested_then_no_error_filter_is_evaluated(providers, monkeypatch):
    monkeypatch.setattr(HttpResponseFilter, "matches", None)
    providers.answer(ANALYTICS, "seven/analytics_by_date.json")

    assert ask("analytics").json() == canned_json("seven/analytics_by_date.json")


def test_given_a_cancelled_session_then_no_request_is_sent(providers):
    session = SyncSession()
    session.cancel()

    with pytest.raises(SyncCancelled):
        requester(_session=session).send_request()

    assert providers.requests == []


# Pages


def page_of_analytics(uri: str) -> requests.Response:
    return requester("analytics").send_request(stream_slice=slice_of("2026-03-07"), path=uri)


@pytest.mark.parametrize("uri", ["/api/analytics?page=2&to=a%20b", "?page=2&to=a%20b", f"{ANALYTICS}?page=2&to=a%20b"])
def test_given_the_uri_of_a_page_then_its_query_is_sent_as_it_is(providers, uri):
    providers.answer(ANALYTICS, b"[]")

    page_of_analytics(uri)

    [sent] = providers.requests
    assert sent.url == f"{ANALYTICS}?page=2&to=a%20b"
    assert sent.headers["X-Api-Key"] == SEVEN_KEY


def test_given_a_page_that_was_requested_then_the_next_request_is_of_the_first_one(providers):
    providers.answer(ANALYTICS, b"[]")
    asking = requester("analytics")

    asking.send_request(stream_slice=slice_of("2026-03-07"), path="?page=2")
    asking.send_request(stream_slice=slice_of("2026-03-07"))

    assert query_of(providers.requests[-1]).keys() == {"start", "end", "group_by", "subaccounts", "label"}


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/api/analytics?page=2",
        "//example.com/api/analytics?page=2",
        "http://gateway.seven.io/api/analytics?page=2",
        "https://gateway.seven.io:8443/api/analytics?page=2",
        "https://user@gateway.seven.io/api/analytics?page=2",
        "/api/sms?to=491771783130",
        "/api/analytics/../sms?to=491771783130",
        "https://[gateway/api/analytics",
    ],
)
def test_given_a_page_at_another_address_then_no_key_is_sent_there(providers, uri):
    with pytest.raises(AirbyteTracedException, match="for /analytics: its next page is at another address"):
        page_of_analytics(uri)

    assert providers.requests == []
