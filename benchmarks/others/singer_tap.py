"""A tap on the Singer SDK: its REST stream with a paginator over the windows.

The SDK reads one page after another; it has no workers. Its faster writer (msgspec) is used and its type
conformance, which checks each value, is off.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import BaseAPIPaginator

from benchmarks.others.arguments import HEADERS, Arguments, arguments

Window = tuple[date, date]


class Windows(BaseAPIPaginator[Window]):
    def __init__(self, windows: list[Window]) -> None:
        self._windows = iter(windows)
        super().__init__(next(self._windows))

    def continue_if_empty(self, response: requests.Response) -> bool:
        return True

    def get_next(self, response: requests.Response) -> Window | None:
        return next(self._windows, None)


class Analytics(RESTStream[Window]):
    asked: Arguments
    path = "/analytics"
    replication_key = "date"
    is_sorted = True
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    counters = ("sms", "rcs", "voice", "hlr", "mnp", "inbound")
    schema = th.PropertiesList(
        th.Property("date", th.DateType),
        th.Property("country", th.StringType),
        *(th.Property(name, th.IntegerType) for name in counters),
        th.Property("usage_eur", th.NumberType),
        th.Property("is_partial", th.BooleanType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return self.asked.url

    @property
    def http_headers(self) -> dict[str, str]:
        return HEADERS

    def get_new_paginator(self) -> Windows:
        return Windows(self.asked.windows())

    def get_url_params(self, context: Any, next_page_token: Window | None) -> dict[str, str]:
        assert next_page_token is not None
        self.first = str(next_page_token[0])
        return self.asked.query(*next_page_token)

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        today = str(date.today())
        for row in response.json():
            row.setdefault("date", self.first)
            row["is_partial"] = row["date"] >= today
            yield row


class SevenTap(Tap):
    name = "tap-seven"
    config_jsonschema = th.PropertiesList().to_dict()
    message_writer_class = MsgSpecWriter
    asked: Arguments

    def discover_streams(self) -> list[Analytics]:
        stream = Analytics(self, name=self.asked.stream)
        stream.asked = self.asked
        return [stream]


def main() -> None:
    SevenTap.asked = arguments()
    SevenTap(config={}).sync_all()


if __name__ == "__main__":
    main()
