from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass
from typing import Any

from airbyte_cdk.sources.declarative.extractors.record_selector import RecordSelector
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.declarative.retrievers.retriever import Retriever
from airbyte_cdk.sources.types import Record, StreamSlice


@dataclass(kw_only=True)
class OnePageRetriever(Retriever):
    """Reads what one request answers, for neither API has pages. The extractor's records are the stream's.

    The CDK's own retriever and selector pass each record through a chain of generators for pages, filters and
    transformations that no stream has. Raises ValueError for a stream that declares one.
    """

    name: str
    config: Mapping[str, Any]
    requester: Requester
    record_selector: RecordSelector
    paginator: None = None
    decoder: None = None
    parameters: InitVar[Mapping[str, Any]] = None

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        selector = self.record_selector
        if self.paginator or self.decoder or selector.record_filter or selector.transformations:
            raise ValueError(
                f"The retriever of '{self.name}' honours no paginator, decoder, record filter or transformation."
            )

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[Record]:
        assert stream_slice is not None
        response = self.requester.send_request(stream_slice=stream_slice)
        assert response is not None
        name, hashed = self.name, HashedOnce(stream_slice)
        for record in self.record_selector.extractor.extract_records(response):
            yield Record(record, name, hashed)


class HashedOnce(StreamSlice):
    """Equal to a slice. The cursor wants the hash of one twice a record, and it is a SHA-256 of its JSON."""

    def __init__(self, of: StreamSlice) -> None:
        # The same attributes, no copies: the cursor keeps one of these for each window.
        self.__dict__ = of.__dict__
        self._hash = hash(of)

    def __hash__(self) -> int:
        return self._hash
