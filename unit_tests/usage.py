"""seven.io usage: rows as the API answers them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import requests

from unit_tests.providers import as_json, query_of

ZEROS = {"sms": 0, "rcs": 0, "voice": 0, "hlr": 0, "mnp": 0, "inbound": 0, "usage_eur": 0}


def usage(**fields: Any) -> dict[str, Any]:
    """A row of zeros but for the fields named."""
    return {**ZEROS, **fields}


def each_day_asked(request: requests.PreparedRequest, sms: int = 1) -> bytes:
    """A row of so many SMS for each day of the range that the request asks for."""
    asked = query_of(request)
    first, last = date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return as_json([usage(date=str(day), sms=sms) for day in days])
