"""The knobs of the sandbox: what the fake accounts hold and which of the possible servers it plays."""

from __future__ import annotations

import datetime
import math
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .corrections import BadCorrection, check
from .days import parse_day
from .usage import COUNTERS, GROUPINGS, MOST_SUBACCOUNTS

SEVEN_KEY = "sandbox-seven-key-6f1d2c3b4a59"
SMSFACTOR_TOKEN = "sandbox-smsfactor-token-eyJhbGciOi.J9a8b7c6"


_NOT_NEGATIVE = (
    *("latency", "correction_days", "smsfactor_sub_accounts", "seven_most_days", "seven_subaccounts"),
    *("seven_days_reported", "seven_most_groups", "smsfactor_most_days"),
)


class BadKnob(ValueError):
    """A knob is unknown or its value is refused; the text is a sentence for the caller."""


@dataclass(frozen=True)
class Settings:
    """All knobs, with the values of a fresh sandbox. Every value can be set as JSON."""

    seed: int = 7
    """Chooses the world: the same seed and date always give the same figures."""

    today: str | None = None
    """YYYY-MM-DD taken for the current day; null = the real date in UTC, read at each request."""

    latency: int | float = 0
    """Seconds that every provider answer waits before it is sent."""

    activity: Literal["busy", "weekday", "seasonal", "dormant"] = "busy"
    """busy: traffic on most days, some days idle altogether or for single accounts; weekday: the same, with
    none on Saturdays and Sundays; seasonal: with none but from June to August; dormant: none ever."""

    seven_groups: Literal["many", "one"] = "many"
    """one: all traffic of seven.io is of the main account, without label and to Germany, but for corrections."""

    correction_days: int = 0
    """For this many complete days before today the figures are provisional: lower than the final ones."""

    account_opened: str | None = None
    """YYYY-MM-DD before which there is no traffic (rows of zeros are still returned); null = always open."""

    corrections: tuple[Mapping[str, Any], ...] = ()
    """What the providers say of days other than at first, in the order in which they came to say it."""

    balance_amount: int | float | None = None
    """EUR that seven.io's balance shows, e.g. 900 to look like an error code; null = from the world."""

    seven_keys: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {SEVEN_KEY: ("balance", "pricing", "analytics", "subaccounts")}
    )
    """seven.io key -> the endpoints it may call; any other endpoint answers 902."""

    seven_ip_refused: bool = False
    """The caller's IP is not on the key's allow-list: everything answers 903."""

    seven_default_window_on_bad_dates: bool = True
    """true: a date that seven.io cannot read is ignored and the last 30 days are answered (as recorded);
    false: it answers error 308."""

    seven_error_shape: Literal["bare", "error_code", "code", "success"] = "bare"
    """How an error code is written in JSON: by itself, or as a field of an object."""

    seven_days_before_account: Literal["zeros", "left_out"] = "zeros"
    """What the grouping by date answers for days before `account_opened`: undocumented."""

    seven_running_day: Literal["listed", "left_out"] = "listed"
    """Whether the grouping by date names the running day: undocumented."""

    seven_most_days: int = 0
    """Of a longer range only so many days are answered; 0 = of all."""

    seven_most_days_are: Literal["newest", "oldest"] = "newest"
    """Which days of a range that is longer than `seven_most_days` are answered."""

    seven_days_reported: int = 0
    """The grouping by date knows today and so many days before it, wherever older days are requested; 0 = all days."""

    seven_days_left_out: tuple[str, ...] = ()
    """Days (YYYY-MM-DD) that the grouping by date leaves out."""

    seven_most_groups: int = 0
    """A grouping by country, label or subaccount answers its largest groups only, this many; 0 = all groups."""

    seven_ungrouped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Grouping (country, label or subaccount) -> the counters that it leaves out, with their costs: they belong to
    none of its groups. The grouping by date still counts them."""

    seven_group_costs: Literal["exact", "cents"] = "exact"
    """cents: the groupings by country, label and subaccount round costs to cents, the grouping by date does not."""

    seven_counters: Literal["all", "without_rcs", "one_more"] = "all"
    """Which counters a row has: `rcs` is missing, as in 2022, or there is one that nobody knows yet."""

    seven_refunds: bool = False
    """On some days something is paid back, so that usage_eur is negative."""

    seven_numbers_as_strings: bool = False
    """seven.io writes counters, amounts and prices as JSON strings."""

    seven_subaccounts: int = 3
    """How many sub-accounts seven.io has; the more of them, the fewer of them use anything on a day."""

    seven_unlisted: tuple[str, ...] = ()
    """The ids of sub-accounts that the list lacks."""

    seven_unnamed: tuple[str, ...] = ()
    """The ids of sub-accounts that the list shows without a name."""

    seven_deleted_subaccounts: Literal["unlisted", "listed"] = "unlisted"
    """Whether the list still shows sub-accounts that a correction deleted."""

    seven_unknown_id: Literal["nothing", "everything"] = "nothing"
    """What analytics answer for the id of a sub-account that does not exist, or was deleted: undocumented."""

    seven_unknown_label: Literal["everything", "nothing"] = "everything"
    """What analytics answer for a label that does not exist: undocumented."""

    seven_labels_gone: tuple[str, ...] = ()
    """Labels that do not exist any more when analytics are filtered by them."""

    seven_subaccounts_shape: Literal["texts", "numbers", "old"] = "texts"
    """The list of sub-accounts with numbers as texts (as recorded), as numbers, or with id and names only."""

    smsfactor_tokens: tuple[str, ...] = (SMSFACTOR_TOKEN,)
    """The bearer tokens that SMSFactor accepts."""

    smsfactor_day_boundaries: Literal["inclusive", "end_excluded", "both_excluded", "start_excluded"] = "inclusive"
    """Which of the days date_start and date_end belong to the range: undocumented."""

    smsfactor_most_days: int = 0
    """Of a longer range only so many days are counted; 0 = all of them."""

    smsfactor_most_days_are: Literal["newest", "oldest"] = "newest"
    """Which days of a range that is longer than `smsfactor_most_days` are counted."""

    smsfactor_empty_country_map: Literal["list", "object", "null", "missing"] = "list"
    """How an empty by_country is written; a PHP backend probably writes []."""

    smsfactor_country_map: Literal["object", "pairs"] = "object"
    """How a by_country with entries is written: one object, or a list of one-pair objects."""

    smsfactor_sub_accounts_shape: Literal["list", "keyed"] = "list"
    """by_sub_accounts as a list, or as an object keyed by account id."""

    smsfactor_empty_sub_accounts: Literal["list", "null", "missing"] = "list"
    """How by_sub_accounts is written when no account is in it."""

    smsfactor_sub_accounts: int = 3
    """How many sub-accounts SMSFactor has."""

    smsfactor_sub_accounts_old_shape: bool = False
    """/sub-accounts without the time zone and the consumption of months, as in older pages."""

    smsfactor_idle_sub_accounts: Literal["listed", "left_out"] = "listed"
    """Whether a sub-account whose figures in the answer would all be zero is in by_sub_accounts."""

    smsfactor_country_filter_totals: bool = True
    """Whether `country` filters the totals as well as by_country."""

    smsfactor_sub_account_filter: Literal["my_account_stays", "my_account_vanishes", "my_account_zero"] = (
        "my_account_stays"
    )
    """What `sub_account_id` does to my_account: undocumented."""

    smsfactor_numbers_as_strings: bool = False
    """SMSFactor writes every number of an answer as a string."""

    smsfactor_fields: Literal["all", "fewer", "more"] = "all"
    """fewer: accounts have no company; more: accounts and answers have fields that nobody knows yet."""

    smsfactor_group_total: Literal["sent", "missing"] = "sent"
    """Whether an answer has data.total."""

    smsfactor_total_off_by: int = 0
    """Added to data.total, so that the accounts no longer add up to it."""

    credits_old_shape: bool = False
    """/credits answers the older object: credits and message only, without a status."""

    postpaid_limit: int | float | Literal[False] = False
    """The SMSFactor account is postpaid with this limit; false = prepaid."""

    def __post_init__(self) -> None:
        for knob, hint in get_type_hints(Settings).items():
            value = getattr(self, knob)
            if not _fits(value, hint):
                raise BadKnob(f"Knob {knob} does not take {value!r}; it takes {_in_words(hint)}.")
        for knob in ("today", "account_opened"):
            value = getattr(self, knob)
            if value is not None and parse_day(value) is None:
                raise BadKnob(f"Knob {knob} does not take {value!r}; it takes a date written YYYY-MM-DD.")
        for knob in _NOT_NEGATIVE:
            if getattr(self, knob) < 0:
                raise BadKnob(f"Knob {knob} must not be negative.")
        for day in self.seven_days_left_out:
            if parse_day(day) is None:
                raise BadKnob(f"Knob seven_days_left_out does not take {day!r}; it takes dates written YYYY-MM-DD.")
        for grouping, counters in self.seven_ungrouped.items():
            if grouping not in GROUPINGS or not set(counters) <= set(COUNTERS):
                raise BadKnob("Knob seven_ungrouped takes counters of the groupings " + ", ".join(GROUPINGS) + ".")
        if self.seven_subaccounts > MOST_SUBACCOUNTS:
            raise BadKnob(f"Knob seven_subaccounts must not be above {MOST_SUBACCOUNTS}.")
        try:
            for correction in self.corrections:
                check(correction)
        except BadCorrection as refused:
            raise BadKnob(str(refused)) from None

    def with_knobs(self, knobs: Mapping[str, Any]) -> Settings:
        """A copy with these knobs (JSON values); raises BadKnob if one is unknown or its value refused."""
        known = {knob.name for knob in fields(self)}
        for name in knobs:
            if name not in known:
                raise BadKnob(f"There is no knob {name!r}; the knobs are {', '.join(sorted(known))}.")
        return replace(self, **{name: _frozen(value) for name, value in knobs.items()})

    def as_json(self) -> dict[str, Any]:
        """The knobs as a JSON object that `with_knobs` takes back."""
        return asdict(self)

    def today_date(self) -> datetime.date:
        """The day that the servers take for today."""
        if self.today is not None:
            return datetime.date.fromisoformat(self.today)
        return datetime.datetime.now(datetime.timezone.utc).date()


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return value


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in inner)
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in inner)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, inner[0]) for item in value)
    if origin is Mapping:
        parts = ((value, inner[0]), (value.values(), inner[1])) if isinstance(value, dict) else ()
        return bool(parts) and all(_fits(item, part) for items, part in parts for item in items)
    if hint is Any:
        return True
    if hint is float:
        return type(value) is float and math.isfinite(value)
    return type(value) is hint


def _in_words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_in_words(option) for option in inner))
    if origin is Literal:
        return ", ".join("false" if option is False else repr(option) for option in inner)
    if origin is tuple:
        return "a list of texts" if inner[0] is str else "a list of objects"
    if origin is Mapping:
        return "an object of lists of texts"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}.get(hint, "null")
