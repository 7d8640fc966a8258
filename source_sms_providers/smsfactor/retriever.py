import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from airbyte_cdk.sources.types import StreamSlice

from source_sms_providers.retriever import GroupsRetriever, Row, answer, slice_of
from source_sms_providers.smsfactor.extractors import ConsumptionExtractor, record
from source_sms_providers.spans import days
from source_sms_providers.state import Figures, Key

LOGGER = logging.getLogger("airbyte")


class ConsumptionRetriever(GroupsRetriever):
    """Reads a day's consumption by account and country.

    A country that an account has no longer was corrected away. An account that is listed no longer was deleted, which
    takes back nothing of what it consumed: its rows stay.
    """

    def rows(self, stream_slice: StreamSlice) -> Iterable[Row]:
        rows = list(super().rows(stream_slice))
        day, only = stream_slice["start_time"][:10], self.config.get("smsfactor_sub_account_id")
        if only and not rows and (only, "") not in self.known(day):
            # The day was asked, and what an account that is not listed does not consume is zero.
            return [record(self.config, day, only, None, False)]
        return rows

    def spared_by_span(self, first: date, last: date) -> int:
        return (last - first).days

    def rows_of_span(self, first: date, last: date) -> Mapping[date, Sequence[Row]] | None:
        """What is zero in a span is zero on each of its days, for nothing is negative: each account that is listed then
        has a row of zero each day.
        """
        extractor = self.record_selector.extractor
        assert isinstance(extractor, ConsumptionExtractor)
        accounts = extractor.silent_accounts(answer(self.requester, slice_of(first, last)))
        if accounts is None:
            return None
        return {day: [record(self.config, str(day), *account) for account in accounts] for day in days(first, last)}

    def rows_of_zeros(self, day: str, rows: Collection[Row], gone: Mapping[Key, Figures]) -> Iterable[Row]:
        listed = {row["account_id"]: row for row in rows}
        if deleted := sorted({account for account, _ in gone} - listed.keys()):
            LOGGER.info(
                "SMSFactor does not list the account %s on %s any more; its rows stay as they are.",
                ", ".join(deleted),
                day,
            )
        return [
            {**listed[account], "country": country, "consumption": 0} for account, country in gone if account in listed
        ]

    def key_of(self, row: Row) -> Key:
        return (row["account_id"], row["country"])

    def figures_of(self, row: Row) -> Figures:
        return (row["consumption"],)
