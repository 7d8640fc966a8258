"""SMSFactor's answers as records (https://dev.smsfactor.com: GET /credits, /metrics/consumption and /sub-accounts)."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.config import countries_of
from source_sms_providers.parsing import REPLACEMENT, FieldReader, exact, plain

LOGGER = logging.getLogger("airbyte")

PROVIDER = "SMSFactor"
FIELDS_OF_AN_ANSWER = {"status", "message", "details", "data"}
FIELDS_OF_DATA = {"total", "by_country", "my_account", "by_sub_accounts"}
FIELDS_OF_AN_ACCOUNT = {"account_id", "company", "conso"}
FIELDS_OF_CONSO = {"total", "by_country"}
FIELDS_OF_CREDITS = {"status", "message", "details", "credits", "postpaid", "postpaid_limit", "unlimited"}


@dataclass
class SmsfactorExtractor(RecordExtractor):
    """What the extractors of SMSFactor share. `extract_records` raises AirbyteTracedException for an
    answer that is not what the API promises, before the first record leaves it.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]

    def selects(self, account: str) -> bool:
        """Whether the settings select the account of this id."""
        only: str = self.config.get("smsfactor_sub_account_id", account)
        return account == only


class CreditsExtractor(SmsfactorExtractor):
    """`{"credits": "44690", "postpaid": "0", "postpaid_limit": false, "unlimited": false}` as one record.
    An older shape has only `credits`; what is not there, or says what is not known, is null, with a warning. Credits
    themselves may be missing only where the account is said to be postpaid or unlimited.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        read = FieldReader(PROVIDER, response)
        answer = read.mapping(response.json(), "the answer")
        read.warn_of_unknown(answer, FIELDS_OF_CREDITS, "credits")
        postpaid = self._said(read, answer, "postpaid", read.flag)
        unlimited = self._said(read, answer, "unlimited", read.flag)
        now = datetime.now(timezone.utc)
        yield {
            "date": now.date().isoformat(),
            "credits": self._credits(read, answer, has_no_end=bool(postpaid or unlimited)),
            "postpaid": postpaid,
            "postpaid_limit": self._said(read, answer, "postpaid_limit", read.number),
            "unlimited": unlimited,
            "retrieved_at": now.isoformat(timespec="seconds"),
        }

    def _credits(self, read: FieldReader, answer: Mapping[str, Any], has_no_end: bool) -> int | float | None:
        if has_no_end and answer.get("credits") is None:
            read.warn_of_missing("credits", "credits")
            return None
        return read.number(read.field(answer, "credits", "the answer"), "credits")

    def _said(self, read: FieldReader, answer: Mapping[str, Any], name: str, form: Callable[[Any, str], Any]) -> Any:
        """What describes the account besides its credits."""
        value = read.optional(answer, name, "credits")
        if value is None or (name == "postpaid_limit" and (value is False or value == "")):
            # Of a limit, false says that there is none.
            return None
        try:
            return form(value, name)
        except AirbyteTracedException:
            LOGGER.warning(
                "SMSFactor sends an unknown '%s': the column stays empty. Update the connector.",
                name,
            )
            return None


class SubaccountCreditsExtractor(SmsfactorExtractor):
    """The list of sub-accounts as one record for each that the settings select. What an older shape lacks is null.

    Names, e-mails and places of persons, which the list holds too, are not read.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        read = FieldReader(PROVIDER, response)
        answer = read.mapping(response.json(), "the answer")
        now = datetime.now(timezone.utc)
        records: dict[str, dict[str, Any]] = {}
        for account in sub_accounts(read, read.field(answer, "sub-accounts", "the answer")):
            identity = account_id(read, account, "client_id")
            if identity in records:
                read.refuse("a sub-account is listed twice")
            records[identity] = {
                "date": now.date().isoformat(),
                "account_id": identity,
                "description": read.optional_text(account.get("description"), "description"),
                "credits": read.optional_number(account, "credits"),
                "unlimited": None if account.get("unlimited") is None else read.flag(account["unlimited"], "unlimited"),
                "status": None if account.get("status") is None else id_text(read, account["status"], "status"),
                "country_code": read.optional_text(account.get("country_code"), "country_code"),
                "time_zone": read.optional_text(account.get("time_zone"), "time_zone"),
                "current_month_consumption": read.optional_number(account, "current_month_consumption"),
                "previous_month_consumption": read.optional_number(account, "previous_month_consumption"),
                "retrieved_at": now.isoformat(timespec="seconds"),
            }
        return [record for identity, record in records.items() if self.selects(identity)]


class Consumption(NamedTuple):
    """What one response says of the days that were requested.

    Attributes:
        accounts: (id, company, whether it is the main account, consumption by country) of each listed account
        of_accounts: the sum of the listed accounts
        total: the group total; None if it is not sent
    """

    accounts: Sequence[tuple[str, str | None, bool, Mapping[str, Decimal]]]
    of_accounts: Decimal
    total: Decimal | None


