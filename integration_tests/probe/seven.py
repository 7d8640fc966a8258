"""What the documentation of seven.io leaves open, as questions to an account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from integration_tests.probe.asking import DAY, YEAR, Asker, Question, Untold, Verdict, change, time_zone

Row = Mapping[str, Any]

COUNTERS = frozenset({"sms", "rcs", "voice", "hlr", "mnp", "inbound", "usage_eur"})
GROUP_FIELDS = {"country": "country", "label": "label", "subaccount": "account"}
NO_LABEL = "probe-3f9c1d72-no-such-label"
NO_ID = "999999999999"


def rows(ask: Asker, group: str = "date", **parameters: Any) -> Sequence[Row]:
    """The rows of the last year."""
    return list(ask.answer("analytics", *ask.last_year, group_by=group, **{"subaccounts": "all", **parameters}))


def usage(of: Sequence[Row]) -> dict[str, Decimal]:
    """Each counter's sum."""
    return {name: sum((Decimal(str(row.get(name, 0))) for row in of), Decimal(0)) for name in sorted(COUNTERS)}


def used(ask: Asker, **parameters: Any) -> dict[str, Decimal]:
    found = usage(rows(ask, **parameters))
    if not any(found.values()):
        raise Untold("no usage in the last year")
    return found


def numbers(ask: Asker) -> Verdict:
    amount = ask.answer("balance", ask.today, ask.today)["amount"]
    return Verdict("numbers come as texts", True) if isinstance(amount, str) else Verdict("numbers are numbers", False)


def bad_dates(ask: Asker) -> Verdict:
    if ask.refuses("analytics", f"{ask.today.year}-02-31", f"{ask.today.year}-02-31"):
        return Verdict("a date that does not exist is refused", False)
    return Verdict("a date that does not exist is ignored", True)


def zero_days(ask: Asker) -> Verdict:
    named = {row["date"] for row in rows(ask)}
    first, last = ask.last_year
    days = [str(first + n * DAY) for n in range((last - first).days + 1)]
    missing = [day for day in days if day not in named]
    if not missing:
        return Verdict("each day of the last year is named, days without usage too")
    if not named:
        return Verdict("no day is named", disproves="seven.io names days without usage.")
    if max(missing) < min(named):
        return Verdict("the oldest days of the last year are left out, and all after them are named")
    if min(missing) > max(named):
        return Verdict("the newest days of the last year are left out, and all before them are named")
    return Verdict("days in between are left out", disproves="seven.io names days without usage.")


def running_day(ask: Asker) -> Verdict:
    named = [row["date"] for row in ask.answer("analytics", ask.today, ask.today)]
    if named == [str(ask.today)]:
        return Verdict("it is named", "listed")
    return Verdict("it is not named", "left_out")


def range_cap(ask: Asker) -> Verdict:
    named, left_out = _three_years(ask)
    if not left_out:
        return Verdict("three years are answered whole", 0)
    if _is_cut(ask, left_out):
        return Verdict(
            "three years are cut: a day that they lack is named when it is asked for alone", len(named) or None
        )
    return Verdict("three years lack days that are not named alone either: before the account's first one, or idle")


def days_of_a_capped_range(ask: Asker) -> Verdict:
    named, left_out = _three_years(ask)
    if not named or not _is_cut(ask, left_out):
        raise Untold("three years are not cut, or hold no day")
    if max(left_out) < min(named):
        return Verdict("the newest days are answered", "newest")
    return Verdict("the oldest days are answered", "oldest")


def _three_years(ask: Asker) -> tuple[list[str], list[str]]:
    """The days that an answer for three years names, and those that it leaves out."""
    first, last = ask.today - 3 * YEAR, ask.today - 2 * DAY
    named = [row["date"] for row in ask.answer("analytics", first, last)]
    days = [str(first + n * DAY) for n in range((last - first).days + 1)]
    return named, [day for day in days if day not in named]


def _is_cut(ask: Asker, left_out: Sequence[str]) -> bool:
    ends = [date.fromisoformat(day) for day in dict.fromkeys((*left_out[:1], *left_out[-1:]))]
    return any(ask.answer("analytics", day, day) for day in ends)


def before_the_account(ask: Asker) -> Verdict:
    used(ask)
    if _is_cut(ask, _three_years(ask)[1]):
        raise Untold("a range is cut")
    found = ask.answer("analytics", date(2000, 1, 1), date(2000, 12, 31))
    if any(usage(found).values()):
        raise Untold("the account is older than 2000")
    if found:
        return Verdict("the days of 2000 are named, without usage", "zeros")
    return Verdict("the days of 2000 are not named", "left_out")


def spellings(ask: Asker) -> Verdict:
    of_path = ask.answer("analytics", *ask.last_year, path="/date", group_by=None, subaccounts="all")
    alike = list(of_path) == rows(ask)
    return Verdict("/analytics/date and ?group_by=date answer alike" if alike else "the two spellings answer otherwise")


def unknown_label(ask: Asker) -> Verdict:
    return _unknown(usage(rows(ask, label=NO_LABEL)), used(ask))


def unknown_account(ask: Asker) -> Verdict:
    return _unknown(usage(rows(ask, subaccounts=NO_ID)), used(ask))


def _unknown(found: Mapping[str, Decimal], everything: Mapping[str, Decimal]) -> Verdict:
    if not any(found.values()):
        return Verdict("nothing is answered")
    return Verdict("everything is answered" if found == everything else "something, but not everything, is answered")


