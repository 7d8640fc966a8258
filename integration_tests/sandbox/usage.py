"""What the usage of one day is made of, and whose it is."""

from __future__ import annotations

from typing import NamedTuple

COUNTERS = ("sms", "rcs", "voice", "hlr", "mnp", "inbound")
"""The counters of a seven.io analytics row, in its order; `usage_eur` follows them."""

PRICES = {"rcs": 650, "voice": 1213, "hlr": 100, "mnp": 99, "inbound": 0}
"""What one of a counter costs, in 1/10,000 EUR; the price of an SMS depends on where it goes."""

GROUPINGS = {"country": "country", "label": "label", "subaccount": "account"}
"""seven.io's groupings without a date, and the field that each groups by."""

MOST_SUBACCOUNTS = 2000
SEVEN_ACCOUNTS = (
    ("", "Main GmbH"),
    ("5310421", "Tochter Köln"),
    ("5310422", "Filiale Süd/West"),
    ("5310423", "Test & Labor"),
    *((str(5310420 + n), f"Kunde {n}") for n in range(4, MOST_SUBACCOUNTS + 1)),
)
"""(id, display name) of seven.io's main account and its sub-accounts; the main one has no id to ask for."""


class SevenCell(NamedTuple):
    """What one account sent with one label to one country on one day; `usage` in 1/10,000 EUR.

    An account that was deleted and counts in totals all the same has neither id nor name. Usage of no label or no
    country has None there, and is missing in that grouping; `""` is a group like others.
    """

    account_id: str | None
    account: str | None
    label: str | None
    country: str | None
    sms: int
    rcs: int
    voice: int
    hlr: int
    mnp: int
    inbound: int
    usage: int


class AccountDay(NamedTuple):
    """One SMSFactor account's consumption of one day, in SMSFactor's unit.

    `countries` holds (code, consumption); it may explain less than `total`, and more only after a refund.
    """

    account_id: int
    company: str
    is_main: bool
    total: int
    countries: tuple[tuple[str, int], ...]
