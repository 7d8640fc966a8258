"""The queries of examples/sql, run on three days of syncs, against figures worked out from the sandbox's world."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integration_tests.sandbox import world
from integration_tests.sandbox.prices import Network
from integration_tests.warehouse.three_days import COUNTRIES, DAYS, EARLY_NETWORK, LATE_NETWORK, START, ThreeDays
from integration_tests.warehouse.warehouse import REPOSITORY

TODAY = DAYS[-1]
COMPLETE_DAYS = [START + timedelta(days=n) for n in range((TODAY - START).days)]


def test_daily_spend_by_country_holds_the_charges_and_the_prices_of_the_day(three_days: ThreeDays, kind: str) -> None:
    rows = run("daily_spend_by_country", three_days, kind)
    expected = []
    for day in COMPLETE_DAYS:
        cells = world.seven_cells(three_days.settings[TODAY], day, TODAY)
        for country in sorted({cell.country for cell in cells}) or [""]:
            own = [cell for cell in cells if cell.country == country]
            sms, usage = sum(cell.sms for cell in own), Decimal(sum(cell.usage for cell in own)) / 10_000
            only_sms = sms and not any(cell.rcs + cell.voice + cell.hlr + cell.mnp + cell.inbound for cell in own)
            prices = [Decimal(price) / 10_000 for price in prices_of(three_days, day, country)]
            expected.append(
                {
                    "date": str(day),
                    "country": country,
                    "sms": sms,
                    "usage_eur": usage,
                    "eur_per_sms": rounded(usage / sms, "0.0001") if only_sms else None,
                    "default_price": prices[0] if prices else None,
                    "lowest_price": min(prices, default=None),
                    "highest_price": max(prices, default=None),
                }
            )
    assert rows == expected
    assert {row["date"] for row in rows if row["lowest_price"]} == {str(day) for day in DAYS[:-1]}
    assert any(row["eur_per_sms"] for row in rows)


def test_the_run_out_forecast_averages_the_last_seven_complete_days(three_days: ThreeDays, kind: str) -> None:
    settings = three_days.settings[TODAY]
    spent = [sum(cell.usage for cell in world.seven_cells(settings, day, TODAY)) for day in COMPLETE_DAYS[-7:]]
    a_day = Decimal(sum(spent)) / 70_000
    balance = Decimal(str(world.balance(settings, TODAY)))
    days_left = int(balance / a_day)
    assert days_left > 0
    assert run("balance_runout", three_days, kind) == [
        {
            "balance_of": str(TODAY),
            "balance_eur": balance,
            "days_averaged": 7,
            "eur_a_day": rounded(a_day, "0.0001"),
            "days_left": days_left,
            "runs_out_on": str(TODAY + timedelta(days=days_left)),
        }
    ]


def test_price_changes_names_what_rose_fell_came_and_went(three_days: ThreeDays, kind: str) -> None:
    old, new = networks(three_days, DAYS[0]), networks(three_days, TODAY)
    expected = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        both = before is not None and after is not None
        change = "came" if before is None else "went" if after is None else "rose" if after > before else "fell"
        expected.append(
            {
                **dict(zip(("country_code", "mcc", "network_name"), key, strict=True)),
                "old_price": None if before is None else Decimal(before) / 10_000,
                "new_price": None if after is None else Decimal(after) / 10_000,
                "percent": rounded(Decimal(after) * 100 / before - 100, "0.01") if both else None,
                "change": change,
            }
        )
    # The databases sort texts each in its own way.
    assert by_network(run("price_changes", three_days, kind)) == by_network(expected)
    assert {row["change"] for row in expected} == {"came", "went", "rose", "fell"}


def run(name: str, three_days: ThreeDays, kind: str) -> list[dict[str, Any]]:
    [rows] = three_days.warehouses[kind].rows((REPOSITORY / f"examples/sql/{name}.sql").read_text(encoding="utf-8"))
    return [{column: exact(column, value) for column, value in row.items()} for row in rows]


def exact(column: str, value: Any) -> Any:
    is_number = value is not None and column.endswith(("eur", "price", "eur_per_sms", "eur_a_day", "percent"))
    return Decimal(value) if is_number else value


def rounded(number: Decimal, to: str) -> Decimal:
    return number.quantize(Decimal(to), ROUND_HALF_UP)


def networks(three_days: ThreeDays, day: date) -> dict[tuple[str, str, str], int]:
    """(country, mcc, network) -> price in 1/10,000 EUR, as the sandbox answered on a day."""
    return {
        (country.code, network.mcc, network.name or ""): network.price
        for country in world.price_list(three_days.settings[day], day)
        if country.code in COUNTRIES
        for network in answered(country, day)
    }


def prices_of(three_days: ThreeDays, day: date, code: str) -> list[int]:
    """A country's prices on a day, the default row's first; none for days without a sync."""
    by_country: dict[str, list[int]] = defaultdict(list)
    if day in DAYS and code:
        for (country, _, _), price in networks(three_days, day).items():
            by_country[country].append(price)
    return by_country[code]


def answered(country: world.Country, day: date) -> list[Network]:
    left_out = [
        place
        for (_, (code, place)), absent_on in ((LATE_NETWORK, DAYS[0]), (EARLY_NETWORK, DAYS[2]))
        if country.code == code and day == absent_on
    ]
    return [network for place, network in enumerate(country.networks) if place not in left_out]


def by_network(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["country_code"], row["mcc"], row["network_name"]))
