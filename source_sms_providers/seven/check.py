"""Proves that seven.io honours the settings `seven_label` and `seven_subaccounts`.

What it does with a label or an id that it does not know is not documented. It may answer with
everything, which would be synced as the usage of that label or subaccount.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import requests

from source_sms_providers.answers import Reader
from source_sms_providers.errors import config_error
from source_sms_providers.seven.extractors import PROVIDER, UNKNOWN_LABEL, grouped

Answer = Callable[..., requests.Response]
"""(stream, first day, last day, settings…) -> what a sync with these settings would get."""


def check(config: Mapping[str, Any], answer: Answer) -> None:
    """Raises AirbyteTracedException (config_error) for a label or subaccount that is not honoured."""
    label, subaccount = config.get("seven_label"), config.get("seven_subaccounts") or "all"
    days = date.fromisoformat(config["start_date"]), date.fromisoformat(config["today"]) - timedelta(days=1)
    if days[0] > days[1]:
        return
    if label and _groups(answer("analytics_by_label", *days), "label") - {label}:
        raise config_error(UNKNOWN_LABEL)
    if subaccount not in ("all", "only_main"):
        accounts = _groups(answer("analytics_by_subaccount", *days), "account")
        main = accounts and _groups(answer("analytics_by_subaccount", *days, seven_subaccounts="only_main"), "account")
        if len(accounts) > 1 or (accounts and accounts == main):
            raise config_error(
                "seven.io does not know the subaccount id in the settings: it answers with the usage of other "
                "accounts. Copy the id from the seven.io dashboard, or enter all."
            )


def _groups(response: requests.Response, group_field: str) -> set[str]:
    return set(grouped(Reader(PROVIDER, response), response.json(), group_field))
