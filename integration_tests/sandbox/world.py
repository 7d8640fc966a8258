"""The data behind both fake providers: pure functions of (settings, day, today).

Both servers answer from these functions, and so do the expected records of the tests. Money is counted in
whole 1/10,000 EUR, so that sums are exact; `eur` writes it as the providers do.

Three kinds of day: complete and final; provisional (`correction_days`), lower than final; today, half of
final. There is no traffic after today. Final figures are those of the seed, with the `corrections`.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import operator
from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import NamedTuple

from .corrections import consumption_kept, corrected_accounts, corrected_cells, deleted_accounts, seven_names
from .days import parse_day
from .prices import Country, Network, price_list
from .settings import Settings
from .usage import COUNTERS, GROUPINGS, PRICES, SEVEN_ACCOUNTS, AccountDay, SevenCell

__all__ = [
    "COUNTERS",
    "SEVEN_ACCOUNTS",
    "SEVEN_LABELS",
    "AccountDay",
    "Country",
    "Credits",
    "Network",
    "SevenCell",
    "Subaccount",
    "balance",
    "credits",
    "eur",
    "price_list",
    "seven_cells",
    "seven_groups",
    "seven_knows_account",
    "seven_knows_label",
    "seven_reports",
    "seven_splits_unlabelled",
    "seven_subaccounts",
    "smsfactor_accounts",
    "smsfactor_day",
    "smsfactor_kept",
    "smsfactor_month",
]

SEVEN_LABELS = ("", "newsletter", "otp", "Rechnung/März", "order-status", "2024")
"""The labels in use; `""` is traffic without a label."""

_SEVEN_COUNTRIES = ("", "DE", "AT", "CH", "FR", "IT", "NL", "US")
_SMSFACTOR_COUNTRIES = ("FR", "BE", "CH", "LU", "DE", "ES", "IT", "GB")
_SMSFACTOR_SUBSIDIARIES = ("Filiale Lyon", "Boutique Genève", "Agence Été/Nord")
_SMSFACTOR_MAIN = 1001
_WHOLE = 1000
"""Shares of a day's final figures are counted in thousandths."""


class Credits(NamedTuple):
    """The SMSFactor account's standing; `postpaid_limit` is None on a prepaid account."""

    credits: int
    postpaid: bool
    postpaid_limit: int | float | None
    unlimited: bool


class Subaccount(NamedTuple):
    """An account in seven.io's list; money in 1/10,000 EUR."""

    account_id: str
    username: str | None
    company: str | None
    balance: int
    total_usage: int
    threshold: int
    amount: int


def eur(units: int) -> int | float:
    """1/10,000 EUR as a JSON number in EUR: at most four decimals, an int when whole."""
    return units // 10_000 if units % 10_000 == 0 else units / 10_000


