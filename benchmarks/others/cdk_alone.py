"""The floor of the CDK: nothing is asked, the records of a window are there at once.

What is left is what every source on the CDK pays: its cursor, its queue and its messages.
"""

import gc
import sys
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass
from datetime import date
from typing import Any

from airbyte_cdk.sources.declarative.retrievers.retriever import Retriever
from airbyte_cdk.sources.types import Record, StreamSlice

from benchmarks.others.arguments import DAY, arguments
from benchmarks.others.stock import manifest, read

FIGURES = {"sms": 3108, "rcs": 0, "voice": 35, "hlr": 0, "mnp": 96, "inbound": 42, "usage_eur": 239.35}
COUNTRIES = ("DE", "AT", "CH", "FR", "GB", "")
"""No more than the sandbox answers, or this were no floor."""


@dataclass
class ReadyMade(Retriever):
    """Records of the same shape as those of the other programs, at no cost."""

    config: Mapping[str, Any]
    name: str
    parameters: InitVar[Mapping[str, Any]]

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[Record]:
        assert stream_slice is not None
        for row in rows(self.name, stream_slice["start_time"][:10], stream_slice["end_time"][:10]):
            yield Record(row, self.name, stream_slice)


def rows(stream: str, first: str, last: str) -> list[dict[str, Any]]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [str(start + n * DAY) for n in range((end - start).days + 1)]
    groups = [{"country": country} for country in COUNTRIES] if stream == "analytics_by_country" else [{}]
    return [{"date": day, **group, **FIGURES, "is_partial": False} for day in days for group in groups]


def declared() -> dict[str, Any]:
    """The streams of `stock.yaml` with the same cursor and windows."""
    found = manifest()
    retriever = {"type": "CustomRetriever", "class_name": f"{ReadyMade.__module__}.{ReadyMade.__name__}"}
    found["definitions"]["stream"]["retriever"] = retriever
    del found["definitions"]["stream"]["transformations"]
    return found


if __name__ == "__main__":
    # As the connector runs.
    sys.setswitchinterval(0.1)
    gc.freeze()
    read(arguments(), declared())
