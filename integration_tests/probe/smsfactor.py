"""What the documentation of SMSFactor leaves open, as questions to an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import partial
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.probe.asking import DAY, YEAR, Asker, Question, Untold, Verdict, change, time_zone
from source_sms_providers.smsfactor.check import SETTINGS, prove_day_boundaries

Json = Mapping[str, Any]

NO_ID = "999999999"
BEFORE = ("both_excluded", "start_excluded")
AFTER = ("both_excluded", "end_excluded")


def data(ask: Asker, first: date, last: date, **more: Any) -> Json:
    found: Json = ask.answer("consumption", first, last, **more)["data"]
    return found


def year(ask: Asker, **filters: str) -> Json:
    return data(ask, *ask.last_year, **filters)


def subs(of: Json) -> Sequence[Json]:
    listed = of.get("by_sub_accounts") or ()
    return list(listed.values() if isinstance(listed, Mapping) else listed)


def accounts(of: Json) -> dict[str, Json]:
    """The consumption of each account, by its id."""
    mains = [of["my_account"]] if of.get("my_account") else []
    return {str(account["account_id"]): account["conso"] for account in (*mains, *subs(of))}


def countries(conso: Json) -> dict[str, Decimal]:
    by_country = conso.get("by_country") or {}
    pairs = [by_country] if isinstance(by_country, Mapping) else by_country
    return {code: number(units) for each in pairs for code, units in each.items()}


def number(value: Any) -> Decimal:
    return Decimal(str(value))


def total(of: Json) -> Decimal:
    return number(of["total"])


def all_data(ask: Asker, filtered: bool = True) -> Sequence[Json]:
    return [answer["data"] for answer in ask.answers("consumption", filtered)]


def maps(ask: Asker) -> Iterable[Json]:
    """All that holds, or could hold, a map of countries."""
    return (holder for each in all_data(ask) for holder in (each, *accounts(each).values()))


def the_only(values: Iterable[str], nothing: str) -> str:
    """The value that all are. Raises Untold if there is none, with that reason, or more than one."""
    found = set(values)
    if len(found) != 1:
        raise Untold("it is not the same in all answers" if found else nothing)
    return found.pop()


def shape(holder: Json, name: str) -> str:
    return {list: "list", dict: "object", type(None): "null"}[type(holder[name])] if name in holder else "missing"


def numbers(ask: Asker) -> Verdict:
    if isinstance(year(ask)["total"], str):
        return Verdict("numbers come as texts", True)
    return Verdict("numbers are numbers", False)


def empty_map(ask: Asker) -> Verdict:
    # A day that has not begun has no consumption.
    future = ask.today + 3 * DAY
    data(ask, future, future)
    found = the_only(
        (shape(each, "by_country") for each in maps(ask) if not each.get("by_country")), "no empty map was answered"
    )
    return Verdict(found, found)


def full_map(ask: Asker) -> Verdict:
    year(ask)
    found = the_only(
        (shape(each, "by_country") for each in maps(ask) if each.get("by_country")), "no map with entries was answered"
    )
    name = {"object": "object", "list": "pairs"}[found]
    return Verdict(name, name)


def sub_accounts(ask: Asker) -> Verdict:
    year(ask)
    full = [each for each in all_data(ask) if each.get("by_sub_accounts")]
    found = the_only((shape(each, "by_sub_accounts") for each in full), "there are no sub-accounts")
    name = {"object": "keyed", "list": "list"}[found]
    return Verdict(name, name)


def no_sub_accounts(ask: Asker) -> Verdict:
    year(ask, sub_account_id=NO_ID)
    empty = [each for each in all_data(ask) if not each.get("by_sub_accounts")]
    found = the_only((shape(each, "by_sub_accounts") for each in empty), "sub-accounts are in all answers")
    return Verdict(found, found) if found != "object" else Verdict(found)


def idle_sub_accounts(ask: Asker) -> Verdict:
    year(ask)
    each_answer = [{str(sub["account_id"]): total(sub["conso"]) for sub in subs(each)} for each in all_data(ask, False)]
    ever = {identity for found in each_answer for identity in found}
    seen = {"listed" for found in each_answer if 0 in found.values()}
    seen |= {"left_out" for found in each_answer if ever - found.keys()}
    found = the_only(seen, "no sub-account was idle")
    return Verdict(found, found)


def country_filter(ask: Asker) -> Verdict:
    everything = accounts(year(ask))
    telling = [
        (code, identity)
        for identity, conso in everything.items()
        for code, units in countries(conso).items()
        if len(code) == 2 and code.isascii() and code.isalpha() and 0 < units < total(conso)
    ]
    if not telling:
        raise Untold("no account sent to two countries in the last year")
    code, identity = telling[0]
    filtered = accounts(year(ask, country=code))[identity]
    if set(countries(filtered)) != {code}:
        return Verdict("the filter by country is not honoured")
    if total(filtered) == countries(everything[identity])[code]:
        return Verdict("totals are filtered too", True)
    if total(filtered) == total(everything[identity]):
        return Verdict("totals are not filtered", False)
    return Verdict("totals are something else")


def sub_account_filter(ask: Asker) -> Verdict:
    everything = year(ask)
    ids = [str(sub["account_id"]) for sub in subs(everything) if str(sub["account_id"]).isdigit()]
    if not ids:
        raise Untold("there are no sub-accounts")
    if not total(everything["my_account"]["conso"]):
        raise Untold("the main account has no consumption in the last year")
    only = year(ask, sub_account_id=ids[0])
    if not only.get("my_account"):
        value = "my_account_vanishes"
    elif not total(only["my_account"]["conso"]):
        value = "my_account_zero"
    elif total(only["my_account"]["conso"]) == total(everything["my_account"]["conso"]):
        value = "my_account_stays"
    else:
        return Verdict("my_account is something else")
    return Verdict(value, value)


def unknown_account(ask: Asker) -> Verdict:
    found = subs(year(ask, sub_account_id=NO_ID))
    return Verdict("sub-accounts are answered all the same" if found else "no sub-account is answered")


def group_total(ask: Asker) -> Verdict:
    found = year(ask)
    if total(found) == sum(map(total, accounts(found).values())):
        return Verdict("it is the sum of the accounts", 0)
    # Not by how much: that is an amount.
    return Verdict("it is not the sum of the accounts", 1, "SMSFactor's group total is the sum of its accounts.")


def by_country(ask: Asker) -> Verdict:
    shares = [(sum(countries(conso).values()), total(conso)) for conso in accounts(year(ask)).values()]
    if not any(whole for _, whole in shares):
        raise Untold("no consumption in the last year")
    if any(known > whole for known, whole in shares):
        return Verdict("they are more than the total", disproves="An account's countries are not more than its total.")
    return Verdict("they add up to the total" if all(k == w for k, w in shares) else "they explain less than the total")


def day_boundaries(ask: Asker) -> Verdict:
    last_asked: list[tuple[date, date]] = []

    def consumption(setting: str, first: date, last: date) -> Decimal:
        days = first - DAY * (setting in BEFORE), last + DAY * (setting in AFTER)
        # Who asks the same twice in a row wants to know whether it grew.
        fresh = last_asked == [days]
        last_asked[:] = [days]
        return sum(map(total, accounts(data(ask, *days, fresh=fresh)).values()), Decimal(0))

    for setting in SETTINGS:
        try:
            if prove_day_boundaries(consumption, setting, ask.today - 2 * YEAR, datetime.now(timezone.utc)):
                return Verdict(setting, setting, fits=f"'SMSFactor date range bounds': {setting}")
        except AirbyteTracedException as error:
            if error.failure_type is not FailureType.config_error:
                raise
        else:
            raise Untold("no consumption in the last two years")
    raise Untold(
        "the figures fit none of the settings, or two alike: ask between 0:30 and 21:30 UTC while messages are sent"
    )


def account_fields(ask: Asker) -> Verdict:
    answer = year(ask)
    shown = [each for each in (answer.get("my_account"), *subs(answer)) if each]
    if any("company" not in each for each in shown):
        return Verdict("some accounts have no company", "fewer")
    if any(each.keys() - {"account_id", "company", "conso"} for each in shown):
        return Verdict("some are new", "more")
    return Verdict("those that the connector knows", "all")


def list_of_sub_accounts(ask: Asker) -> Verdict:
    listed = ask.answer("subaccount_credits", ask.today, ask.today)["sub-accounts"]
    if not listed:
        raise Untold("there are no sub-accounts")
    if any("current_month_consumption" in each for each in listed):
        return Verdict("with the consumption of months", False)
    return Verdict("without the consumption of months", True)


def credits_shape(ask: Asker) -> Verdict:
    answer = ask.answer("credits", ask.today, ask.today)
    if "status" not in answer and "postpaid" not in answer:
        return Verdict("the older one, without status", True)
    return Verdict("the documented one", False)


def unit(ask: Asker) -> Verdict:
    around_today = ask.today - DAY, ask.today + 2 * DAY

    def left_and_consumed(fresh: bool) -> tuple[Decimal, Decimal]:
        left = number(ask.answer("credits", ask.today, ask.today, fresh=fresh)["credits"])
        return left, total(data(ask, *around_today, fresh=fresh))

    (left, consumed), (left_now, consumed_now) = left_and_consumed(False), left_and_consumed(True)
    spent, counted = left - left_now, consumed_now - consumed
    if not spent or not counted:
        raise Untold("nothing was sent while the probe ran, or no credits are counted")
    return Verdict(
        "consumption is counted in credits" if spent == counted else "consumption is not the change of credits"
    )


def repeated(ask: Asker) -> Verdict:
    yesterday = ask.today - DAY
    # These hold yesterday whatever the day boundaries are.
    earlier = data(ask, yesterday - DAY, yesterday)
    if not total(earlier):
        raise Untold("yesterday has no consumption")
    return change(earlier, partial(data, ask, yesterday - DAY, yesterday, fresh=True))


def zone(ask: Asker) -> Verdict:
    def used(first: date, last: date, fresh: bool = False) -> Decimal:
        if not fresh and day_boundaries(ask).knob_value not in ("inclusive", "end_excluded"):
            raise Untold("the first day of a range does not count")
        return total(data(ask, first, last, fresh=fresh))

    return time_zone(used, partial(used, fresh=True), ask.today)


QUESTIONS = (
    Question("Numbers", numbers, "smsfactor_numbers_as_strings"),
    Question("The shape of credits", credits_shape, "credits_old_shape"),
    Question("A map with countries", full_map, "smsfactor_country_map"),
    Question("A list with sub-accounts", sub_accounts, "smsfactor_sub_accounts_shape"),
    Question("The list of sub-accounts", list_of_sub_accounts, "smsfactor_sub_accounts_old_shape"),
    Question("The fields of an account", account_fields, "smsfactor_fields"),
    Question("The filter by country", country_filter, "smsfactor_country_filter_totals"),
    Question("The filter by sub-account", sub_account_filter, "smsfactor_sub_account_filter"),
    Question("A sub-account id that is not known", unknown_account),
    Question("The group total", group_total, "smsfactor_total_off_by"),
    Question("The countries of an account", by_country),
    Question("Day boundaries", day_boundaries, "smsfactor_day_boundaries"),
    # These read what the questions before them were answered, too.
    Question("A map without countries", empty_map, "smsfactor_empty_country_map"),
    Question("No sub-accounts", no_sub_accounts, "smsfactor_empty_sub_accounts"),
    Question("Idle sub-accounts", idle_sub_accounts, "smsfactor_idle_sub_accounts"),
    Question("Yesterday, read again", repeated),
    Question("The unit of consumption", unit),
    Question("The time zone of a day", zone),
)