def label_filter(ask: Asker) -> Verdict:
    used(ask)
    # The connector fills in templates: a label that could be one is not asked for.
    labels = {row["label"] for row in rows(ask, "label") if "{" not in row["label"]}
    if len(labels - {"", "all"}) < 2:
        raise Untold("there are not two labels to tell apart")
    wanted = min(labels - {"", "all"})
    found = {row["label"] for row in rows(ask, "label", label=wanted)}
    if found == {wanted}:
        return Verdict("only the usage of that label is answered")
    return Verdict("more or less than that label is answered", disproves="The setting 'seven.io label' is honoured.")


def default_accounts(ask: Asker) -> Verdict:
    everything, default = used(ask), usage(rows(ask, subaccounts=None))
    main = usage(rows(ask, subaccounts="only_main"))
    if everything == main:
        raise Untold("there is no usage of subaccounts")
    return Verdict("without the parameter the main account is answered" if default == main else "not the main account")


def adds_up(group: str) -> Callable[[Asker], Verdict]:
    def read(ask: Asker) -> Verdict:
        total, parts = used(ask), usage(rows(ask, group))
        if parts == total:
            return Verdict("it adds up to the totals by date")
        return Verdict(
            "it does not add up to the totals by date", disproves=f"The grouping by {group} adds up to the totals."
        )

    return read


def twice(ask: Asker) -> Verdict:
    found = [[row[name] for row in rows(ask, group)] for group, name in GROUP_FIELDS.items()]
    if not any(found):
        raise Untold("no usage in the last year")
    several = any(len(names) != len(set(names)) for names in found)
    return Verdict("a group comes in several rows" if several else "each group comes in one row")


def counters(ask: Asker) -> Verdict:
    names = [row.keys() - {"date"} for row in rows(ask)]
    if not names:
        raise Untold("no day is named")
    lacking, more = any(COUNTERS - each for each in names), any(each - COUNTERS for each in names)
    if not lacking and not more:
        return Verdict("those that the connector knows", "all")
    if all(COUNTERS - each == {"rcs"} for each in names) and not more:
        return Verdict("rcs is missing", "without_rcs")
    value = "one_more" if not lacking and all(len(each - COUNTERS) == 1 for each in names) else None
    which = " and ".join(text for text, there in (("some are missing", lacking), ("some are new", more)) if there)
    return Verdict(which, value, disproves="seven.io sends the counters that the connector knows.")


def refunds(ask: Asker) -> Verdict:
    costs = [Decimal(str(row["usage_eur"])) for row in rows(ask)]
    if any(cost < 0 for cost in costs):
        return Verdict("a day's costs can be negative", True)
    if sum(cost > 0 for cost in costs) < 30:
        raise Untold("fewer than thirty days of the last year have costs")
    return Verdict("no day of the last year has negative costs", False)


def error_shape(ask: Asker) -> Verdict:
    answer = ask.answer_to_nobody("balance")
    if not isinstance(answer, Mapping):
        return Verdict("a key that does not exist gets a bare code", "bare")
    for field in ("error_code", "code", "success"):
        if answer.get(field) not in (None, True, False):
            return Verdict(f"a key that does not exist gets an object with a code as {field}", field)
    return Verdict("a key that does not exist gets an object without a code")


def list_of_subaccounts(ask: Asker) -> Verdict:
    listed = ask.answer("subaccount_balances", ask.today, ask.today)
    if not listed:
        raise Untold("there are no subaccounts")
    if "balance" not in listed[0]:
        return Verdict("ids and names only", "old")
    if isinstance(listed[0]["balance"], str):
        return Verdict("with balances, as texts", "texts")
    return Verdict("with balances, as numbers", "numbers")


def repeated(ask: Asker) -> Verdict:
    yesterday = ask.today - DAY
    earlier = ask.answer("analytics", yesterday, yesterday)
    if not any(usage(earlier).values()):
        raise Untold("yesterday has no usage")
    return change(earlier, partial(ask.answer, "analytics", yesterday, yesterday, fresh=True))


def zone(ask: Asker) -> Verdict:
    def used(first: date, last: date, fresh: bool = False) -> Decimal:
        return usage(ask.answer("analytics", first, last, fresh=fresh))["sms"]

    return time_zone(used, partial(used, fresh=True), ask.today)


QUESTIONS = (
    Question("Numbers", numbers, "seven_numbers_as_strings"),
    Question("The shape of an error", error_shape, "seven_error_shape"),
    Question("The list of subaccounts", list_of_subaccounts, "seven_subaccounts_shape"),
    Question("Dates that do not exist", bad_dates, "seven_default_window_on_bad_dates"),
    Question("Days without usage", zero_days),
    Question("The running day", running_day, "seven_running_day"),
    Question("A cap on the range", range_cap, "seven_most_days"),
    Question("The days of a range that is cut", days_of_a_capped_range, "seven_most_days_are"),
    Question("Days before the account", before_the_account, "seven_days_before_account"),
    Question("The two spellings of the endpoint", spellings),
    Question("A label that is not known", unknown_label),
    Question("A subaccount id that is not known", unknown_account),
    Question("The filter by label", label_filter),
    Question("The default of subaccounts", default_accounts),
    *(Question(f"The grouping by {group}", adds_up(group)) for group in GROUP_FIELDS),
    Question("Rows of one group", twice),
    Question("Counters of a row", counters, "seven_counters"),
    Question("Refunds", refunds, "seven_refunds"),
    Question("Yesterday, read again", repeated),
    Question("The time zone of a day", zone),
)
