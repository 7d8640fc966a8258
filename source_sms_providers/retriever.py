"""A stream's days as rows and checkpoints, in the order of the days."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date, timedelta
from functools import partial
from logging import getLogger
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.declarative.retrievers.retriever import Retriever
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers import state
from source_sms_providers.days import DAY
from source_sms_providers.errors import DayNotReportedError, bug_error, summarize
from source_sms_providers.saved_state import RowKey, StateEntry
from source_sms_providers.session import SyncCancelled, SyncSession, WorkerPool
from source_sms_providers.state import StreamState

LOGGER = getLogger("airbyte")

if TYPE_CHECKING:
    from source_sms_providers.check import CheckClient

Found = TypeVar("Found")
Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Day:
    """What was read of the days up to `last` that no earlier result holds.

    Attributes:
        last: the last of these days
        rows: their rows, or why there are none
        notes: sentence -> detail of this day; the sentences are logged once a stream, with the number of days
    """

    last: date
    rows: Rows | AirbyteTracedException
    notes: Mapping[str, str] = field(default_factory=dict)


def fetch(
    requester: Requester,
    first: date | None = None,
    last: date | None = None,
    is_retry: bool = False,
    **parameters: str,
) -> requests.Response:
    """The response for the days from `first` to `last`, with query parameters of this request alone.

    A retry is not answered from the cache.
    """
    response = requester.send_request(
        stream_slice=StreamSlice(partition={}, cursor_slice={"start_time": str(first), "end_time": str(last)}),
        request_params=parameters,
        is_retry=is_retry,  # type: ignore[call-arg]
    )
    assert response is not None
    return response


def value_or_error(read: Callable[[], Found]) -> Found | AirbyteTracedException:
    """What a function returns, or why it fails."""
    try:
        return read()
    except AirbyteTracedException as error:
        return error
    except SyncCancelled:
        raise
    except Exception as error:
        # A bug: what else is read may be right all the same.
        return bug_error(error)


def read_periods(
    periods: Iterable[tuple[date, date]], read: Callable[[date, date], Found], faults: list[AirbyteTracedException]
) -> Iterator[tuple[tuple[date, date], Found]]:
    """Each period with what is found in it. Raises AirbyteTracedException if the first one cannot be read.

    A later one that cannot be read is the last: it may be wider than the provider accepts. Its error goes to `faults`.
    """
    for number, period in enumerate(periods):
        try:
            found = read(*period)
        except AirbyteTracedException as error:
            if number == 0:
                raise
            faults.append(error)
            return
        yield period, found


@dataclass(kw_only=True)
class SnapshotRetriever(Retriever):
    """Reads what is true now, from one response: neither API has pages. The extractor's records are the rows.

    Attributes:
        filters: the settings that narrow what the stream reads
        is_checked: whether a connection test reads the stream; not if it needs a permission that others do not need
        stream_state: the saved state of the stream, and the one to send
        last_day: the last day to read
        step: how many days one request may ask for; None for a request without dates
    """

    name: str
    primary_key: Sequence[str]
    filters: Sequence[str] = ()
    is_checked: bool = True
    config: Mapping[str, Any]
    stream_state: StreamState
    last_day: date
    step: timedelta | None
    requester: Requester
    extractor: RecordExtractor
    parameters: InitVar[Mapping[str, Any]] = None

    # Without annotations: a subclass sets them once for all of its streams, or takes them from the manifest.
    amount_fields = tuple[str, ...]()
    """The amounts of a row. A stream without any names no rows in its state."""
    description_fields = tuple[str, ...]()
    """What only describes a row, and is known while the provider sends it."""
    checkpoint_interval_days = 10
    """How many days share a state at least: a destination may flush for each state."""

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        self._today = date.fromisoformat(self.config["today"])

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Any:
        """The stream reads with `read`, which the CDK's interface does not know."""
        raise NotImplementedError

    def read(self) -> Iterator[Row | StreamState]:
        """Rows in the order of their days; the state stands where a checkpoint is due.

        Raises AirbyteTracedException at the end, which sums up the failures, if a part could not be read.
        """
        failures: list[AirbyteTracedException] = []
        notes = defaultdict[str, list[str]](list)
        staged: list[Day] = []
        row_count = 0
        for day in self._results(failures):
            for note, detail in day.notes.items():
                notes[note].append(detail)
            staged.append(day)
            row_count += 0 if isinstance(day.rows, AirbyteTracedException) else len(day.rows)
            # A state names all rows of the lookback window: the states must not outweigh the rows.
            is_due = len(staged) >= self.checkpoint_interval_days and row_count >= 2 * self.stream_state.entry_count
            if is_due or row_count >= state.MAX_ENTRIES // 2:
                yield from self._emit(staged, failures)
                staged, row_count = [], 0
        yield from self._emit(staged, failures)
        yield self.stream_state
        for note, details in notes.items():
            LOGGER.warning(note, self.name, len(details), details[0])
        if failures:
            raise summarize(failures) from failures[0]

    def _results(self, failures: list[AirbyteTracedException]) -> Iterator[Day]:
        try:
            self.verify()
            for results in self.pool.in_order(self.jobs()):
                yield from results
        except AirbyteTracedException as error:
            failures.append(error)

    @property
    def pool(self) -> WorkerPool:
        """The threads that all streams of the provider share."""
        session: SyncSession = self.config["_session"]
        return session.pool(self.requester.provider)  # type: ignore[attr-defined]

    def verify(self) -> None:
        """Verifies what a setting takes for granted, before anything is read. Raises AirbyteTracedException."""

    def check(self, client: "CheckClient") -> None:
        """What a connection test requests for this stream. Raises AirbyteTracedException if it cannot be read."""
        self.extract(fetch(self.requester, self._today - DAY, self._today - DAY))

    def _emit(self, staged: Sequence[Day], failures: list[AirbyteTracedException]) -> Iterator[Row | StreamState]:
        """The rows of some days, after the state that names them, or before the one that confirms them."""
        if self.amount_fields:
            for day in staged:
                self._stage(day)
            yield self.stream_state
        for day in staged:
            if isinstance(day.rows, AirbyteTracedException):
                failures.append(day.rows)
                self.stream_state.failed(day.last, isinstance(day.rows, DayNotReportedError))
            else:
                yield from day.rows
                self.stream_state.completed(day.last)
        if not self.amount_fields:
            yield self.stream_state

    def _stage(self, day: Day) -> None:
        if not isinstance(day.rows, AirbyteTracedException):
            self.stream_state.stage(str(day.last), {self.row_key(row): self.state_entry(row) for row in day.rows})

    def jobs(self) -> Iterator[Callable[[], Sequence[Day]]]:
        """What can be read at the same time, in the order of its days."""
        yield partial(self.attempt, self._today, lambda: self.extract(fetch(self.requester)))

    def attempt(self, last: date, read: Callable[[], Rows | Day]) -> Sequence[Day]:
        """What a function reads, or why it fails: a day that fails leaves the others as they are."""
        found = value_or_error(read)
        return [found if isinstance(found, Day) else Day(last, found)]

    def extract(self, response: requests.Response) -> Rows:
        return list(self.extractor.extract_records(response))

    def row_key(self, row: Row) -> RowKey:
        """The primary key without the date."""
        return tuple([row[name] for name in self.primary_key[1:]])

    def state_entry(self, row: Row) -> StateEntry:
        return StateEntry(
            tuple([row[name] for name in self.amount_fields]), tuple([row[name] for name in self.description_fields])
        )
