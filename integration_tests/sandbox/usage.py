"""What the usage of one day is made of, and whose it is."""

from __future__ import annotations

from typing import NamedTuple

COUNTERS = ("sms", "rcs", "voice", "hlr", "mnp", "inbound")
"""The counters of a seven.io analytics row, in its order; `usage_eur` follows them."""

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

    An account that was deleted and counts in totals all the same has neither id nor name.
    """

    account_id: str | None
    account: str | None
    label: str
    country: str
    sms: int
    rcs: int
    voice: int
    hlr: int
    mnp: int
    inbound: int
    usage: int


class AccountDay(NamedTuple):
    """One SMSFactor account's consumption of one day, in SMSFactor's unit.

    `countries` holds (code, consumption > 0); it may explain less than `total`, never more.
    """

    account_id: int
    company: str
    is_main: bool
    total: int
    countries: tuple[tuple[str, int], ...]
