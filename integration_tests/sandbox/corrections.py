"""Corrections: what a provider comes to say of days that it had said something else of.

A correction is a JSON object; see the README for its kinds. They are made in the order of the list, each of what
the ones before it left, and of final figures: what is known of a provisional day is a share of the corrected ones.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .days import parse_day
from .usage import COUNTERS, SEVEN_ACCOUNTS, AccountDay, SevenCell

Correction = Mapping[str, Any]
Cells = Sequence[SevenCell]
Consumption = dict[int, Counter[str]]
"""SMSFactor account -> country -> units; what no country explains is of country `""`."""

_MAIN_ACCOUNTS = ("", "1001")
_EUR_A_MESSAGE = 700


class BadCorrection(ValueError):
    """A correction is refused; the text is a sentence for the caller."""


def check(correction: Correction) -> None:
    """Raises BadCorrection for what is no correction."""
    provider, kind = correction.get("provider"), correction.get("kind")
    may_be_null = ("label", "country") if kind == "charge" else ()
    if not all(type(value) in (str, int) for name, value in correction.items() if name not in may_be_null):
        raise BadCorrection("A correction's values are texts and whole numbers.")
    if provider not in _KINDS:
        raise BadCorrection(f"There is no provider {provider!r} to correct; they are {', '.join(_KINDS)}.")
    if kind not in _KINDS[provider]:
        raise BadCorrection(f"There is no correction {kind!r} of {provider}; they are {', '.join(_KINDS[provider])}.")
    takes = {"provider", "kind", *_KINDS[provider][kind][1]}
    optional = {"totals"} if (provider, kind) == ("smsfactor", "delete") else set()
    if not takes <= correction.keys() <= takes | optional:
        raise BadCorrection(f"Correction {kind} of {provider} takes exactly {', '.join(sorted(takes))}.")
    moves_account = correction.get("field") == "account"
    for name, value in correction.items():
        names_account = name == "account" or (moves_account and name in ("old", "new"))
        if kind == "delete" and value in _MAIN_ACCOUNTS:
            raise BadCorrection(f"The main account of {provider} cannot be deleted.")
        if value is None and name in may_be_null:
            continue
        if not (_is_account(provider, value) if names_account else _fits(provider, name, value)):
            raise BadCorrection(f"Correction {kind} of {provider} does not take {value!r} as {name}.")


def corrected_cells(corrections: Iterable[Correction], day: datetime.date, cells: Cells) -> Cells:
    """A day's final traffic of seven.io as it is after the corrections."""
    own = [correction for correction in corrections if correction["provider"] == "seven"]
    if not own:
        return cells
    for correction in own:
        if correction.get("day") in (None, day.isoformat()):
            cells = _KINDS["seven"][correction["kind"]][0](cells, correction)
    # Only here, or usage that is moved to an account later would not get its new name.
    names: dict[str | None, str | None] = {None: None, **seven_names(own)}
    return tuple(cell._replace(account=names[cell.account_id]) for cell in cells if any(cell[4:]))


def seven_names(corrections: Iterable[Correction]) -> dict[str, str]:
    """The display names of all accounts of seven.io by their id."""
    return dict(SEVEN_ACCOUNTS) | {
        correction["account"]: correction["name"]
        for correction in corrections
        if (correction["provider"], correction["kind"]) == ("seven", "rename")
    }


def corrected_accounts(
    corrections: Iterable[Correction], day: datetime.date, accounts: Sequence[AccountDay]
) -> Sequence[AccountDay]:
    """A day's final consumption of SMSFactor as it is after the corrections; deleted accounts are not in it."""
    made = [
        correction
        for correction in corrections
        if correction["provider"] == "smsfactor" and correction.get("day") in (None, day.isoformat())
    ]
    if not made:
        return accounts
    consumption = {
        account.account_id: Counter(dict(account.countries)) + Counter({"": _unexplained(account)})
        for account in accounts
    }
    for correction in made:
        _KINDS["smsfactor"][correction["kind"]][0](consumption, correction)
    return [
        account._replace(
            total=consumption[account.account_id].total(),
            countries=tuple((code, units) for code, units in consumption[account.account_id].items() if code and units),
        )
        for account in accounts
        if account.account_id in consumption
    ]


def deleted_accounts(corrections: Iterable[Correction]) -> set[int]:
    """The SMSFactor accounts that are listed no more."""
    return {int(correction["account"]) for correction in _deletions(corrections)}


def consumption_kept(
    corrections: Sequence[Correction], day: datetime.date, accounts: Sequence[AccountDay]
) -> list[AccountDay]:
    """What deleted accounts of SMSFactor consumed on a day, where the group total still counts it."""
    kept = []
    for number, correction in enumerate(corrections):
        if correction in _deletions([correction]) and correction.get("totals") == "kept":
            before = corrected_accounts(corrections[:number], day, accounts)
            kept += [account for account in before if account.account_id == int(correction["account"])]
    return kept


