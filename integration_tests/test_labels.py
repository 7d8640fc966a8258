"""A text survives the way from the provider to the destination, whatever it is made of."""

from __future__ import annotations

import json
from datetime import date

import orjson
import pytest

from integration_tests.odd_labels import EXPECTED
from integration_tests.sandbox.client import Sandbox
from integration_tests.sync import Destination, sync

DAY, TODAY = "2026-03-09", date(2026, 3, 10)
SILENT = dict.fromkeys(("rcs", "voice", "hlr", "mnp", "inbound"), 0)


@pytest.mark.parametrize("group", ["label", "country", "account"])
def test_given_odd_groups_when_read_then_each_arrives_as_storable_text(sandbox: Sandbox, group: str) -> None:
    rows = [{group: name, "sms": sms, **SILENT, "usage_eur": 0} for sms, name in enumerate(EXPECTED, start=1)]
    total = {"date": DAY, "sms": sum(row["sms"] for row in rows), **SILENT, "usage_eur": 0}
    stream = f"analytics_by_{'subaccount' if group == 'account' else group}"
    asked = stream.removeprefix("analytics_by_")
    sandbox.fault("body", body=json.dumps([total]), query={"group_by": "date"}, times=None)
    sandbox.fault("body", body=json.dumps(rows), query={"group_by": asked}, times=None)

    result = sync(sandbox.config(start_date=DAY), [stream], now=TODAY)

    assert result.error is None, result.sentence
    assert {row[group]: row["sms"] for row in result.records(stream)} == {
        EXPECTED[row[group]]: row["sms"] for row in rows
    }
    # A line that orjson cannot read is taken for a line of the log by PyAirbyte.
    assert [orjson.loads(orjson.dumps(message)) for message in result.messages] == result.messages


def test_given_two_labels_that_are_stored_alike_when_read_then_they_are_added_up(sandbox: Sandbox) -> None:
    rows = [{"label": f"promo {half}", "sms": 1, **SILENT, "usage_eur": 0.1} for half in ("\ud83d", "\ude00", "\x00")]
    sandbox.fault(
        "body",
        body=json.dumps([{"date": DAY, "sms": 3, **SILENT, "usage_eur": 0.3}]),
        query={"group_by": "date"},
        times=None,
    )
    sandbox.fault("body", body=json.dumps(rows), query={"group_by": "label"}, times=None)
    destination = Destination()

    destination.take(sync(sandbox.config(start_date=DAY), ["analytics_by_label"], now=TODAY))

    [row] = destination.rows("analytics_by_label")
    assert (row["label"], row["sms"], row["usage_eur"]) == ("promo \ufffd", 3, 0.3)


@pytest.mark.parametrize(
    "countries",
    [{"FR": 3, "F\ud83d": 1, "F\x00": 2}, [{"FR": 3}, {"F\ud83d": 1}, {"F\x00": 2}]],
    ids=["object", "pairs"],
)
def test_given_countries_that_are_stored_alike_when_read_then_no_unit_is_lost(
    sandbox: Sandbox, countries: object
) -> None:
    edit = {"data.my_account.conso": {"total": 6, "by_country": countries}, "data.by_sub_accounts": [], "data.total": 6}
    sandbox.fault("edit", set=edit, path="/metrics", times=None)
    destination = Destination()

    destination.take(sync(sandbox.config(start_date=DAY), ["consumption"], now=TODAY))

    rows = destination.rows("consumption")
    assert sum(row["consumption"] for row in rows) == 6
    assert {row["country"].rstrip("\ufffd") for row in rows} == {"FR", "F"}


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "123456789012345678901234567890", '"123456789012345678901234567890"']
)
@pytest.mark.parametrize(
    ("stream", "path", "body"),
    [
        ("balance", "/api/balance", '{"amount": NUMBER, "currency": "EUR"}'),
        ("credits", "/credits", '{"status": 1, "credits": NUMBER}'),
    ],
)
def test_given_a_number_that_fits_no_column_when_read_then_the_error_reports_it(
    sandbox: Sandbox, stream: str, path: str, body: str, number: str
) -> None:
    sandbox.fault("body", body=body.replace("NUMBER", number), path=path, times=None)

    result = sync(sandbox.config(start_date=DAY), [stream], now=TODAY)

    kind, sentence = result.failures()[stream]
    assert kind == "system_error"
    assert "is a number too large for any destination" in sentence
    assert result.records(stream) == []
