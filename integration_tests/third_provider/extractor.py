"""Third's usage as rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor

from source_sms_providers.parsing import FieldReader


class UsageExtractor(RecordExtractor):
    """`{"usage": [{"date": "2026-03-09", "country": "FR", "messages": 3, "price": "0.21", "currency": "EUR"}]}`."""

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        read = FieldReader("Third", response)
        content = read.mapping(response.json(), "the response")
        for row in read.sequence(read.field(content, "usage", "the response"), "usage"):
            row = read.mapping(row, "a row")
            yield {
                "date": read.text(read.field(row, "date", "a row"), "date"),
                "country": read.text(read.field(row, "country", "a row"), "country"),
                "messages": read.count(read.field(row, "messages", "a row"), "messages"),
                "price": read.amount(read.field(row, "price", "a row"), "price"),
                "currency": read.text(read.field(row, "currency", "a row"), "currency"),
            }