def _deletions(corrections: Iterable[Correction]) -> list[Correction]:
    return [each for each in corrections if (each["provider"], each["kind"]) == ("smsfactor", "delete")]


def _is_account(provider: str, value: Any) -> bool:
    if provider == "seven":
        return value in dict(SEVEN_ACCOUNTS)
    return type(value) is str and value.isascii() and value.isdigit()


def _fits(provider: str, name: str, value: Any) -> bool:
    if name == "counter":
        return value in COUNTERS
    if (provider, name) == ("smsfactor", "messages"):
        # A refund is negative.
        return type(value) is int
    if name in ("percent", "messages", "count", "cost"):
        return type(value) is int and value >= 0
    if name == "field":
        return value in ("country", "account") or (provider, value) == ("seven", "label")
    if name == "totals":
        return value in ("kept", "dropped")
    return type(value) is str and (name != "day" or parse_day(value) is not None)


def _unexplained(account: AccountDay) -> int:
    return account.total - sum(units for _, units in account.countries)


def _scale_cells(cells: Cells, correction: Correction) -> Cells:
    return [
        SevenCell(*cell[:4], *(figure * correction["percent"] // 100 for figure in cell[4:]))
        if cell.account_id is not None
        else cell
        for cell in cells
    ]


def _add_cell(cells: Cells, correction: Correction) -> Cells:
    sms = correction["messages"]
    place = (correction["account"], None, correction["label"], correction["country"])
    return [*cells, SevenCell(*place, sms, 0, 0, 0, 0, 0, sms * _EUR_A_MESSAGE)]


def _charge_cell(cells: Cells, correction: Correction) -> Cells:
    counts = (correction["count"] if counter == correction["counter"] else 0 for counter in COUNTERS)
    return [
        *cells,
        SevenCell(correction["account"], None, correction["label"], correction["country"], *counts, correction["cost"]),
    ]


def _move_cells(cells: Cells, correction: Correction) -> Cells:
    field = "account_id" if correction["field"] == "account" else correction["field"]
    return [
        cell._replace(**{field: correction["new"]})
        if getattr(cell, field) == correction["old"] and cell.account_id is not None
        else cell
        for cell in cells
    ]


def _delete_cells(cells: Cells, correction: Correction) -> Cells:
    deleted = [cell for cell in cells if cell.account_id == correction["account"]]
    left = [cell for cell in cells if cell.account_id != correction["account"]]
    if correction["totals"] == "dropped":
        return left
    return [*left, *(cell._replace(account_id=None) for cell in deleted)]


def _scale_consumption(consumption: Consumption, correction: Correction) -> None:
    for by_country in consumption.values():
        for code in by_country:
            by_country[code] = by_country[code] * correction["percent"] // 100


def _add_consumption(consumption: Consumption, correction: Correction) -> None:
    if (account_id := int(correction["account"])) in consumption:
        consumption[account_id][correction["country"]] += correction["messages"]


def _move_consumption(consumption: Consumption, correction: Correction) -> None:
    old, new = correction["old"], correction["new"]
    if correction["field"] == "account":
        if {int(old), int(new)} <= consumption.keys():
            by_country, consumption[int(old)] = consumption[int(old)], Counter()
            # `+=` would leave out what is negative.
            consumption[int(new)].update(by_country)
        return
    for by_country in consumption.values():
        moved = by_country.pop(old, 0)
        by_country[new] += moved


def _delete_consumption(consumption: Consumption, correction: Correction) -> None:
    consumption.pop(int(correction["account"]), None)


_KINDS: Mapping[str, Mapping[str, tuple[Callable[..., Any], Sequence[str]]]] = {
    "seven": {
        "scale": (_scale_cells, ("day", "percent")),
        "add": (_add_cell, ("day", "account", "label", "country", "messages")),
        "charge": (_charge_cell, ("day", "account", "label", "country", "counter", "count", "cost")),
        "move": (_move_cells, ("day", "field", "old", "new")),
        # Names are given last.
        "rename": (lambda cells, _: cells, ("account", "name")),
        "delete": (_delete_cells, ("account", "totals")),
    },
    "smsfactor": {
        "scale": (_scale_consumption, ("day", "percent")),
        "add": (_add_consumption, ("day", "account", "country", "messages")),
        "move": (_move_consumption, ("day", "field", "old", "new")),
        "delete": (_delete_consumption, ("account",)),
    },
}
"""Provider -> kind -> how it is made, and the keys that it takes besides the two."""
