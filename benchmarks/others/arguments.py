from __future__ import annotations

import argparse
from datetime import date, timedelta

KEY = "sandbox-seven-key-6f1d2c3b4a59"
"""The provider sandbox's own key, which is no secret."""
HEADERS = {"Accept": "application/json", "X-Api-Key": KEY}
YEAR = timedelta(days=365)
DAY = timedelta(days=1)


class Arguments(argparse.Namespace):
    url: str
    stream: str
    first: date
    last: date
    workers: int

    @property
    def group(self) -> str:
        return {"analytics": "date", "analytics_by_country": "country"}[self.stream]

    def windows(self) -> list[tuple[date, date]]:
        """What each request asks for: a year where the rows carry their date, else one day."""
        width = YEAR if self.group == "date" else DAY
        starts = [self.first + n * width for n in range(-(-((self.last - self.first).days + 1) // width.days))]
        return [(start, min(start + width - DAY, self.last)) for start in starts]

    def query(self, first: date | str, last: date | str) -> dict[str, str]:
        """The query of one request, the same for every program."""
        days = {"start": str(first), "end": str(last)}
        return {**days, "group_by": self.group, "subaccounts": "all", "label": "all"}


def arguments() -> Arguments:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--stream", required=True, choices=["analytics", "analytics_by_country"])
    parser.add_argument("--first", required=True, type=date.fromisoformat)
    parser.add_argument("--last", required=True, type=date.fromisoformat)
    parser.add_argument("--workers", type=int, default=8)
    return parser.parse_args(namespace=Arguments())
