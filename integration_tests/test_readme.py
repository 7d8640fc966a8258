"""The tables of README.md are what a reader gets."""

from __future__ import annotations

import re
from datetime import date, timedelta

from integration_tests.command import ROOT
from integration_tests.expected import expected_records
from integration_tests.sandbox.settings import Settings
from integration_tests.streams import PRIMARY_KEYS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_the_first_sync_is_what_the_sandbox_holds() -> None:
    shown = re.findall(r"^ +(\w+) +(\d+)  (\d{4}-\d\d-\d\d)  (\d{4}-\d\d-\d\d)$", README, re.MULTILINE)
    today = date.fromisoformat(shown[0][2])
    first, last = today - timedelta(days=30), today - timedelta(days=1)

    expected = expected_records(Settings(today=str(today)), {}, today, first, last)

    dates = {stream: sorted(record["date"] for record in records) for stream, records in expected.items()}
    assert shown == [(stream, str(len(dates[stream])), dates[stream][0], dates[stream][-1]) for stream, *_ in shown]
    assert {stream for stream, *_ in shown} == PRIMARY_KEYS.keys()


def test_the_table_of_streams_names_each_of_them() -> None:
    table = README.partition("\n## Streams\n")[2].partition("\n## ")[0]

    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(PRIMARY_KEYS)
