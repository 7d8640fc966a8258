"""Days whose rows are one a group, with a request a day or more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from source_sms_providers.days import days
from source_sms_providers.retriever import Day, Row, SnapshotRetriever
from source_sms_providers.saved_state import RowKey, StateEntry


@dataclass(kw_only=True)
class DailyBreakdownRetriever(SnapshotRetriever):
    """Reads the rows of each day, one a group.

    A group that the day had when it was read before and has no longer is a removed group: `read_day` says what its
    row becomes. Without a row its old one would stay in a deduplicated table, beside that of the group that its usage
    was moved to.
    """

    def jobs(self) -> Iterator[Callable[[], Sequence[Day]]]:
        for day in days(self.stream_state.first_day, self.last_day):
            yield partial(self.attempt, day, partial(self.read_day, day))

    def read_day(self, day: date) -> Day:
        """All rows to write for the day: those reported, and those of removed groups."""
        raise NotImplementedError

    def removed(self, day: date, rows: Mapping[RowKey, Row]) -> Mapping[RowKey, StateEntry]:
        """The groups that were written before and are not reported any more."""
        written = self.stream_state.previously_written(str(day))
        return {key: entry for key, entry in written.items() if key not in rows}

    def restore(self, day: date, key: RowKey, entry: StateEntry) -> Row:
        """The row that the state remembers. It is written again, because a killed sync may never have written it."""
        return {
            "date": str(day),
            **dict(zip(self.primary_key[1:], key, strict=True)),
            **dict(zip(self.amount_fields, entry.amounts, strict=True)),
            **dict(
                zip(self.description_fields, entry.description or (None,) * len(self.description_fields), strict=True)
            ),
            "is_partial": day >= self._today,
        }

    def zero_row(self, day: date, key: RowKey, entry: StateEntry) -> Row:
        """What a removed group becomes if its usage is gone."""
        return self.restore(day, key, entry._replace(amounts=(0,) * len(self.amount_fields)))
