"""The fake seven.io API: request -> answer.

Follows the vendor's document; where that is silent, recorded answers of the live service (errors with HTTP
200, ignored dates, rows of zeros, two `""` label rows). Unknown on the live service and chosen here: start
after end gives `[]`, an end after today is cut to today, a bad group_by groups by date, an unknown
sub-account has no traffic, and so has one that was deleted.
"""

from __future__ import annotations

import datetime
from typing import Any

from . import world
from .days import parse_day
from .messages import METHOD_REFUSED, Answer, Request, php_json
from .settings import Settings
from .usage import GROUPINGS

_PREFIX = "/api/"
_DEFAULT_DAYS = datetime.timedelta(days=30)
_CSV_COLUMNS = (
    *("countryCode", "countryName", "countryPrefix"),
    *("mcc", "mncs", "networkName", "price", "features", "comment"),
)
_LISTS = (("subaccounts", "read"), ("subaccounts", "list"))


def answer(settings: Settings, request: Request) -> Answer:
    """The answer to a request below `/api`."""
    if request.method != "GET":
        return METHOD_REFUSED
    endpoint, _, group_in_path = request.path.removeprefix(_PREFIX).partition("/")
    scopes = settings.seven_keys.get(_key(request))
    if scopes is None or endpoint not in _ENDPOINTS:
        return _error(settings, request, 900)
    if settings.seven_ip_refused:
        return _error(settings, request, 903)
    if endpoint not in scopes:
        return _error(settings, request, 902)
    if group_in_path and endpoint != "analytics" and (endpoint, group_in_path) not in _LISTS:
        return _error(settings, request, 900)
    return _ENDPOINTS[endpoint](settings, request, settings.today_date())


def _key(request: Request) -> str:
    authorization = request.headers.get("authorization", "")
    raw_basic = authorization.removeprefix("Basic ") if authorization.startswith("Basic ") else ""
    return request.headers.get("x-api-key") or raw_basic or request.query.get("p", "")


def _error(settings: Settings, request: Request, code: int) -> Answer:
    if not request.accepts_json:
        return _text(str(code))
    shapes: dict[str, Any] = {
        "bare": str(code),
        "error_code": {"error_code": code, "error_message": "Fehler"},
        "code": {"success": False, "code": str(code)},
        "success": {"success": str(code)},
    }
    return _json(shapes[settings.seven_error_shape])


def _json(value: Any) -> Answer:
    return Answer(200, "application/json", php_json(value))


def _text(text: str) -> Answer:
    return Answer(200, "text/plain; charset=utf-8", text.encode())


def _number(settings: Settings, value: int | float) -> int | float | str:
    return str(value) if settings.seven_numbers_as_strings else value


def _balance(settings: Settings, request: Request, today: datetime.date) -> Answer:
    amount = world.balance(settings, today)
    if request.accepts_json:
        return _json({"amount": _number(settings, amount), "currency": "EUR"})
    return _text(str(amount))


def _pricing(settings: Settings, request: Request, today: datetime.date) -> Answer:
    wanted = request.query.get("country", "").upper()
    every = world.price_list(settings, today)
    countries = [country for country in every if wanted in ("", country.code)]
    if request.query.get("format") == "csv":
        return Answer(200, "text/csv; charset=utf-8", _price_csv(countries).encode())
    return _json(
        {
            "countCountries": _number(settings, len(countries)),
            "countNetworks": _number(settings, sum(len(country.networks) for country in countries)),
            "countries": [
                {
                    "countryCode": country.code,
                    "countryName": country.name,
                    "countryPrefix": country.prefix,
                    "networks": [
                        {
                            "mcc": network.mcc,
                            "mncs": network.mncs,
                            "networkName": network.name,
                            "price": _number(settings, world.eur(network.price)),
                            "features": network.features,
                            "comment": network.comment,
                        }
                        for network in country.networks
                    ],
                }
                for country in countries
            ],
        }
    )


def _price_csv(countries: list[world.Country]) -> str:
    """Columns in the order of the vendor's document, all quoted, `;` between them."""
    rows = [
        (
            country.code,
            country.name,
            country.prefix,
            network.mcc,
            ",".join(network.mncs or ()),
            network.name or "",
            str(world.eur(network.price)),
            ",".join(network.features),
            network.comment or "",
        )
        for country in countries
        for network in country.networks
    ]
    lines = (";".join('"' + field.replace('"', '""') + '"' for field in row) for row in (_CSV_COLUMNS, *rows))
    return "\n".join(lines) + "\n"


