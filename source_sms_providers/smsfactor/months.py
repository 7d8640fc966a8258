"""Two answers of SMSFactor to one question: what its sub-accounts consumed in the running month."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from airbyte_cdk.models import AirbyteMessage, Type

from source_sms_providers.parsing import exact, plain

LOGGER = logging.getLogger("airbyte")

COMPARED = {"subaccount_credits", "consumption"}
"""The streams that say it."""


def with_months_compared(messages: Iterable[AirbyteMessage], config: Mapping[str, Any]) -> Iterator[AirbyteMessage]:
    """Tells at the end of a sync, if it read both, what the list of sub-accounts says of the running month and what
    the days of it amount to that this sync read, which may be the last ones only.
    """
    month = config["today"][:7]
    by_list: Decimal | None = None
    by_day: dict[str, Decimal] = {}
    for message in messages:
        if message.type is Type.RECORD and message.record:
            stream, row = message.record.stream, message.record.data
            if stream == "subaccount_credits" and row["current_month_consumption"] is not None:
                by_list = (by_list or Decimal(0)) + exact(row["current_month_consumption"])
            elif stream == "consumption" and row["date"][:7] == month and not row["is_main_account"]:
                by_day[row["date"]] = by_day.get(row["date"], Decimal(0)) + exact(row["consumption"])
        yield message
    if by_list is not None and by_day:
        LOGGER.info(
            "SMSFactor's list says that its sub-accounts consumed %s in this month; they consumed %s on the %d days of "
            "it from %s to %s that were read.",
            *(plain(by_list), plain(sum(by_day.values(), Decimal(0))), len(by_day), min(by_day), max(by_day)),
        )
