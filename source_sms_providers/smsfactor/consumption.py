"""SMSFactor's consumption as records (https://dev.smsfactor.com: GET /metrics/consumption)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import requests

from source_sms_providers.config import countries_of
from source_sms_providers.parsing import REPLACEMENT, FieldReader, to_decimal, to_json_number
from source_sms_providers.smsfactor.extractors import PROVIDER, SmsfactorExtractor, account_id, mappings, sub_accounts

FIELDS_OF_AN_ANSWER = {"status", "message", "details", "data"}
FIELDS_OF_DATA = {"total", "by_country", "my_account", "by_sub_accounts"}
FIELDS_OF_AN_ACCOUNT = {"account_id", "company", "conso"}
FIELDS_OF_CONSO = {"total", "by_country"}


class Account(NamedTuple):
    """What one account consumed in the days that were requested.

    Attributes:
        countries: consumption by country; `""` has what no country explains
    """

    account_id: str
    company: str | None
    is_main: bool
    total: Decimal
    countries: Mapping[str, Decimal]


class Consumption(NamedTuple):
    """What one response says of the days that were requested.

    Attributes:
        accounts: the listed accounts
        of_accounts: the sum of the listed accounts
        total: the group total, which is compared, and never a row: it would double every sum; None if it is not sent
    """

    accounts: Sequence[Account]
    of_accounts: Decimal
    total: Decimal | None


class ConsumptionExtractor(SmsfactorExtractor):
    """One day's consumption as one record an account and country.

    The response carries no date: it is of the day that was requested. An account's records add up to its total; what
    its countries do not explain is a record with country `""`, and an account without consumption has one such record
    of 0.

    The filters `countries` and `smsfactor_sub_account_id` are applied here, not by the API: what its own filters do to
    the totals and the accounts in the response is not documented.

    Consumption may be negative: SMSFactor refunds refused campaigns, and does not say of which day.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        query = FieldReader(PROVIDER, response).query
        first = date.fromisoformat(query["date_start"]) + timedelta(days=self.config["smsfactor_days_before"])
        last = date.fromisoformat(query["date_end"]) - timedelta(days=self.config["smsfactor_days_after"])
        if first != last:
            raise ValueError("A response without dates must cover exactly one day.")
        return self.rows(str(first), self.consumption(response))

    def consumption(self, response: requests.Response) -> Consumption:
        """All accounts of a response, whatever the settings filter."""
        fields = FieldReader(PROVIDER, response)
        answer = fields.mapping(response.json(), "the response")
        data = fields.mapping(fields.field(answer, "data", "the response"), "data")
        fields.warn_of_unknown(answer, FIELDS_OF_AN_ANSWER, "consumption")
        fields.warn_of_unknown(data, FIELDS_OF_DATA, "consumption")
        main = fields.mapping(fields.field(data, "my_account", "data"), "my_account")
        accounts = [_account(fields, main, is_main=True)]
        accounts += [
            _account(fields, each, is_main=False) for each in sub_accounts(fields, data.get("by_sub_accounts"))
        ]
        if len({account.account_id for account in accounts}) != len(accounts):
            fields.reject("an account is listed twice")
        of_accounts = sum((account.total for account in accounts), Decimal(0))
        total = None if data.get("total") is None else _decimal(fields, data["total"], "data.total")
        exceeding = [account for account in accounts if sum(account.countries.values()) > account.total]
        # A refund without a country, if a second total says the same.
        if exceeding and total != of_accounts:
            fields.reject("an account's countries add up to more than its total")
        return Consumption(list(map(_with_rest, accounts)), of_accounts, total)

    def rows(self, day: str, consumption: Consumption) -> list[dict[str, Any]]:
        """The records of the accounts and countries that the settings select."""
        return [
            record(self.config, day, account, *pair)
            for account in consumption.accounts
            if self.selects(account.account_id)
            for pair in self._wanted(account.countries).items()
        ]

    def _wanted(self, countries: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        wanted = countries_of(self.config)
        found = {code: value for code, value in countries.items() if not wanted or code.upper() in wanted}
        return found or {"": Decimal(0)}


def record(
    config: Mapping[str, Any], day: str, account: Account, country: str = "", consumption: Decimal = Decimal(0)
) -> dict[str, Any]:
    return {
        "date": day,
        "account_id": account.account_id,
        "company": account.company,
        "is_main_account": account.is_main,
        "country": country,
        "consumption": to_json_number(consumption),
        "is_partial": day >= config["today"],
    }


def _account(fields: FieldReader, account: Mapping[str, Any], is_main: bool) -> Account:
    """An account as it is sent: its countries may explain only a part of its total."""
    identity = account_id(fields, account)
    conso = fields.mapping(fields.field(account, "conso", "an account"), "conso")
    fields.warn_of_unknown(account, FIELDS_OF_AN_ACCOUNT, "consumption")
    fields.warn_of_unknown(conso, FIELDS_OF_CONSO, "consumption")
    company = fields.descriptive(account, "company", "consumption", fields.description)
    total = _decimal(fields, fields.field(conso, "total", "conso"), "conso.total")
    countries: dict[str, Decimal] = {}
    for country, value in _country_pairs(fields, conso.get("by_country")):
        # Two may have become one text only because no destination stores what told them apart.
        if country in countries and REPLACEMENT not in country:
            fields.reject("a country is listed twice")
        countries[country] = countries.get(country, Decimal(0)) + _decimal(fields, value, "a country's consumption")
    return Account(identity, company, is_main, total, countries)


def _with_rest(account: Account) -> Account:
    rest = account.total - sum(account.countries.values())
    countries = {**account.countries, "": account.countries.get("", Decimal(0)) + rest}
    return account._replace(countries=countries) if rest else account


def _country_pairs(fields: FieldReader, value: Any) -> Iterable[tuple[str, Any]]:
    """Countries and their consumption: from an object of countries, a list of such objects, or nothing (`[]`, null)."""
    if value is None:
        return []
    if isinstance(value, dict):
        return value.items()
    return [pair for mapping in mappings(fields, value, "an entry of by_country") for pair in mapping.items()]


def _decimal(fields: FieldReader, value: Any, name: str) -> Decimal:
    return to_decimal(fields.number(value, name))