def _analytics(settings: Settings, request: Request, today: datetime.date) -> Answer:
    window = _window(settings, request, today)
    if window is None:
        return _error(settings, request, 308)
    first, last = window
    days = [first + datetime.timedelta(days=n) for n in range((min(last, today) - first).days + 1)]
    if most := settings.seven_most_days:
        days = days[-most:] if settings.seven_most_days_are == "newest" else days[:most]
    cells = {day: _asked_cells(settings, request, day, today) for day in days}
    group_by = request.path.removeprefix(_PREFIX).partition("/")[2] or request.query.get("group_by", "date")
    if group_by not in GROUPINGS:
        reported = [day for day in days if world.seven_reports(settings, day, today)]
        return _json([_row(settings, "date", day.isoformat(), _figures(cells[day])) for day in reported])
    every = [cell for of_day in cells.values() for cell in of_day]
    return _json(_grouped(settings, group_by, every, days))


def _window(settings: Settings, request: Request, today: datetime.date) -> tuple[datetime.date, datetime.date] | None:
    """The first and last day to answer, both inclusive; None if a bad date is to be refused."""
    dates = []
    for name, default in (("start", today - _DEFAULT_DAYS), ("end", today)):
        text = request.query.get(name)
        day = parse_day(text) if text else default
        if day is None:
            return (today - _DEFAULT_DAYS, today) if settings.seven_default_window_on_bad_dates else None
        dates.append(day)
    return dates[0], dates[1]


def _asked_cells(
    settings: Settings, request: Request, day: datetime.date, today: datetime.date
) -> list[world.SevenCell]:
    cells = world.seven_cells(settings, day, today)
    whose = request.query.get("subaccounts") or "only_main"
    account_id = "" if whose == "only_main" else whose
    if whose != "all" and (settings.seven_unknown_id == "nothing" or world.seven_knows_account(settings, account_id)):
        cells = tuple(cell for cell in cells if cell.account_id == account_id)
    label = request.query.get("label", "all")
    if world.seven_knows_label(settings, label):
        cells = tuple(cell for cell in cells if cell.label == label)
    elif label not in ("all", "") and settings.seven_unknown_label == "nothing":
        cells = ()
    return list(cells)


def _grouped(
    settings: Settings, grouping: str, cells: list[world.SevenCell], days: list[datetime.date]
) -> list[dict[str, Any]]:
    field = GROUPINGS[grouping]
    rows = []
    for name, figures in world.seven_groups(settings, grouping, cells).items():
        parts = [figures]
        if (field, name) == ("label", "") and world.seven_splits_unlabelled(settings, days):
            parts = _two_parts(figures)
        rows += [_row(settings, field, name, part) for part in parts]
    return rows


def _two_parts(figures: tuple[int, ...]) -> list[tuple[int, ...]]:
    if figures[0] < 2:
        return [figures]
    first = tuple(figure // 2 for figure in figures)
    return [first, tuple(figure - part for figure, part in zip(figures, first, strict=True))]


def _figures(cells: list[world.SevenCell]) -> tuple[int, ...]:
    """The counters and the costs of some traffic."""
    return tuple(sum(getattr(cell, name) for cell in cells) for name in (*world.COUNTERS, "usage"))


def _row(settings: Settings, field: str, name: str, figures: tuple[int, ...]) -> dict[str, Any]:
    *counts, usage = figures
    row: dict[str, Any] = {field: name}
    for counter, count in zip(world.COUNTERS, counts, strict=True):
        if counter != "rcs" or settings.seven_counters != "without_rcs":
            row[counter] = _number(settings, count)
    if settings.seven_counters == "one_more":
        row["whatsapp"] = _number(settings, 7)
    row["usage_eur"] = _number(settings, world.eur(usage))
    return row


def _subaccounts(settings: Settings, request: Request, today: datetime.date) -> Answer:
    """Names and addresses of persons are in the list, as on the live service."""
    if request.path.endswith("/subaccounts") and request.query.get("action") != "read":
        return _error(request, 308)
    return _json([_subaccount(settings, account) for account in world.seven_subaccounts(settings, today)])


def _subaccount(settings: Settings, account: world.Subaccount) -> dict[str, Any]:
    def number(value: int, decimals: int) -> str | int | float:
        euros = world.eur(value)
        return euros if settings.seven_subaccounts_shape == "numbers" else f"{euros:.{decimals}f}"

    row: dict[str, Any] = {"id": account.account_id, "username": account.username, "company": account.company}
    if settings.seven_subaccounts_shape == "old":
        return row
    return {
        **row,
        "balance": number(account.balance, 4),
        "total_usage": number(account.total_usage, 4),
        "auto_topup": {"threshold": number(account.threshold, 0), "amount": number(account.amount, 0)},
        "contact": {"name": "Erika Muster", "email": f"erika.muster{account.account_id}@example.org"},
    }


_ENDPOINTS = {"balance": _balance, "pricing": _pricing, "analytics": _analytics, "subaccounts": _subaccounts}
