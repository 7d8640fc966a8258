"""Proves that seven.io honours the settings `seven_label` and `seven_subaccounts`, and that it names yesterday.

What it does with a label or an id that it does not know is not documented. It may answer with
everything, which would be synced as the usage of that label or subaccount.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import requests

from source_sms_providers.answers import Reader
from source_sms_providers.errors import config_error
from source_sms_providers.seven.by_date import ByDate, DaysExtractor, told_apart
from source_sms_providers.seven.extractors import PROVIDER, UNKNOWN_LABEL, grouped

Answer = Callable[..., requests.Response]
"""(stream, first day, last day, settings…) -> what a sync with these settings would get."""


def prove_yesterday(config: Mapping[str, Any], years: Sequence[tuple[date, date]], answer: Answer) -> None:
    """Raises AirbyteTracedException (system_error) if yesterday is not named."""
    yesterday = date.fromisoformat(config["today"]) - timedelta(days=1)
    extractor = DaysExtractor(config=config, parameters={})
    by_date = ByDate(lambda *days: extractor.days(answer("analytics", *days)), config)
    _, failed = told_apart(by_date.read(yesterday, yesterday))
    if failed:
        raise failed[yesterday]


def prove(config: Mapping[str, Any], years: Sequence[tuple[date, date]], answer: Answer) -> None:
    """Asks year by year until there is usage to prove it with.

    Raises AirbyteTracedException (config_error) for a label or subaccount that is not honoured.
    """

    def groups(stream: str, group_field: str, **changed: Any) -> Collection[str]:
        """The groups of the newest year that has any."""
        responses = (answer(stream, *year, **changed) for year in years)
        found = (grouped(Reader(PROVIDER, response), response.json(), group_field).keys() for response in responses)
        return next(filter(None, found), ())

    label = config.get("seven_label")
    if label and set(groups("analytics_by_label", "label")) - {label}:
        raise config_error(UNKNOWN_LABEL)
    if config["seven_subaccounts"] not in ("all", "only_main"):
        accounts = groups("analytics_by_subaccount", "account")
        main = accounts and groups("analytics_by_subaccount", "account", seven_subaccounts="only_main")
        if len(accounts) > 1 or (accounts and accounts == main):
            raise config_error(
                "seven.io does not know the subaccount id in the settings: it answers with the usage of other "
                "accounts. Copy the id from the seven.io dashboard, or enter all."
            )


def countries(config: Mapping[str, Any], answer: Answer) -> Collection[str]:
    """The codes of the countries in the whole price list, in upper case."""
    today = date.fromisoformat(config["today"])
    response = answer("pricing", today, today, countries=None)
    read = Reader(PROVIDER, response)
    listed = read.field(read.mapping(response.json(), "the answer"), "countries", "the answer")
    return {
        read.text(read.field(read.mapping(country, "a country"), "countryCode", "a country"), "countryCode").upper()
        for country in read.sequence(listed, "countries")
    }
