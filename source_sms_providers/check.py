"""The connection test: each stream's request for yesterday, and the settings that the account's data can disprove."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.config import normalize
from source_sms_providers.retriever import SnapshotRetriever
from source_sms_providers.session import SyncSession
from source_sms_providers.stream import make_retriever

MAX_OUTAGE_SECONDS = 12
"""A person waits for the result: a provider that does not answer is given up sooner than in a sync."""

TEST_SENTENCES = {
    "The next sync tries again.": "Test the connection again.",
    "Nothing from it was synced, so existing rows are unaffected; if the next sync says the same, update": (
        "If another test says the same, update"
    ),
}
"""What an error of a sync says -> what it says in a connection test."""


class CheckClient:
    """Requests what a sync would request, with the settings or with others.

    Attributes:
        config: the normalized settings
    """

    def __init__(
        self, definitions: Mapping[str, Mapping[str, Any]], specification: Mapping[str, Any], config: Mapping[str, Any]
    ) -> None:
        self.config = {"max_outage_seconds": MAX_OUTAGE_SECONDS, **config}
        self._definitions = definitions
        self._specification = specification
        self._factory = ModelToComponentFactory()
        self._session = SyncSession(config["num_workers"])
        self.retriever = lru_cache(maxsize=None)(self._make_retriever)

    def check(self) -> None:
        """Raises AirbyteTracedException for the first stream that cannot be read, in the order of the manifest."""
        try:
            retrievers = [self.retriever(name) for name in self._definitions]
            by_provider: dict[str, list[SnapshotRetriever]] = {}
            for retriever in retrievers:
                if retriever.is_checked:
                    by_provider.setdefault(retriever.requester.provider, []).append(retriever)  # type: ignore[attr-defined]
            for provider, of_provider in by_provider.items():
                # Side by side: a slow provider answers all of them in the time of one.
                self._session.pool(provider).map(lambda retriever: retriever.check(self), of_provider)
        finally:
            self._session.cancel()

    def _make_retriever(self, stream: str, **changed: Any) -> SnapshotRetriever:
        config = {**normalize({**self.config, **changed}, self._specification), "_session": self._session}
        return make_retriever(self._definitions[stream], {}, config, self._factory)


def check_connection(
    definitions: Mapping[str, Mapping[str, Any]], specification: Mapping[str, Any], config: Mapping[str, Any]
) -> None:
    """Raises AirbyteTracedException with a sentence for the first thing that is wrong."""
    try:
        CheckClient(definitions, specification, config).check()
    except AirbyteTracedException as error:
        sentence = error.message or ""
        for of_a_sync, of_a_test in TEST_SENTENCES.items():
            sentence = sentence.replace(of_a_sync, of_a_test)
        raise AirbyteTracedException(sentence, sentence, error.failure_type) from None
