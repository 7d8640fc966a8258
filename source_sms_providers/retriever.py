from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.declarative.retrievers.simple_retriever import SimpleRetriever
from airbyte_cdk.sources.types import Record, StreamSlice


@dataclass
class OnePageRetriever(SimpleRetriever):
    """Reads what one request answers, for neither API has pages. The extractor's records are the stream's.

    The CDK's own retriever and selector pass each record through a chain of generators for pages, filters and
    transformations that no stream has.
    """

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[Record]:
        assert stream_slice is not None
        response = self.requester.send_request(stream_slice=stream_slice)
        assert response is not None
        extractor = self.record_selector.extractor  # type: ignore[attr-defined]
        name, hashed = self.name, HashedOnce(stream_slice)
        for record in extractor.extract_records(response):
            yield Record(record, name, hashed)


class HashedOnce(StreamSlice):
    """Equal to a slice. The cursor wants the hash of one twice a record, and it is a SHA-256 of its JSON."""

    def __init__(self, of: StreamSlice) -> None:
        # The same attributes, no copies: the cursor keeps one of these for each window.
        self.__dict__ = of.__dict__
        self._hash = hash(of)

    def __hash__(self) -> int:
        return self._hash
