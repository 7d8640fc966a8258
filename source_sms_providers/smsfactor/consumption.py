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

    Consumption may be negative: SMSFactor refunds refused campaigns, and does not say of which day.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        return self.rows(self._day(FieldReader(PROVIDER, response)), self.consumption(response))

    def consumption(self, response: requests.Response) -> Consumption:
        """All accounts of a response, whatever the settings filter."""
        fields = FieldReader(PROVIDER, response)
        accounts = accounts_of(fields, response)
        self._warn_of_unknown(fields, response, [account for _, _, account in accounts])
        of_accounts, found, has_surplus = Decimal(0), [], False
        for is_main, identity, account in accounts:
            total, countries = self._consumption(fields, account)
            of_accounts += total
            if rest := total - sum(countries.values()):
                countries[""] = countries.get("", Decimal(0)) + rest
                has_surplus = has_surplus or rest < 0
            found.append((identity, company_of(fields, account), is_main, countries))
        total_of_group = group_total(fields, response)
        # A refund without a country, if a second total says the same.
        if has_surplus and total_of_group != of_accounts:
            fields.reject("an account's countries add up to more than its total")
        return Consumption(found, of_accounts, total_of_group)

    def rows(self, day: str, consumption: Consumption) -> list[dict[str, Any]]:
        """The records of the accounts and countries that the settings select."""
        return [
            record(self.config, day, account_id, company, is_main, *pair)
            for account_id, company, is_main, countries in consumption.accounts
            if self.selects(account_id)
            for pair in self._wanted(countries).items()
        ]

    def _warn_of_unknown(
        self, fields: FieldReader, response: requests.Response, accounts: Iterable[Mapping[str, Any]]
    ) -> None:
        fields.warn_of_unknown(response.json(), FIELDS_OF_AN_ANSWER, "consumption")
        fields.warn_of_unknown(data_of(fields, response), FIELDS_OF_DATA, "consumption")
        for account in accounts:
            fields.warn_of_unknown(account, FIELDS_OF_AN_ACCOUNT, "consumption")
            fields.warn_of_unknown(conso_of(fields, account), FIELDS_OF_CONSO, "consumption")

    def _day(self, fields: FieldReader) -> str:
        first = date.fromisoformat(fields.query["date_start"]) + timedelta(days=self.config["smsfactor_days_before"])
        last = date.fromisoformat(fields.query["date_end"]) - timedelta(days=self.config["smsfactor_days_after"])
        if first != last:
            raise ValueError("A response without dates must cover exactly one day.")
        return str(first)

    def _consumption(self, fields: FieldReader, account: Mapping[str, Any]) -> tuple[Decimal, dict[str, Decimal]]:
        """An account's total, and its consumption by country as far as it is sent."""
        conso = conso_of(fields, account)
        total = to_decimal(fields.number(fields.field(conso, "total", "conso"), "conso.total"))
        countries: dict[str, Decimal] = {}
        for country, value in country_pairs(fields, account):
            # Two may have become one text only because no destination stores what told them apart.
            if country in countries and REPLACEMENT not in country:
                fields.reject("a country is listed twice")
            countries[country] = countries.get(country, Decimal(0)) + to_decimal(
                fields.number(value, "a country's consumption")
            )
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
        "consumption": to_json_number(consumption),
        "is_partial": day >= config["today"],
    }


def group_total(fields: FieldReader, response: requests.Response) -> Decimal | None:
    """The consumption of the main account and all sub-accounts. It is compared, and never a row: a row of it would
    double every sum.
    """
    total = data_of(fields, response).get("total")
    return None if total is None else to_decimal(fields.number(total, "data.total"))


def data_of(fields: FieldReader, response: requests.Response) -> Mapping[str, Any]:
    answer = fields.mapping(response.json(), "the response")
    return fields.mapping(fields.field(answer, "data", "the response"), "data")


def accounts_of(fields: FieldReader, response: requests.Response) -> list[tuple[bool, str, Mapping[str, Any]]]:
    """The accounts of an answer as (is it the main one, its id, itself)."""
    data = data_of(fields, response)
    accounts = [(True, fields.mapping(fields.field(data, "my_account", "data"), "my_account"))]
    accounts += [(False, account) for account in sub_accounts(fields, data.get("by_sub_accounts"))]
    found = [(is_main, account_id(fields, account), account) for is_main, account in accounts]
    if len({identity for _, identity, _ in found}) != len(found):
        fields.reject("an account is listed twice")
    return found


def company_of(fields: FieldReader, account: Mapping[str, Any]) -> str | None:
    return fields.optional_text(fields.optional(account, "company", "consumption"), "company")


def conso_of(fields: FieldReader, account: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields.mapping(fields.field(account, "conso", "an account"), "conso")


def country_pairs(fields: FieldReader, account: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """An account's countries and their consumption: from an object of countries, a list of such objects, or nothing
    (`[]`, null, missing).
    """
    value = conso_of(fields, account).get("by_country")
    if value is None:
        return []
    if isinstance(value, dict):
        return value.items()
    return [pair for mapping in mappings(fields, value, "an entry of by_country") for pair in mapping.items()]
