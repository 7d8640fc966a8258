from __future__ import annotations

import datetime


def parse_day(text: str) -> datetime.date | None:
    """The date of a text written exactly YYYY-MM-DD, or None."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    # Python 3.11 also reads 20260102 and 2026-W01-5.
    return day if day.isoformat() == text else None
