"""The records that a sync of the sandbox must deliver, worked out from the sandbox's world.

Knows neither the connector's code nor the providers' answer formats, so that a mistake in either shows.
`retrieved_at`, which depends on the clock, is left out of every record.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .sandbox import world
from .sandbox.settings import Settings

_GROUPINGS = {
    "analytics_by_country": ("country", "country"),
    "analytics_by_label": ("label", "label"),
    "analytics_by_subaccount": ("subaccount", "account"),
}
"""Stream -> the grouping, and the field of its rows."""
_Figures = tuple[int, ...]
"""The counters in the order of `COUNTERS`, then the costs in 1/10,000 EUR."""
_HALF_A_CENT = 50


def expected_records(
    settings: Settings,
    config: Mapping[str, Any],
    today: datetime.date,
    first_day: datetime.date,
    last_day: datetime.date,
) -> dict[str, list[dict[str, Any]]]:
    """Stream name -> its records, for report days first_day to last_day, both inclusive.

    Of `config` it reads seven_subaccounts (default all), seven_label, countries and smsfactor_sub_account_id;
    which days a config asks for is the caller's to say.
    """
    return {
        "balance": [{"date": today.isoformat(), "amount": world.balance(settings, today), "currency": "EUR"}],
        "credits": [_credits(settings, today)],
        "pricing": list(_prices(settings, config, today)),
        "subaccount_balances": list(_subaccount_balances(settings, config, today)),
        "subaccount_credits": list(_subaccount_credits(settings, config, today)),
        **daily_records(settings, config, today, first_day, last_day),
    }


def daily_records(
    settings: Settings,
    config: Mapping[str, Any],
    today: datetime.date,
    first_day: datetime.date,
    last_day: datetime.date,
    *,
    with_rest: bool = True,
) -> dict[str, list[dict[str, Any]]]:
    """Of `expected_records`, those of the daily streams; without the rest, groups are as the provider sends them."""
    days = [first_day + datetime.timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    cells = {day: _seven_cells(settings, config, day, today) for day in days}
    rest_until = today if with_rest else first_day
    streams = _daily_records(settings, config, today, days, cells, rest_until)
    if settings.seven_running_day == "left_out":
        streams["analytics"] = [row for row in streams["analytics"] if not row["is_partial"]]
    if settings.seven_counters == "without_rcs":
        # A row of zeros in the place of one that is not sent is none of the provider's.
        opened = settings.account_opened if settings.seven_days_before_account == "left_out" else None
        streams["analytics"] = [
            row if row["date"] < (opened or "") else {**row, "rcs": None} for row in streams["analytics"]
        ]
        for stream in (*_GROUPINGS, "analytics_by_subaccount_and_country"):
            streams[stream] = [{**row, "rcs": None} if _has_usage(row) else row for row in streams[stream]]
    if settings.smsfactor_fields == "fewer":
        streams["consumption"] = [{**row, "company": None} for row in streams["consumption"]]
    return streams


def _daily_records(
    settings: Settings,
    config: Mapping[str, Any],
    today: datetime.date,
    days: Iterable[datetime.date],
    cells: Mapping[datetime.date, list[world.SevenCell]],
    rest_until: datetime.date,
) -> dict[str, list[dict[str, Any]]]:
    return {
        "analytics": [_analytics_row(day, today, {}, _figures(cells[day])) for day in days],
        "consumption": [row for day in days for row in _consumption(settings, config, day, today)],
        **{
            stream: [
                row
                for day in days
                for row in _grouped(settings, day, today, *grouping, cells[day], has_rest=day < rest_until)
            ]
            for stream, grouping in _GROUPINGS.items()
        },
        "analytics_by_subaccount_and_country": [
            row
            for day in days
            for row in _by_account_and_country(settings, config, day, today, cells[day], has_rest=day < rest_until)
        ],
    }


def _has_usage(row: Mapping[str, Any]) -> bool:
    return any(row[figure] for figure in (*world.COUNTERS, "usage_eur"))


def _credits(settings: Settings, today: datetime.date) -> dict[str, Any]:
    """The older answer shape says nothing but the credits."""
    standing = world.credits(settings, today)
    known = not settings.credits_old_shape
    return {
        "date": today.isoformat(),
        "credits": standing.credits,
        "postpaid": standing.postpaid if known else None,
        "postpaid_limit": standing.postpaid_limit if known else None,
        "unlimited": standing.unlimited if known else None,
    }


def _subaccount_balances(
    settings: Settings, config: Mapping[str, Any], today: datetime.date
) -> Iterable[dict[str, Any]]:
    known = settings.seven_subaccounts_shape != "old"
    for account in world.seven_subaccounts(settings, today):
        if (config.get("seven_subaccounts") or "all") in ("all", account.account_id):
            yield {
                "date": today.isoformat(),
                "account_id": account.account_id,
                "username": account.username,
                "company": account.company,
                "balance": world.eur(account.balance) if known else None,
                "total_usage": world.eur(account.total_usage) if known else None,
                "auto_topup_threshold": world.eur(account.threshold) if known else None,
                "auto_topup_amount": world.eur(account.amount) if known else None,
            }


def _subaccount_credits(
    settings: Settings, config: Mapping[str, Any], today: datetime.date
) -> Iterable[dict[str, Any]]:
    known = not settings.smsfactor_sub_accounts_old_shape
    last_month = today.replace(day=1) - datetime.timedelta(days=1)
    months = [world.smsfactor_month(settings, day, today) for day in (today, last_month)]
    for account_id, company in world.smsfactor_accounts(settings)[1:]:
        if str(config.get("smsfactor_sub_account_id") or account_id) == str(account_id):
            current, previous = (month.get(account_id, 0) for month in months)
            yield {
                "date": today.isoformat(),
                "account_id": str(account_id),
                "description": company,
                "credits": 0,
                "unlimited": True,
                "status": "1",
                "country_code": "FR",
                "time_zone": "Europe/Paris" if known else None,
                "current_month_consumption": current if known else None,
                "previous_month_consumption": previous if known else None,
            }


def _prices(settings: Settings, config: Mapping[str, Any], today: datetime.date) -> Iterable[dict[str, Any]]:
    countries = _chosen(config)
    for country in world.price_list(settings, today):
        if countries and country.code not in countries:
            continue
        for network in country.networks:
            yield {
                "date": today.isoformat(),
                "country_code": country.code,
                "country_name": country.name,
                "country_prefix": country.prefix,
                "mcc": network.mcc,
                "mncs": None if network.mncs is None else list(network.mncs),
                "network_name": network.name or "",
                "price": world.eur(network.price),
                "features": list(network.features),
                "comment": network.comment,
            }


def _seven_cells(
    settings: Settings, config: Mapping[str, Any], day: datetime.date, today: datetime.date
) -> list[world.SevenCell]:
    whose = config.get("seven_subaccounts") or "all"
    label = config.get("seven_label") or "all"
    asked = []
    for cell in world.seven_cells(settings, day, today):
        if whose == "only_main" and cell.account_id != "":
            continue
        if whose not in ("all", "only_main") and cell.account_id != whose:
            continue
        if world.seven_knows_label(settings, label) and cell.label != label:
            continue
        if (
            label != "all"
            and not world.seven_knows_label(settings, label)
            and settings.seven_unknown_label == "nothing"
        ):
            continue
        asked.append(cell)
    return asked


def _grouped(
    settings: Settings,
    day: datetime.date,
    today: datetime.date,
    grouping: str,
    field: str,
    cells: list[world.SevenCell],
    has_rest: bool,
) -> list[dict[str, Any]]:
    """One row a group; they add up to the day. One zero row with an empty group says that the day has no usage."""
    groups = dict(world.seven_groups(settings, grouping, cells))
    if has_rest and (rest := _rest(cells, groups.values())):
        groups[""] = _added(groups.get("", _NOTHING), rest)
    return [_analytics_row(day, today, {field: name}, groups[name]) for name in sorted(groups)] or [
        _analytics_row(day, today, {field: ""}, _NOTHING)
    ]


def _rest(cells: list[world.SevenCell], groups: Collection[_Figures]) -> _Figures | None:
    """What the groups of a day leave to its total; None if they are not less than it. Costs may be rounded, by half a
    cent in each row.
    """
    *counts, usage = functools.reduce(_less, groups, _figures(cells))
    if min(counts) < 0 or not (any(counts) or usage > _HALF_A_CENT * len(groups)):
        return None
    return (*counts, max(usage, 0))


def _by_account_and_country(
    settings: Settings,
    config: Mapping[str, Any],
    day: datetime.date,
    today: datetime.date,
    cells: list[world.SevenCell],
    has_rest: bool,
) -> Iterable[dict[str, Any]]:
    """One row an account and country; they add up to the day. A day without usage has a zero row of the account that
    was requested.
    """
    companies = {account.account_id: account.company for account in world.seven_subaccounts(settings, today)}
    whose = config.get("seven_subaccounts") or "all"
    asked = "" if whose in ("all", "only_main") else whose
    # An account that the list lacks cannot be requested.
    accounts = ["", *companies] if whose == "all" else [asked]
    groups = {
        (account, country): figures
        for account in accounts
        for country, figures in world.seven_groups(
            settings, "country", [cell for cell in cells if cell.account_id == account]
        ).items()
    }
    if has_rest and (rest := _rest(cells, groups.values())):
        groups[asked, ""] = _added(groups.get((asked, ""), _NOTHING), rest)
    for account, country in sorted(groups) or [(asked, "")]:
        key = {
            "account_id": account or "main",
            "company": companies.get(account),
            "is_main_account": account == "",
            "country": country,
        }
        yield _analytics_row(day, today, key, groups.get((account, country), _NOTHING))


def _figures(cells: list[world.SevenCell]) -> _Figures:
    return tuple(sum(getattr(cell, name) for cell in cells) for name in (*world.COUNTERS, "usage"))


def _added(one: _Figures, other: _Figures) -> _Figures:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _less(one: _Figures, other: _Figures) -> _Figures:
    return tuple(a - b for a, b in zip(one, other, strict=True))


_NOTHING = _figures([])


def _analytics_row(
    day: datetime.date, today: datetime.date, group: dict[str, Any], figures: _Figures
) -> dict[str, Any]:
    *counts, usage = figures
    return {
        "date": day.isoformat(),
        **group,
        **dict(zip(world.COUNTERS, counts, strict=True)),
        "usage_eur": world.eur(usage),
        "is_partial": day == today,
    }


def _consumption(
    settings: Settings, config: Mapping[str, Any], day: datetime.date, today: datetime.date
) -> Iterable[dict[str, Any]]:
    only_account = config.get("smsfactor_sub_account_id")
    only_countries = _chosen(config)
    found_account = False
    for account in world.smsfactor_day(settings, day, today):
        if only_account and str(account.account_id) != str(only_account):
            continue
        if _is_left_out(settings, account):
            continue
        found_account = True
        for country, units in _by_country(account, only_countries).items():
            yield {
                "date": day.isoformat(),
                "account_id": str(account.account_id),
                "company": account.company,
                "is_main_account": account.is_main,
                "country": country,
                "consumption": units,
                "is_partial": day == today,
            }
    if only_account and not found_account:
        yield {
            "date": day.isoformat(),
            "account_id": str(only_account),
            "company": None,
            "is_main_account": False,
            "country": "",
            "consumption": 0,
            "is_partial": day == today,
        }


def _chosen(config: Mapping[str, Any]) -> list[str]:
    return [code.upper() for code in config.get("countries") or ()]


def _is_left_out(settings: Settings, account: world.AccountDay) -> bool:
    """Whether SMSFactor does not mention the account, which then has no rows."""
    is_idle = not (account.total or account.countries)
    return not account.is_main and settings.smsfactor_idle_sub_accounts == "left_out" and is_idle


def _by_country(account: world.AccountDay, only_countries: list[str] | None) -> dict[str, int]:
    """Country -> units; what no country explains goes to `""`, unless countries were chosen."""
    if only_countries:
        chosen = {country: units for country, units in account.countries if country in only_countries}
        return chosen or {"": 0}
    by_country = dict(account.countries)
    unexplained = account.total - sum(by_country.values())
    if unexplained or not by_country:
        by_country[""] = by_country.get("", 0) + unexplained
    return by_country
