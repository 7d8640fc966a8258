from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from datetime import date
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_selector import RecordSelector
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.declarative.retrievers.retriever import Retriever
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.types import Record, StreamSlice

from source_sms_providers.spans import DAY, Spans
from source_sms_providers.state import Figures, Key, StreamState

Row = Mapping[str, Any]


def answer(
    requester: Requester, days: StreamSlice | None = None, parameters: Mapping[str, str] | None = None
) -> requests.Response:
    """The answer for the days of a slice, if the request names days, with query parameters of this request alone."""
    response = requester.send_request(stream_slice=days, request_params=parameters)
    assert response is not None
    return response


def slice_of(first: date, last: date) -> StreamSlice:
    """The slice of the days from `first` to `last`."""
    return StreamSlice(partition={}, cursor_slice={"start_time": str(first), "end_time": str(last)})


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
        name, hashed = self.name, HashedOnce(stream_slice)
        for row in self.rows(stream_slice):
            yield Record(row, name, hashed)

    def rows(self, stream_slice: StreamSlice) -> Iterable[Row]:
        """The rows of the days of a slice."""
        rows: Iterable[Row] = self.record_selector.extractor.extract_records(answer(self.requester, stream_slice))
        return rows


@dataclass(kw_only=True)
class GroupsRetriever(OnePageRetriever):
    """Reads the rows of one day, one a group.

    A group that the day had when it was read before, and has no longer, gets a row of zeros where that is a
    correction: in a deduping destination its old row would stay beside the one that its usage went to.

    Attributes:
        cursor: the stream's
    """

    cursor: Cursor

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        # Before anything is read the state is the eve of the first day to ask (CONTRIBUTING.md, S2).
        self._first_day = date.fromisoformat(self.cursor.state["date"][:10]) + DAY
        self._last_day = date.fromisoformat(self.config["last_day"])
        # A running day grows between two requests.
        last_complete_day = min(self._last_day, date.fromisoformat(self.config["today"]) - DAY)
        self._spans = Spans(self._first_day, last_complete_day, self.spared_by_span, self.rows_of_span)

    def rows(self, stream_slice: StreamSlice) -> Iterable[Row]:
        day = stream_slice["start_time"][:10]
        told = self._spans.rows_of(date.fromisoformat(day))
        rows = {self.key_of(row): row for row in (self.rows_of(day, stream_slice) if told is None else told)}
        if gone := {key: figures for key, figures in self.known(day).items() if key not in rows}:
            rows |= {self.key_of(row): row for row in self.rows_of_zeros(day, rows.values(), gone)}
        self._state.will_hold(day, {key: self.figures_of(row) for key, row in rows.items()})
        return rows.values()

    def known(self, day: str) -> Mapping[Key, Figures]:
        """The groups that the destination may hold a row of, with its figures."""
        return self._state.groups_of(day)

    @property
    def _state(self) -> StreamState:
        state: StreamState = self.config["_states"][self.name]
        return state

    def rows_of(self, day: str, stream_slice: StreamSlice) -> Iterable[Row]:
        """What the provider says of the day."""
        return super().rows(stream_slice)

    def spared_by_span(self, first: date, last: date) -> int:
        """How many requests of single days an answer for all days from `first` to `last` may spare."""
        return 0

    def rows_of_span(self, first: date, last: date) -> Mapping[date, Sequence[Row]] | None:
        """The rows of the days that one request for all of them tells, as single requests would; None if it tells
        none. Asked for only where it may spare requests.
        """
        raise NotImplementedError

    def rows_of_zeros(self, day: str, rows: Collection[Row], gone: Mapping[Key, Figures]) -> Iterable[Row]:
        """Those of the groups that are gone by a correction; the rows of the others stay as they are."""
        raise NotImplementedError

    def key_of(self, row: Row) -> Key:
        """The primary key without the date."""
        raise NotImplementedError

    def figures_of(self, row: Row) -> Figures:
        raise NotImplementedError


class HashedOnce(StreamSlice):
    """Equal to a slice. The cursor wants the hash of one twice a record, and it is a SHA-256 of its JSON."""

    def __init__(self, of: StreamSlice) -> None:
        # The same attributes, no copies: the cursor keeps one of these for each window.
        self.__dict__ = of.__dict__
        self._hash = hash(of)

    def __hash__(self) -> int:
        return self._hash
