"""Proves that seven.io honours the settings `seven_label` and `seven_subaccounts`, and that it names yesterday.

What it does with a label or an id that it does not know is not documented. It may answer with
everything, which would be synced as the usage of that label or subaccount.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import requests
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error, transient_error
from source_sms_providers.parsing import FieldReader
from source_sms_providers.seven.daily_totals import DailyTotalsExtractor
from source_sms_providers.seven.extractors import PROVIDER, UNKNOWN_LABEL, Counters, grouped

Answer = Callable[..., requests.Response]
"""(stream, first day, last day, settings…) -> what a sync with these settings would get."""
Answers = Callable[..., Iterable[requests.Response]]
"""(stream, settings…) -> the same for each year, the newest first."""


def prove_yesterday(config: Mapping[str, Any], answer: Answer, answers: Answers) -> None:
    """Raises AirbyteTracedException if yesterday is not named, or is wrong."""
    yesterday = date.fromisoformat(config["today"]) - timedelta(days=1)
    days = DailyTotalsExtractor(config=config, parameters={}).days(answer("analytics", yesterday, yesterday))
    if not days:
        raise transient_error(
            "seven.io names no usage for yesterday, not even zero. If the account is new, test the connection again "
            "tomorrow; if not, report it."
        )
    if isinstance(wrong := days[yesterday], AirbyteTracedException):
        raise wrong


def prove(config: Mapping[str, Any], answer: Answer, answers: Answers) -> None:
    """Asks year by year until there is usage to prove it with.

    Raises AirbyteTracedException (config_error) for a label or subaccount that is not honoured.
    """

    def groups(stream: str, group_field: str, **changed: Any) -> Mapping[str, Counters]:
        """The groups of the newest year that has any."""
        responses = answers(stream, **changed)
        found = (grouped(FieldReader(PROVIDER, response), response.json(), group_field) for response in responses)
        return next(filter(None, found), {})

    label = config.get("seven_label")
    if label and groups("analytics_by_label", "label").keys() - {label}:
        raise config_error(UNKNOWN_LABEL)
    if config["seven_subaccounts"] not in ("all", "only_main"):
        accounts = groups("analytics_by_subaccount", "account")
        main = accounts and groups("analytics_by_subaccount", "account", seven_subaccounts="only_main")
        # Names are not unique: that one of them is the main account's proves nothing.
        if len(accounts) > 1 or (accounts and accounts == main):
            raise config_error(
                "seven.io does not know the subaccount id in the settings: it answers with the usage of other "
                "accounts. Copy the id from the seven.io dashboard, or enter all."
            )


def countries(config: Mapping[str, Any], answer: Answer, answers: Answers) -> Collection[str]:
    """The codes of the countries in the whole price list, in upper case."""
    today = date.fromisoformat(config["today"])
    response = answer("pricing", today, today, countries=None)
    read = FieldReader(PROVIDER, response)
    listed = read.field(read.mapping(response.json(), "the answer"), "countries", "the answer")
    return {
        read.text(read.field(read.mapping(country, "a country"), "countryCode", "a country"), "countryCode").upper()
        for country in read.sequence(listed, "countries")
    }
