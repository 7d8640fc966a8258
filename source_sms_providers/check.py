"""What the connection test asks: each stream for yesterday, and what settings the account's figures disprove."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Any

import requests
from airbyte_cdk.sources.declarative.models.declarative_component_schema import (
    CustomRecordExtractor,
    CustomRequester,
    Spec,
)
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.config import refuse_countries, unknown_countries
from source_sms_providers.seven import check as seven
from source_sms_providers.smsfactor import check as smsfactor
from source_sms_providers.spans import DAY

OUTAGE_SECONDS = 12
"""A person waits for the answer: a provider that is silent is given up sooner than in a sync."""
MONTH, YEAR = timedelta(days=31), timedelta(days=365)

COUNTRIES: Mapping[str, Callable[..., Collection[str]]] = {
    "pricing": seven.countries,
    "consumption": smsfactor.countries,
}
"""Stream -> the codes of the countries that its provider names."""
PROOFS: Sequence[tuple[str, Callable[..., None]]] = (
    ("analytics", seven.prove_yesterday),
    ("analytics", seven.prove),
    ("consumption", smsfactor.prove),
)
"""(stream, what its provider has to prove)"""
OF_LISTS = ("analytics_by_subaccount_and_country", "subaccount_balances", "subaccount_credits")
"""Streams that need the list of subaccounts. A connection without them needs neither that list nor a right to it, and a
connection test does not know which streams are selected.
"""
IN_A_TEST = {
    "The next sync asks again.": "Test the connection again.",
    "Nothing from it was synced, so existing rows are unaffected; if the next sync says the same, update": (
        "If another test says the same, update"
    ),
}
"""What an error of a sync says, and a connection test has to say in its place."""


@dataclass(frozen=True)
class Account:
    """Asks the providers what a sync would ask, with the settings or with others.

    Attributes:
        streams: name -> definition, as the resolved manifest has it
        spec: the definition of the settings, and of what is derived from them
        config: tidy settings, with what is derived from them
    """

    streams: Mapping[str, Mapping[str, Any]]
    spec: Mapping[str, Any]
    config: Mapping[str, Any]

    def answer(self, stream: str, first: date, last: date, **changed: Any) -> requests.Response:
        """What a sync with these settings changed would get for these days. Raises AirbyteTracedException."""
        days = {"start_time": f"{first}T00:00:00Z", "end_time": f"{last}T23:59:59Z"}
        answer: requests.Response = self._requester(stream, **changed).send_request(
            stream_slice=StreamSlice(partition={}, cursor_slice=days)
        )
        return answer

    def answers(self, stream: str, **changed: Any) -> Iterator[requests.Response]:
        """The answers for each year back to the start, the newest first, up to yesterday; for the last 31 days alone if
        a year is refused, which may be more than the provider answers at once. Raises AirbyteTracedException.
        """
        start, today = (date.fromisoformat(self.config[name]) for name in ("start_date", "today"))
        for year in years_since(start, today - DAY):
            try:
                response = self.answer(stream, *year, **changed)
            except AirbyteTracedException:
                yield self.answer(stream, today - MONTH, today - DAY, **changed)
                return
            yield response

    def rows(self, stream: str, day: date) -> Sequence[Mapping[str, Any]]:
        """What the stream makes of one day. Raises AirbyteTracedException."""
        extractor = self._factory.create_component(
            CustomRecordExtractor, self.streams[stream]["retriever"]["record_selector"]["extractor"], self.config
        )
        return list(extractor.extract_records(self.answer(stream, day, day)))

    @cached_property
    def _factory(self) -> ModelToComponentFactory:
        return ModelToComponentFactory()

    @cached_property
    def _requester(self) -> Callable[..., Any]:
        @cache
        def build(stream: str, **changed: Any) -> Any:
            config = {**self.config, **changed}
            self._factory.create_component(Spec, self.spec, {}).transform_config(config)
            definition = self.streams[stream]["retriever"]["requester"]
            return self._factory.create_component(CustomRequester, definition, config, name=stream)

        return build


def check_account(account: Account) -> None:
    """Raises AirbyteTracedException with a sentence for the first thing that is wrong."""
    account = replace(account, config={"outage_seconds": OUTAGE_SECONDS, **account.config})
    today = date.fromisoformat(account.config["today"])
    try:
        check_countries(account)
        for stream in account.streams:
            if stream not in OF_LISTS:
                account.rows(stream, today - DAY)
        for stream, prove in PROOFS:
            if stream in account.streams:
                prove(account.config, account.answer, account.answers)
    except AirbyteTracedException as error:
        sentence = error.message or ""
        for of_a_sync, of_a_test in IN_A_TEST.items():
            sentence = sentence.replace(of_a_sync, of_a_test)
        raise AirbyteTracedException(sentence, sentence, error.failure_type) from None


def check_countries(account: Account) -> None:
    """Raises AirbyteTracedException (config_error) for a code in the settings that neither ISO 3166 lists nor a
    provider names. The providers are asked only for such a code.
    """
    unknown = unknown_countries(account.config)
    for stream, countries in COUNTRIES.items():
        if unknown and stream in account.streams:
            unknown.difference_update(countries(account.config, account.answer, account.answers))
    refuse_countries(unknown)


def years_since(start: date, last: date) -> Iterator[tuple[date, date]]:
    """The first and the last day of each year back to the start, the newest first; at least one."""
    yield last - YEAR + DAY, last
    if start <= last - YEAR:
        yield from years_since(start, last - YEAR)