class ConsumptionExtractor(SmsfactorExtractor):
    """One day's consumption as one record an account and country.

    The response carries no date: it is of the day that was requested. An account's records add up to its total; what
    its countries do not explain is a record with country `""`, and an account without consumption has one such record
    of 0.

    The filters `countries` and `smsfactor_sub_account_id` are applied here, not by the API: what its own filters do to
    the totals and the accounts in the response is not documented.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        return self.rows(self._day(FieldReader(PROVIDER, response)), self.consumption(response))

    def consumption(self, response: requests.Response) -> Consumption:
        """All accounts of a response, whatever the settings filter."""
        read = FieldReader(PROVIDER, response)
        accounts = accounts_of(read, response)
        self._warn_of_unknown(read, response, [account for _, _, account in accounts])
        totals, found = Decimal(0), []
        for is_main, account_id, account in accounts:
            total, countries = self._consumption(read, account)
            totals += total
            found.append((account_id, company_of(read, account), is_main, countries))
        return Consumption(found, totals, group_total(read, response))

    def rows(self, day: str, consumption: Consumption) -> list[dict[str, Any]]:
        """The records of the accounts and countries that the settings select."""
        return [
            record(self.config, day, account_id, company, is_main, *pair)
            for account_id, company, is_main, countries in consumption.accounts
            if self.selects(account_id)
            for pair in self._wanted(countries).items()
        ]

    def _warn_of_unknown(
        self, read: FieldReader, response: requests.Response, accounts: Iterable[Mapping[str, Any]]
    ) -> None:
        read.warn_of_unknown(response.json(), FIELDS_OF_AN_ANSWER, "consumption")
        read.warn_of_unknown(data_of(read, response), FIELDS_OF_DATA, "consumption")
        for account in accounts:
            read.warn_of_unknown(account, FIELDS_OF_AN_ACCOUNT, "consumption")
            read.warn_of_unknown(conso_of(read, account), FIELDS_OF_CONSO, "consumption")

    def _day(self, read: FieldReader) -> str:
        first = date.fromisoformat(read.asked["date_start"]) + timedelta(days=self.config["smsfactor_days_before"])
        last = date.fromisoformat(read.asked["date_end"]) - timedelta(days=self.config["smsfactor_days_after"])
        if first != last:
            raise ValueError("An answer without dates must be of one day, or several are booked on one.")
        return str(first)

    def _consumption(self, read: FieldReader, account: Mapping[str, Any]) -> tuple[Decimal, dict[str, Decimal]]:
        """An account's total and its consumption by country, in which `""` explains the rest."""
        conso = conso_of(read, account)
        total = exact(read.amount(read.field(conso, "total", "conso"), "conso.total"))
        countries: dict[str, Decimal] = {}
        for country, value in country_pairs(read, account):
            # Two may have become one text only because no destination stores what told them apart.
            if country in countries and REPLACEMENT not in country:
                read.refuse("a country is listed twice")
            countries[country] = countries.get(country, Decimal(0)) + exact(
                read.amount(value, "a country's consumption")
            )
        rest = total - sum(countries.values())
        if rest < 0:
            read.refuse("an account's countries add up to more than its total")
        if rest:
            countries[""] = countries.get("", Decimal(0)) + rest
        return total, countries

    def _wanted(self, countries: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        wanted = countries_of(self.config)
        found = {code: value for code, value in countries.items() if not wanted or code.upper() in wanted}
        return found or {"": Decimal(0)}


def record(
    config: Mapping[str, Any],
    day: str,
    account_id: str,
    company: str | None,
    is_main: bool,
    country: str = "",
    consumption: Decimal = Decimal(0),
) -> dict[str, Any]:
    return {
        "date": day,
        "account_id": account_id,
        "company": company,
        "is_main_account": is_main,
        "country": country,
        "consumption": plain(consumption),
        "is_partial": day >= config["today"],
    }


def group_total(read: FieldReader, response: requests.Response) -> Decimal | None:
    """The consumption of the main account and all sub-accounts. It is compared, and never a row: a row of it would
    double every sum.
    """
    total = data_of(read, response).get("total")
    return None if total is None else exact(read.amount(total, "data.total"))


def data_of(read: FieldReader, response: requests.Response) -> Mapping[str, Any]:
    answer = read.mapping(response.json(), "the answer")
    return read.mapping(read.field(answer, "data", "the answer"), "data")


def accounts_of(read: FieldReader, response: requests.Response) -> list[tuple[bool, str, Mapping[str, Any]]]:
    """The accounts of an answer as (is it the main one, its id, itself)."""
    data = data_of(read, response)
    accounts = [(True, read.mapping(read.field(data, "my_account", "data"), "my_account"))]
    accounts += [(False, account) for account in sub_accounts(read, data.get("by_sub_accounts"))]
    found = [(is_main, account_id(read, account), account) for is_main, account in accounts]
    if len({identity for _, identity, _ in found}) != len(found):
        read.refuse("an account is listed twice")
    return found


def sub_accounts(read: FieldReader, value: Any) -> list[Mapping[str, Any]]:
    """Sub-accounts from a list of them, an object keyed by their id, or nothing (`[]`, null)."""
    if value is None:
        return []
    return mappings(read, list(value.values()) if isinstance(value, dict) else value, "a sub-account")


def company_of(read: FieldReader, account: Mapping[str, Any]) -> str | None:
    return read.optional_text(read.optional(account, "company", "consumption"), "company")


def conso_of(read: FieldReader, account: Mapping[str, Any]) -> Mapping[str, Any]:
    return read.mapping(read.field(account, "conso", "an account"), "conso")


def country_pairs(read: FieldReader, account: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """An account's countries and their consumption: from an object of countries, a list of such objects, or nothing
    (`[]`, null, missing).
    """
    value = conso_of(read, account).get("by_country")
    if value is None:
        return []
    if isinstance(value, dict):
        return value.items()
    return [pair for mapping in mappings(read, value, "an entry of by_country") for pair in mapping.items()]


def account_id(read: FieldReader, account: Mapping[str, Any], name: str = "account_id") -> str:
    return id_text(read, read.field(account, name, "an account"), name) or read.refuse(f"{name} is empty")


def id_text(read: FieldReader, value: Any, name: str) -> str:
    """A text that may come as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return read.text(value, name)


def mappings(read: FieldReader, values: Any, name: str) -> list[Mapping[str, Any]]:
    return [read.mapping(value, name) for value in read.sequence(values, f"what holds {name}")]
