"""seven.io's usage by date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.days import DAY, days, search_periods, windows
from source_sms_providers.errors import DayNotReportedError, transient_error
from source_sms_providers.retriever import Day, Row, SnapshotRetriever, fetch, value_or_error
from source_sms_providers.seven.daily_totals import DailyTotals, DailyTotalsExtractor
from source_sms_providers.seven.scope import SCOPE_WINDOW, verify_scope

if TYPE_CHECKING:
    from source_sms_providers.check import CheckClient

NOT_REPORTED = (
    "'%s': seven.io does not report some days before the lookback window. Rows of these days are unchanged, and days "
    "that were never read have none. Days: %d, first: %s."
)


@dataclass(kw_only=True)
class UsageRetriever(SnapshotRetriever):
    """What all streams of seven.io's usage share: the total of each day, and verification of the settings.

    Attributes:
        daily_totals_requester: requests the grouping by date; the streams share its responses
        scope_requester: requests usage by any grouping and of any account (`verify_scope`)
        subaccounts_requester: requests the list of subaccounts
    """

    daily_totals_requester: Requester
    scope_requester: Requester
    subaccounts_requester: Requester

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        extractor = DailyTotalsExtractor(config=self.config, parameters={})
        self._daily_totals = DailyTotals(
            lambda *bounds: extractor.totals(fetch(self.daily_totals_requester, *bounds)),
            self.config,
            self.stream_state,
        )

    def verify(self) -> None:
        yesterday = self._today - DAY
        self._verify_scope([(yesterday - SCOPE_WINDOW, yesterday)], is_test=False)

    def _verify_scope(self, periods: Iterable[tuple[date, date]], is_test: bool) -> None:
        usage, subaccounts = (partial(fetch, each) for each in (self.scope_requester, self.subaccounts_requester))
        verify_scope(self.config, usage, subaccounts, periods, is_test)


class AnalyticsRetriever(UsageRetriever):
    """Reads the grouping by date itself, a year with each request."""

    checkpoint_interval_days = 365

    def jobs(self) -> Iterator[Callable[[], Sequence[Day]]]:
        assert self.step is not None
        for window in windows(self.stream_state.first_day, self.last_day, self.step):
            yield partial(self._read_window, *window)

    def _read_window(self, first: date, last: date) -> Sequence[Day]:
        totals = value_or_error(partial(self._daily_totals.read, first, last))
        if isinstance(totals, AirbyteTracedException):
            return [Day(day, totals) for day in days(first, last)]
        return [self._read_day(day, totals.get(day)) for day in days(first, last)]

    def _read_day(self, day: date, total: Row | AirbyteTracedException | None) -> Day:
        if isinstance(total, DayNotReportedError) and self.stream_state.may_be_forgotten(day):
            return Day(day, (), {NOT_REPORTED: str(day)})
        if isinstance(total, AirbyteTracedException):
            return Day(day, total)
        return Day(day, [total] if total else ())

    def check(self, client: CheckClient) -> None:
        """seven.io must report yesterday, and honor the settings that narrow the usage."""
        yesterday = self._today - DAY
        totals = DailyTotalsExtractor(config=self.config, parameters={}).totals(
            fetch(self.requester, yesterday, yesterday)
        )
        if not totals:
            raise transient_error(
                "seven.io reports no usage for yesterday, not even zero. If the account is new, test the connection "
                "again tomorrow; if not, report it."
            )
        if isinstance(wrong := totals[yesterday], AirbyteTracedException):
            raise wrong
        start = date.fromisoformat(self.config["start_date"])
        self._verify_scope(search_periods(start, yesterday), is_test=True)
