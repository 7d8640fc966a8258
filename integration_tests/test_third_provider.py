"""A third provider is a manifest, an extractor and a schema (`third_provider/`). No shared code knows of it."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from airbyte_cdk.models import FailureType, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder

from integration_tests.sync import LOGGER, Sync, check, sync_catalog
from source_sms_providers import SourceSmsProviders
from unit_tests.servers import http_200, serving

ACCOUNT, TOKEN = "AC0123456789", "1e3"
BASIC = b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
TODAY, DAY = date(2026, 3, 10), timedelta(days=1)
PATH = f"/v1/accounts/{ACCOUNT}/usage"
PAGE_ROWS, MAX_REQUESTS = 2, 200

pytestmark = pytest.mark.usefixtures("no_waiting")


class SourceThird(SourceSmsProviders):
    manifest_path = Path(__file__).with_name("third_provider") / "manifest.yaml"


@dataclass
class Provider:
    """Serves its rows by date, PAGE_ROWS a page, to who knows the token.

    Attributes:
        rows: what it knows; the tests change it
        broken: the days whose windows it answers with `broken_status`
        breaks_pages: whether it fails every page but the first
        changes: fields of each response that it sends otherwise
        queries: the query of each request, in the order of arrival
    """

    url: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    broken: set[date] = field(default_factory=set)
    broken_status: int = 500
    breaks_pages: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    queries: list[dict[str, str]] = field(default_factory=list)

    def use(self, day: date, country: str, messages: int, currency: str = "EUR") -> None:
        row = {"date": str(day), "country": country, "messages": messages}
        self.rows.append({**row, "price": str(messages / 100), "currency": currency})

    def answer(self, head: str, send: Any) -> None:
        method, target, _ = head.split("\r\n")[0].split(" ")
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        self.queries.append(query)
        # Bounded, so that pages without an end end here.
        if (method, path) != ("GET", PATH) or len(self.queries) > MAX_REQUESTS:
            return send(failed(404))
        if f"Authorization: Basic {BASIC}" not in head.split("\r\n"):
            return send(failed(401))
        is_broken = any(query["from"] <= str(day) <= query["to"] for day in self.broken)
        if is_broken or (self.breaks_pages and "start" in query):
            return send(failed(self.broken_status))
        found = sorted((row for row in self.rows if query["from"] <= row["date"] <= query["to"]), key=str)
        start = int(query.get("start", 0))
        more = f"{PATH}?from={query['from']}&to={query['to']}&start={start + PAGE_ROWS}"
        page = {"usage": found[start:][:PAGE_ROWS], "next_page_uri": more if found[start + PAGE_ROWS :] else None}
        return send(http_200(json.dumps({**page, **self.changes}).encode()))


def failed(status: int) -> bytes:
    return f"HTTP/1.1 {status} Failed\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    with serving(provider.answer) as url:
        provider.url = url
        yield provider


def config(provider: Provider, **settings: Any) -> dict[str, Any]:
    keys = {"third_account_id": ACCOUNT, "third_auth_token": TOKEN, "third_base_url": f"{provider.url}/v1"}
    return {**keys, "start_date": "2026-03-01", **settings}


def sync(provider: Provider, saved: Sync | None = None, today: date = TODAY, **settings: Any) -> Sync:
    provider.queries.clear()
    selected = CatalogBuilder().with_stream("usage", SyncMode.incremental).build()
    with time_machine.travel(f"{today}T12:00:00Z"):
        return sync_catalog(config(provider, **settings), selected, saved.state if saved else [], SourceThird)


def rows(result: Sync) -> list[tuple[str, str, int, float, str | None]]:
    names = ("date", "country", "messages", "price", "currency")
    return [tuple(row.get(name) for name in names) for row in result.records("usage")]


def dates(result: Sync) -> list[str]:
    return [row["date"] for row in result.records("usage")]


def test_its_stream_is_offered_with_the_schema_of_its_own_folder(provider: Provider) -> None:
    [stream] = SourceThird().discover(LOGGER, config(provider)).streams

    assert (stream.name, stream.json_schema["title"]) == ("usage", "usage")


def test_every_day_has_its_rows_of_all_pages_or_one_zero_row(provider: Provider) -> None:
    provider.use(date(2026, 3, 1), "FR", 3)
    for country in ("CH", "DE", "FR"):
        provider.use(date(2026, 3, 4), country, 5, "CHF")

    result = sync(provider, start_date="2026-03-01")

    assert result.error is None
    assert rows(result) == [
        ("2026-03-01", "FR", 3, 0.03, "EUR"),
        ("2026-03-02", "", 0, 0, None),
        ("2026-03-03", "", 0, 0, None),
        ("2026-03-04", "CH", 5, 0.05, "CHF"),
        ("2026-03-04", "DE", 5, 0.05, "CHF"),
        ("2026-03-04", "FR", 5, 0.05, "CHF"),
        *((f"2026-03-0{n}", "", 0, 0, None) for n in (5, 6, 7, 8, 9)),
    ]
    assert [query.get("start") for query in provider.queries] == [None, "2"]
    assert result.state_day("usage") == "2026-03-09"


def test_long_histories_are_read_in_windows_of_a_step(provider: Provider) -> None:
    result = sync(provider, start_date="2026-01-01")

    windows = sorted((query["from"], query["to"]) for query in provider.queries)
    assert windows == [("2026-01-01", "2026-01-30"), ("2026-01-31", "2026-03-01"), ("2026-03-02", "2026-03-09")]
    assert dates(result) == [str(date(2026, 1, 1) + n * DAY) for n in range(68)]


def test_the_next_sync_reads_the_lookback_window_and_takes_corrections(provider: Provider) -> None:
    provider.use(date(2026, 3, 8), "FR", 3)
    first = sync(provider)
    provider.use(date(2026, 3, 8), "CH", 1)

    second = sync(provider, first, TODAY + DAY)

    assert [(query["from"], query["to"]) for query in provider.queries] == [("2026-03-08", "2026-03-10")]
    assert ("2026-03-08", "CH", 1, 0.01, "EUR") in rows(second)


def test_a_group_that_is_removed_becomes_a_zero_row_of_its_currency(provider: Provider) -> None:
    for day in (8, 9):
        provider.use(date(2026, 3, day), "FR", 3)
    first = sync(provider)
    del provider.rows[0]

    second = sync(provider, first)

    assert rows(second) == [
        ("2026-03-07", "", 0, 0, None),
        ("2026-03-08", "FR", 0, 0, "EUR"),
        ("2026-03-09", "FR", 3, 0.03, "EUR"),
    ]


def test_a_day_has_no_row_before_its_last_page_is_read(provider: Provider) -> None:
    for country in ("CH", "DE", "FR"):
        provider.use(date(2026, 3, 4), country, 5)
    provider.breaks_pages = True

    result = sync(provider)

    assert result.failure_type is FailureType.transient_error
    assert dates(result) == [f"2026-03-0{n}" for n in (1, 2, 3, 5, 6, 7, 8, 9)]


@pytest.mark.parametrize(("status", "kind"), [(500, "transient_error"), (401, "config_error")])
@pytest.mark.parametrize("broken", [1, 5, 9])
def test_a_day_that_fails_leaves_the_others_and_is_read_again(
    provider: Provider, broken: int, status: int, kind: str
) -> None:
    provider.broken, provider.broken_status = {date(2026, 3, broken)}, status
    usual = [f"2026-03-0{n}" for n in range(1, 10)]

    first = sync(provider, num_workers=1)

    assert first.failures()["usage"][0] == kind
    assert dates(first) == [day for day in usual if day != f"2026-03-0{broken}"]
    assert first.state_day("usage") == str(date(2026, 3, broken) - DAY)

    provider.broken = set()
    second = sync(provider, first)

    assert second.error is None
    assert dates(second) == [day for day in usual if day >= min(f"2026-03-0{broken}", "2026-03-07")]
    assert second.state_day("usage") == "2026-03-09"


def test_the_running_day_is_partial_and_read_again(provider: Provider) -> None:
    provider.use(TODAY, "FR", 1)

    result = sync(provider, include_today=True)

    assert [row["date"] for row in result.records("usage") if row["is_partial"]] == [str(TODAY)]
    assert result.state_day("usage") == "2026-03-09"


def test_nothing_is_taken_back_from_the_running_day(provider: Provider) -> None:
    provider.use(TODAY, "FR", 1)
    first = sync(provider, include_today=True)
    provider.rows.clear()

    second = sync(provider, first, include_today=True)

    assert rows(second)[-1] == (str(TODAY), "FR", 1, 0.01, "EUR")


def test_the_connection_test_succeeds_with_the_right_credentials(provider: Provider) -> None:
    assert check(config(provider), TODAY, SourceThird) == ("SUCCEEDED", "", "")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"third_auth_token": "wrong"}, "Third rejected the account ID or the auth token. Copy both again."),
        (
            {"third_auth_token": ""},
            "The Third auth token is missing. Enter it, or remove the provider's other credentials.",
        ),
        (
            {"third_account_id": "", "third_auth_token": ""},
            "Enter the Third account ID and the Third auth token.",
        ),
        (
            {"third_account_id": f"{ACCOUNT}/x"},
            "'Third account ID': it must be a text like AC0123 (letters and digits).",
        ),
    ],
)
def test_the_connection_test_reports_which_credential_is_wrong(
    provider: Provider, settings: dict[str, str], sentence: str
) -> None:
    assert check(config(provider, **settings), TODAY, SourceThird) == ("FAILED", sentence, "config_error")


def test_the_connection_test_reads_yesterday_to_its_last_page(provider: Provider) -> None:
    for country in ("CH", "DE", "FR"):
        provider.use(TODAY - DAY, country, 1)
    provider.rows[2]["price"] = "-1"

    status, sentence, _ = check(config(provider), TODAY, SourceThird)

    assert status == "FAILED"
    assert sentence.startswith("Third returned an unexpected response for /usage: price is negative.")


def test_a_stream_without_credentials_names_those_it_needs(provider: Provider) -> None:
    source = SourceThird(config={**config(provider), "third_auth_token": ""})

    assert source._missing_stream_error("usage").message == (
        "Stream 'usage' needs the Third auth token. Enter it, or deselect the stream."
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"usage": None}, "usage is null where a list is due"),
        ({"usage": [{"date": "2026-03-09"}]}, "a row has no 'country'"),
        ({"next_page_uri": "https://example.com/v1/usage"}, "its next page is at another address"),
        ({"next_page_uri": "/v1/messages?to=491771783130"}, "its next page is at another address"),
        ({"next_page_uri": f"{PATH}?from=2026-03-02&to=2026-03-02"}, "its pages have no end"),
    ],
)
def test_an_unexpected_response_is_an_error_that_names_the_endpoint(
    provider: Provider, changes: dict[str, Any], problem: str
) -> None:
    provider.changes = changes

    result = sync(provider)

    assert result.failure_type is FailureType.system_error
    assert f"Third returned an unexpected response for /usage: {problem}. " in result.sentence
    assert rows(result) == []


def test_a_row_of_another_day_is_an_error(provider: Provider) -> None:
    provider.use(TODAY, "FR", 1)
    provider.changes = {"usage": provider.rows}

    assert "for /usage: it reports 2026-03-10, but 2026-03-" in sync(provider).sentence


def test_a_row_that_comes_twice_is_an_error(provider: Provider) -> None:
    for _ in range(2):
        provider.use(date(2026, 3, 9), "FR", 1)

    result = sync(provider)

    assert "for /usage: it reports a row of 2026-03-09 twice. " in result.sentence
    assert dates(result) == [f"2026-03-0{n}" for n in range(1, 9)]


@pytest.mark.parametrize("changes", [{}, {"usage": "a text"}, {"next_page_uri": "//example.com/"}])
@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_no_message_or_log_line_holds_a_credential(
    provider: Provider, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], token: str
) -> None:
    caplog.set_level(logging.DEBUG, "airbyte")
    provider.use(date(2026, 3, 1), "FR", 3)
    provider.broken, provider.changes = {date(2026, 3, 5)}, changes

    result = sync(provider, third_auth_token=token)

    assert result.error is not None
    said = f"{result.messages} {result.error!r} {result.error.internal_message} {caplog.text}"
    assert "Third" in said
    assert not [secret for secret in (ACCOUNT, BASIC, "/v1/") if secret in said]
