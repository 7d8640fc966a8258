"""Third's usage as rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor

from source_sms_providers.parsing import FieldReader


class UsageExtractor(RecordExtractor):
    """`{"usage": [{"date": "2026-03-09", "country": "FR", "messages": 3, "price": "0.21", "currency": "EUR"}]}`."""

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        fields = FieldReader("Third", response)
        content = fields.mapping(response.json(), "the response")
        for row in fields.sequence(fields.field(content, "usage", "the response"), "usage"):
            row = fields.mapping(row, "a row")
            yield {
                "date": fields.text(fields.field(row, "date", "a row"), "date"),
                "country": fields.text(fields.field(row, "country", "a row"), "country"),
                "messages": fields.count(fields.field(row, "messages", "a row"), "messages"),
                "price": fields.amount(fields.field(row, "price", "a row"), "price"),
                "currency": fields.text(fields.field(row, "currency", "a row"), "currency"),
            }
