"""The fake SMSFactor API: request -> answer.

Follows the vendor's document; what that leaves open (day boundaries, empty maps, what the filters do) is
played as the knobs say. Chosen here: data.total is the sum of the accounts shown, an unknown sub-account is
shown as none, no dates means the last 30 days.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from . import world
from .days import parse_day
from .messages import METHOD_REFUSED, Answer, Request, php_json
from .settings import Settings

_DEFAULT_DAYS = datetime.timedelta(days=30)
_ONE_DAY = datetime.timedelta(days=1)


class _Shown(NamedTuple):
    """One account as the answer shows it."""

    account_id: int
    company: str
    total: int
    countries: dict[str, int]


def answer(settings: Settings, request: Request) -> Answer:
    """The answer to a request outside `/api`: XML unless JSON is asked for by name."""
    if request.method != "GET":
        return METHOD_REFUSED
    if not request.accepts_json:
        # The XML form has one way to write a map; the shape knobs are about JSON.
        settings = replace(
            settings,
            smsfactor_country_map="object",
            smsfactor_empty_country_map="object",
            smsfactor_sub_accounts_shape="list",
        )
    body = _body(settings, request)
    if not request.accepts_json:
        xml = '<?xml version="1.0" encoding="UTF-8" ?>' + _xml("response", body)
        return Answer(200, "application/xml; charset=utf-8", xml.encode(), may_gzip=True)
    return Answer(200, "application/json; charset=utf-8", php_json(body), may_gzip=True)


def _body(settings: Settings, request: Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or token not in settings.smsfactor_tokens:
        return _error(-1, "Le login et le mot de passe ne correspondent pas", "Token invalide")
    today = settings.today_date()
    if request.path == "/metrics/consumption":
        body = _consumption(settings, request, today)
    elif request.path == "/credits":
        body = _credits(settings, today)
    elif request.path == "/sub-accounts":
        body = _sub_accounts(settings, today)
    else:
        body = _error(-5, "Ressource introuvable", request.path)
    return _numbers_to_text(body) if settings.smsfactor_numbers_as_strings else body


def _error(status: int, message: str, details: str) -> dict[str, Any]:
    return {"status": status, "message": message, "details": details}


def _credits(settings: Settings, today: datetime.date) -> dict[str, Any]:
    standing = world.credits(settings, today)
    if settings.credits_old_shape:
        return {"credits": str(standing.credits), "message": "OK"}
    return {
        "status": 1,
        "message": "OK",
        "credits": str(standing.credits),
        "postpaid": "1" if standing.postpaid else "0",
        "postpaid_limit": False if standing.postpaid_limit is None else standing.postpaid_limit,
        "unlimited": standing.unlimited,
    }


def _sub_accounts(settings: Settings, today: datetime.date) -> dict[str, Any]:
    rows = []
    months = [world.smsfactor_month(settings, day, today) for day in (today, today.replace(day=1) - _ONE_DAY)]
    for account_id, company in world.smsfactor_accounts(settings)[1:]:
        rows.append(
            {
                "client_id": str(account_id),
                "email": f"account{account_id}@example.com",
                "firstname": "Camille",
                "lastname": f"Exemple {account_id}",
                "city": "Villeurbanne",
                "country_code": "FR",
                "lang": "FR",
                "credits": "0",
                "unlimited": "1",
                "description": company,
                "senderid": "",
                "status": "1",
            }
        )
        if not settings.smsfactor_sub_accounts_old_shape:
            current, previous = (month.get(account_id, 0) for month in months)
            consumed = {"current_month_consumption": current, "previous_month_consumption": previous}
            rows[-1] |= {"time_zone": "Europe/Paris", **consumed}
    return {"status": 1, "message": "OK", "sub-accounts": rows}


def _consumption(settings: Settings, request: Request, today: datetime.date) -> dict[str, Any]:
    start = _day(request, "date_start", today - _DEFAULT_DAYS)
    end = _day(request, "date_end", today)
    if start is None or end is None:
        return _error(-7, "Erreur de données", "Le format de la date doit être Y-m-d")
    countries = {code.strip().upper() for code in request.query.get("country", "").split(",") if code.strip()}
    days = _days(settings, start, end, today)
    main, *subs = _shown_accounts(settings, days, today, countries)
    only = request.query.get("sub_account_id")
    if settings.smsfactor_idle_sub_accounts == "left_out":
        subs = [account for account in subs if account.total or account.countries]
    if only:
        subs = [account for account in subs if str(account.account_id) == only]
        if settings.smsfactor_sub_account_filter == "my_account_zero":
            main = main._replace(total=0, countries={})
    shows_main = not only or settings.smsfactor_sub_account_filter != "my_account_vanishes"
    shown = [main, *subs] if shows_main else subs

    total = sum(account.total for account in shown) + settings.smsfactor_total_off_by
    if not only and not countries:
        total += sum(world.smsfactor_kept(settings, day, today) for day in days)
    data: dict[str, Any] = {"total": total} if settings.smsfactor_group_total == "sent" else {}
    data |= _by_country(settings, _merged(account.countries for account in shown))
    if shows_main:
        data["my_account"] = _account(settings, main)
    data |= _by_sub_accounts(settings, [_account(settings, account) for account in subs])
    if settings.smsfactor_fields == "more":
        data["by_channel"] = {"sms": total}
    return {"status": 1, "message": "OK", "data": data}


def _day(request: Request, name: str, default: datetime.date) -> datetime.date | None:
    text = request.query.get(name)
    return parse_day(text) if text else default


def _days(settings: Settings, start: datetime.date, end: datetime.date, today: datetime.date) -> list[datetime.date]:
    """The days that the server counts between the two dates."""
    if settings.smsfactor_day_boundaries in ("start_excluded", "both_excluded"):
        start += _ONE_DAY
    if settings.smsfactor_day_boundaries in ("end_excluded", "both_excluded"):
        end -= _ONE_DAY
    days = [start + datetime.timedelta(days=n) for n in range((min(end, today) - start).days + 1)]
    if most := settings.smsfactor_most_days:
        days = days[-most:] if settings.smsfactor_most_days_are == "newest" else days[:most]
    return days


def _shown_accounts(
    settings: Settings, days: list[datetime.date], today: datetime.date, countries: set[str]
) -> list[_Shown]:
    accounts = world.smsfactor_accounts(settings)
    totals: Counter[int] = Counter()
    maps: dict[int, Counter[str]] = {account_id: Counter() for account_id, _ in accounts}
    for day in days:
        for account in world.smsfactor_day(settings, day, today):
            totals[account.account_id] += account.total
            maps[account.account_id].update(dict(account.countries))
    if countries:
        for account_id, by_country in maps.items():
            maps[account_id] = Counter({code: by_country[code] for code in by_country if code in countries})
        if settings.smsfactor_country_filter_totals:
            totals = Counter({account_id: by_country.total() for account_id, by_country in maps.items()})
    return [_Shown(account_id, company, totals[account_id], dict(maps[account_id])) for account_id, company in accounts]


def _merged(maps: Iterable[dict[str, int]]) -> dict[str, int]:
    merged: Counter[str] = Counter()
    for by_country in maps:
        merged.update(by_country)
    return dict(merged)


def _account(settings: Settings, account: _Shown) -> dict[str, Any]:
    conso = {"total": account.total} | _by_country(settings, account.countries)
    shown: dict[str, Any] = {"account_id": account.account_id, "company": account.company, "conso": conso}
    if settings.smsfactor_fields == "fewer":
        del shown["company"]
    if settings.smsfactor_fields == "more":
        shown |= {"status": "archived", "currency": "EUR"}
    return shown


def _by_country(settings: Settings, countries: dict[str, int]) -> dict[str, Any]:
    if not countries:
        empty: dict[str, Any] = {"list": [], "object": {}, "null": None}
        shape = settings.smsfactor_empty_country_map
        return {} if shape == "missing" else {"by_country": empty[shape]}
    if settings.smsfactor_country_map == "pairs":
        return {"by_country": [{code: units} for code, units in countries.items()]}
    return {"by_country": countries}


def _by_sub_accounts(settings: Settings, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    if not accounts:
        shape = settings.smsfactor_empty_sub_accounts
        return {} if shape == "missing" else {"by_sub_accounts": None if shape == "null" else []}
    if settings.smsfactor_sub_accounts_shape == "keyed":
        return {"by_sub_accounts": {str(account["account_id"]): account for account in accounts}}
    return {"by_sub_accounts": accounts}


def _numbers_to_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers_to_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers_to_text(inner) for inner in value]
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _xml(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_xml(name, item) for item in value)
    if isinstance(value, dict):
        # An element cannot have an empty name: traffic of an unknown country.
        inner = "".join(_xml(key or "unknown", item) for key, item in value.items())
    else:
        inner = "" if value is None or value is False else escape(str(value))
    return f"<{name}>{inner}</{name}>"
