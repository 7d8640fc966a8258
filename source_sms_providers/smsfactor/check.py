"""Verifies the settings of SMSFactor against the account's own data.

SMSFactor does not document whether `date_start` and `date_end` belong to a range. A wrong setting counts two days as
one, none, or the neighbouring day:

- Single days must add up to the range that holds them. Every wrong setting breaks that sum, except that `end_excluded`
  and `start_excluded` differ by one whole day and give equal sums.
- The running day tells those two apart: no message is of a day that has not begun, and no day grows that has ended.

Days are those of UTC or of Paris: SMSFactor is French, and documents no time zone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.days import DAY, days, search_periods
from source_sms_providers.errors import config_error, first_transient
from source_sms_providers.retriever import fetch, read_periods
from source_sms_providers.smsfactor.consumption import Consumption, ConsumptionExtractor

if TYPE_CHECKING:
    from source_sms_providers.check import CheckClient

LOGGER = logging.getLogger("airbyte")

Fetch = Callable[[str, date, date], Decimal]
"""(setting, first day, last day) -> the group total that a sync with this setting would get."""

SETTINGS = ("inclusive", "end_excluded", "both_excluded", "start_excluded")
MAX_UTC_OFFSET = timedelta(hours=2)
"""How far the time of Paris is ahead of UTC at most."""
CLOCK_SKEW = timedelta(minutes=30)
"""For clocks that differ, and because the test takes its time."""
GROWTH_SECONDS = 5.0


def verify_settings(stream: str, client: CheckClient) -> None:
    """Raises AirbyteTracedException (config_error) for a setting that the account's consumption disproves."""

    def consumption(first: date, last: date, **changed: str) -> Consumption:
        retriever = client.retriever(stream, **changed)
        extractor = retriever.extractor
        assert isinstance(extractor, ConsumptionExtractor)
        return extractor.consumption(fetch(retriever.requester, first, last))

    def total(setting: str, first: date, last: date) -> Decimal:
        found = consumption(first, last, smsfactor_day_boundaries=setting)
        return found.of_accounts if found.total is None else found.total

    config = client.config
    setting, start = config["smsfactor_day_boundaries"], date.fromisoformat(config["start_date"])
    if not verify_day_boundaries(total, setting, start, datetime.now(timezone.utc)):
        LOGGER.warning(
            "SMSFactor has no consumption to verify 'SMSFactor date range bounds' with. Test the connection again when "
            "messages have been sent: with a wrong setting, days are zero."
        )
    if only := config.get("smsfactor_sub_account_id"):
        listed: dict[str, None] = {}
        faults: list[AirbyteTracedException] = []
        periods = search_periods(start, date.fromisoformat(config["today"]) - DAY)
        for _, found in read_periods(periods, consumption, faults):
            listed |= dict.fromkeys(account.account_id for account in found.accounts)
            if only in listed:
                return
        raise first_transient(faults) or config_error(
            f"SMSFactor lists no account {only} since the start date. It lists {', '.join(listed)}. Correct 'SMSFactor "
            "sub-account', or leave it empty until that account has sent messages."
        )


def verify_day_boundaries(fetch_total: Fetch, setting: str, start: date, now: datetime) -> bool:
    """True if the account's data confirms the setting, False if the account has none to verify it with.

    Sends 7 requests if there was traffic in the last days, some 25 if it is older, and up to 3 more for `end_excluded`
    and `start_excluded`.
    Raises AirbyteTracedException (config_error) that names the value to choose, or says when the
    test can tell.
    """
    ended, future = (now - CLOCK_SKEW).date() - DAY, (now + MAX_UTC_OFFSET + CLOCK_SKEW).date() + DAY
    bounds = _days_around_traffic(fetch_total, start, ended, future)
    if bounds is None:
        return False
    if not _adds_up(fetch_total, setting, *bounds):
        others = [other for other in SETTINGS if other != setting and _adds_up(fetch_total, other, *bounds)]
        if not others:
            raise config_error(
                "The daily totals do not match the total of the date range, whatever the setting 'SMSFactor date range "
                "bounds'. Run the test again when no messages are being sent; if it says the same, report it."
            )
        raise config_error(
            f"With 'SMSFactor date range bounds' set to {setting}, the daily totals do not match the total of the date "
            f"range. Choose {' or '.join(others)}."
        )
    if setting in ("end_excluded", "start_excluded"):
        _verify_no_shift(fetch_total, setting, ended, future)
    return True


def _days_around_traffic(fetch_total: Fetch, start: date, ended: date, future: date) -> tuple[date, date] | None:
    """A first and a last day between which, and not only on which, messages were sent: of the last
    days, else of older ones, else with the running day.

    Every setting counts all days strictly between the two dates, and none beyond them.
    """
    if fetch_total("inclusive", ended - 3 * DAY, ended - DAY):
        return ended - 4 * DAY, ended
    periods = search_periods(start, ended - 2 * DAY)
    for period, has_traffic in read_periods(periods, partial(fetch_total, "inclusive"), []):
        if has_traffic:
            return _narrow(fetch_total, *period)
    if fetch_total("inclusive", ended - 3 * DAY, future):
        return ended - 4 * DAY, future
    return None


def _narrow(fetch_total: Fetch, low: date, high: date) -> tuple[date, date]:
    """A few days around messages that were sent between these days."""
    while (high - low).days > 3:
        middle = low + (high - low) // 2
        # The halves share two days, too.
        low, high = (middle, high) if fetch_total("inclusive", middle, high) else (low, middle + DAY)
    return low - DAY, high + DAY


def _adds_up(fetch_total: Fetch, setting: str, first: date, last: date) -> bool:
    """Whether single days add up to their range; asked anew while messages of a running day come in between."""
    singles = days(first, last)
    for _ in range(3):
        parts = sum(fetch_total(setting, day, day) for day in singles)
        if parts == fetch_total(setting, first, last):
            return True
        if parts == sum(fetch_total(setting, day, day) for day in singles):
            return False
    return False


def _verify_no_shift(fetch_total: Fetch, setting: str, ended: date, future: date) -> None:
    # Of these two days only the first can have messages: a server that counts the last alone has none.
    counts_first = fetch_total("inclusive", future - DAY, future) != 0
    if setting == "end_excluded" and not counts_first:
        raise config_error(
            "SMSFactor's data is consistent with both end_excluded and start_excluded. The test can tell them apart "
            "between 0:00 and 21:30 UTC, once messages were sent on that day."
        )
    if setting == "start_excluded":
        if counts_first:
            raise config_error(
                "'SMSFactor date range bounds' is start_excluded, but SMSFactor includes the first day and not the "
                "last. Choose end_excluded."
            )
        # The first of these two days has ended, so what grows is the last.
        earlier = fetch_total("inclusive", ended, ended + DAY)
        time.sleep(GROWTH_SECONDS)
        if fetch_total("inclusive", ended, ended + DAY) <= earlier:
            raise config_error(
                "SMSFactor's data is consistent with both start_excluded and end_excluded. The test can tell them "
                "apart between 0:30 and 22:00 UTC, while messages are being sent."
            )