def seven_cells(settings: Settings, day: datetime.date, today: datetime.date) -> tuple[SevenCell, ...]:
    """All seven.io traffic of a day as known on `today`; every grouping is a sum over these cells."""
    share = _known_share(settings, day, today)
    if share == 0:
        return ()
    final = _final_seven_cells(settings.seed, day, settings.seven_subaccounts, settings.seven_groups == "one")
    if settings.seven_refunds and final and day.day % 3 == 0:
        final = (final[0]._replace(usage=-3 * sum(cell.usage for cell in final)), *final[1:])
    cells = tuple(corrected_cells(settings.corrections, day, final))
    if share == _WHOLE:
        return cells
    known = (SevenCell(*cell[:4], *(figure * share // _WHOLE for figure in cell[4:])) for cell in cells)
    return tuple(cell for cell in known if any(cell[4:]))


def seven_groups(settings: Settings, grouping: str, cells: Iterable[SevenCell]) -> dict[str, tuple[int, ...]]:
    """What a grouping (country, label or subaccount) of some traffic answers: group -> counters and costs."""
    field, left_out = GROUPINGS[grouping], settings.seven_ungrouped.get(grouping, ())
    groups: dict[str, tuple[int, ...]] = {}
    for cell in cells:
        if (group := getattr(cell, field)) is not None:
            figures = _grouped_figures(cell, left_out)
            groups[group] = tuple(map(operator.add, groups[group], figures)) if group in groups else figures
    groups = {group: figures for group, figures in groups.items() if any(figures)}
    if settings.seven_most_groups:
        largest = sorted(groups, key=lambda group: (*(-figure for figure in groups[group]), group))
        groups = {group: groups[group] for group in largest[: settings.seven_most_groups]}
    if settings.seven_group_costs == "cents":
        groups = {group: (*counts, (usage + 50) // 100 * 100) for group, (*counts, usage) in groups.items()}
    return dict(sorted(groups.items()))


def _grouped_figures(cell: SevenCell, left_out: Iterable[str]) -> tuple[int, ...]:
    """The counters and costs of a cell without the counters that a grouping leaves out."""
    if not any(getattr(cell, counter) for counter in left_out):
        return cell[4:]
    counts: dict[str, int] = {counter: getattr(cell, counter) for counter in COUNTERS}
    usage = cell.usage
    for counter in left_out:
        usage -= counts[counter] * PRICES.get(counter, 700)
        counts[counter] = 0
    usage = max(usage, 0) if any(counts.values()) else 0
    return (*counts.values(), min(cell.usage, usage))


def seven_reports(settings: Settings, day: datetime.date, today: datetime.date) -> bool:
    """Whether the grouping by date names the day."""
    if day.isoformat() in settings.seven_days_left_out:
        return False
    if settings.seven_days_reported and (today - day).days > settings.seven_days_reported:
        return False
    if day == today:
        return settings.seven_running_day == "listed"
    opened = parse_day(settings.account_opened or "")
    return settings.seven_days_before_account == "zeros" or opened is None or day >= opened


def seven_subaccounts(settings: Settings, today: datetime.date) -> tuple[Subaccount, ...]:
    """seven.io's list of sub-accounts: the first ones and those that a correction added usage of, but for those that
    were deleted or that the list lacks.
    """
    names = seven_names(settings.corrections)
    ids = _seven_ids(settings, with_deleted=settings.seven_deleted_subaccounts == "listed")
    return tuple(
        _subaccount(settings, account_id, names[account_id], today)
        for account_id in ids
        if account_id not in settings.seven_unlisted
    )


def seven_knows_account(settings: Settings, account_id: str) -> bool:
    """Whether analytics can be filtered by the account of this id; `""` is the main one."""
    return account_id == "" or account_id in _seven_ids(settings)


def seven_knows_label(settings: Settings, label: str) -> bool:
    """Whether analytics can be filtered by this label."""
    return label in SEVEN_LABELS[1:] and label not in settings.seven_labels_gone


def _seven_ids(settings: Settings, *, with_deleted: bool = False) -> list[str]:
    ids = dict.fromkeys(account_id for account_id, _ in SEVEN_ACCOUNTS[1 : settings.seven_subaccounts + 1])
    for each in settings.corrections:
        if (each["provider"], each["kind"]) == ("seven", "delete") and not with_deleted:
            ids.pop(each["account"], None)
        elif each["provider"] == "seven" and each["kind"] in ("add", "charge") and each["account"]:
            ids[each["account"]] = None
    return [*ids]


def seven_splits_unlabelled(settings: Settings, days: Iterable[datetime.date]) -> bool:
    """Whether a by-label answer over these days holds two `""` rows (such an answer was recorded)."""
    return any(Random(f"{settings.seed}:seven:split:{day}").random() < 0.3 for day in days)


def smsfactor_accounts(settings: Settings) -> tuple[tuple[int, str], ...]:
    """(id, company) of the main account, then of the sub-accounts."""
    deleted = deleted_accounts(settings.corrections)
    return tuple(account for account in _smsfactor_accounts_ever(settings) if account[0] not in deleted)


def smsfactor_day(settings: Settings, day: datetime.date, today: datetime.date) -> tuple[AccountDay, ...]:
    """Every SMSFactor account's consumption of a day as known on `today`, the main account first."""
    share = _known_share(settings, day, today)
    final = [_final_smsfactor_account(settings.seed, day, *account) for account in _smsfactor_accounts_ever(settings)]
    return tuple(_known_account(account, share) for account in corrected_accounts(settings.corrections, day, final))


def smsfactor_kept(settings: Settings, day: datetime.date, today: datetime.date) -> int:
    """What the group total of a day counts of accounts that were deleted."""
    share = _known_share(settings, day, today)
    final = [_final_smsfactor_account(settings.seed, day, *account) for account in _smsfactor_accounts_ever(settings)]
    kept = consumption_kept(settings.corrections, day, final)
    return sum(_known_account(account, share).total for account in kept)


def balance(settings: Settings, today: datetime.date) -> int | float:
    """seven.io's balance in EUR, two or three decimals; looks like an error code only by `balance_amount`."""
    if settings.balance_amount is not None:
        return settings.balance_amount
    rng = Random(f"{settings.seed}:seven:balance:{today}")
    cents = rng.randint(20, 899) * 100 + rng.randint(1, 9) * 11
    return cents / 100 if rng.random() < 0.5 else (cents * 10 + rng.randint(1, 9)) / 1000


def credits(settings: Settings, today: datetime.date) -> Credits:
    """SMSFactor's remaining credits."""
    left = Random(f"{settings.seed}:smsfactor:credits:{today}").randint(100, 60_000)
    if settings.postpaid_limit is False:
        return Credits(left, False, None, False)
    return Credits(left, True, settings.postpaid_limit, False)


def smsfactor_month(settings: Settings, last: datetime.date, today: datetime.date) -> dict[int, int]:
    """Each SMSFactor account's consumption of the month that the day is in."""
    totals: dict[int, int] = {}
    for number in range(1, 32):
        with contextlib.suppress(ValueError):
            for account in smsfactor_day(settings, last.replace(day=number), today):
                totals[account.account_id] = totals.get(account.account_id, 0) + account.total
    return totals


def _subaccount(settings: Settings, account_id: str, company: str, today: datetime.date) -> Subaccount:
    rng = Random(f"{settings.seed}:seven:subaccount:{account_id}")
    username = f"user{account_id}" if rng.random() < 0.5 else None
    used, left = rng.randint(1, 9_999) * 100, Random(f"{settings.seed}:{account_id}:{today}").randint(0, 99_999) * 100
    limits = rng.randint(1, 9) * 10_000, rng.randint(1, 50) * 10_000
    if account_id in settings.seven_unnamed:
        return Subaccount(account_id, None, None, left, used, *limits)
    return Subaccount(account_id, username, company, left, used, *limits)


def _smsfactor_accounts_ever(settings: Settings) -> tuple[tuple[int, str], ...]:
    """(id, company) of all accounts, those that were deleted too."""
    names = [
        *_SMSFACTOR_SUBSIDIARIES,
        *(f"Filiale {n}" for n in range(4, settings.smsfactor_sub_accounts + 1)),
    ]
    subsidiaries = names[: settings.smsfactor_sub_accounts]
    return ((_SMSFACTOR_MAIN, "Sandbox SARL"), *((2001 + n, name) for n, name in enumerate(subsidiaries)))


def _known_account(final: AccountDay, share: int) -> AccountDay:
    countries = tuple((code, known) for code, units in final.countries if (known := units * share // _WHOLE))
    unexplained = (final.total - sum(units for _, units in final.countries)) * share // _WHOLE
    return final._replace(total=sum(units for _, units in countries) + unexplained, countries=countries)


def _known_share(settings: Settings, day: datetime.date, today: datetime.date) -> int:
    """How many thousandths of a day's final figures are known on `today`; 0 where there is no traffic."""
    age = (today - day).days
    opened = parse_day(settings.account_opened) if settings.account_opened else None
    if age < 0 or settings.activity == "dormant" or (opened is not None and day < opened):
        return 0
    if settings.activity == "weekday" and day.weekday() >= 5:
        return 0
    if settings.activity == "seasonal" and day.month not in (6, 7, 8):
        return 0
    if age <= settings.correction_days:
        # Today, at age 0, is always among them: half.
        return 500 + 450 * age // (settings.correction_days + 1)
    return _WHOLE


@lru_cache(maxsize=4096)
def _final_seven_cells(seed: int, day: datetime.date, subaccounts: int, of_one_group: bool) -> tuple[SevenCell, ...]:
    rng = Random(f"{seed}:seven:{day}")
    if rng.random() < 0.12:
        return ()
    if of_one_group:
        return (SevenCell(*SEVEN_ACCOUNTS[0], "", "DE", *_final_seven_figures(rng)),)
    active = [account for account in SEVEN_ACCOUNTS[: subaccounts + 1] if rng.random() < 0.8]
    places = list(itertools.product(active, SEVEN_LABELS, _SEVEN_COUNTRIES))
    used = rng.sample(places, min(len(places), rng.randint(5, 30)))
    return tuple(SevenCell(*account, label, country, *_final_seven_figures(rng)) for account, label, country in used)


def _final_seven_figures(rng: Random) -> tuple[int, ...]:
    sms = rng.randint(1, 400)
    rare = [rng.randint(1, most) if rng.random() < chance else 0 for most, chance in _RARE_COUNTERS]
    rcs, voice, hlr, mnp, _inbound = rare
    others = {"rcs": rcs, "voice": voice, "hlr": hlr, "mnp": mnp}
    usage = sms * rng.randint(590, 810) + sum(count * PRICES[counter] for counter, count in others.items())
    return (sms, *rare, usage)


_RARE_COUNTERS = ((150, 0.25), (20, 0.15), (60, 0.15), (30, 0.1), (40, 0.2))
"""(most, chance) of rcs, voice, hlr, mnp, inbound in a cell."""


@lru_cache(maxsize=16384)
def _final_smsfactor_account(seed: int, day: datetime.date, account_id: int, company: str) -> AccountDay:
    idle = AccountDay(account_id, company, account_id == _SMSFACTOR_MAIN, 0, ())
    if Random(f"{seed}:smsfactor:{day}").random() < 0.1:
        return idle
    rng = Random(f"{seed}:smsfactor:{day}:{account_id}")
    if rng.random() < 0.2:
        return idle
    codes = rng.sample(_SMSFACTOR_COUNTRIES, rng.randint(1, 5)) + ([""] if rng.random() < 0.15 else [])
    countries = tuple((code, rng.randint(1, 900)) for code in codes)
    unexplained = rng.randint(2, 25) if rng.random() < 0.25 else 0
    return idle._replace(total=sum(units for _, units in countries) + unexplained, countries=countries)
