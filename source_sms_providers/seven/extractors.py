"""seven.io's answers as records (https://docs.seven.io, endpoints balance, pricing and analytics)."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor

from source_sms_providers.answers import Reader, exact, plain
from source_sms_providers.errors import config_error

LOGGER = logging.getLogger("airbyte")

PROVIDER = "seven.io"
UNKNOWN_LABEL = (
    "seven.io does not know the label in the settings: it answers with the usage of other labels. Check the spelling."
)
COUNTERS = ("sms", "rcs", "voice", "hlr", "mnp", "inbound")
FIGURES = (*COUNTERS, "usage_eur")


@dataclass
class SevenExtractor(RecordExtractor):
    """What the extractors of seven.io share. `extract_records` raises AirbyteTracedException for an
    answer that is not what the API promises, before the first record leaves it.
    """

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]


class BalanceExtractor(SevenExtractor):
    """`{"amount": 44.631, "currency": "EUR"}` as one record. A bare number, which the text form of this
    endpoint sends, is refused: there a wrong key (900) reads like a balance of 900.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        read = Reader(PROVIDER, response)
        answer = read.mapping(response.json(), "the answer")
        now = datetime.now(timezone.utc)
        yield {
            "date": now.date().isoformat(),
            "amount": read.number(read.field(answer, "amount", "the answer"), "amount"),
            "currency": read.text(read.field(answer, "currency", "the answer"), "currency"),
            "retrieved_at": now.isoformat(timespec="seconds"),
        }


class PricingExtractor(SevenExtractor):
    """The price list as one record a network, limited to the configured countries.

    The list's own counts must agree with what it holds, and no network may have two prices.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        read = Reader(PROVIDER, response)
        answer = read.mapping(response.json(), "the answer")
        countries = read.sequence(read.field(answer, "countries", "the answer"), "countries")
        today = datetime.now(timezone.utc).date().isoformat()
        records = [record for country in countries for record in self._networks(read, country, today)]
        for name, found in (("countCountries", len(countries)), ("countNetworks", len(records))):
            promised = read.count(read.field(answer, name, "the answer"), name)
            if promised != found:
                read.refuse(f"{name} says {promised}, the list holds {found}")
        if len({(record["country_code"], record["mcc"], record["network_name"]) for record in records}) != len(records):
            read.refuse("a network is listed twice")
        wanted = {code.upper() for code in self.config.get("countries") or ()}
        if unpriced := wanted - {record["country_code"].upper() for record in records}:
            LOGGER.warning("seven.io lists no price for %s.", ", ".join(sorted(unpriced)))
        return [record for record in records if not wanted or record["country_code"].upper() in wanted]

    def _networks(self, read: Reader, country: Any, today: str) -> Iterable[dict[str, Any]]:
        country = read.mapping(country, "a country")
        code = read.text(read.field(country, "countryCode", "a country"), "countryCode")
        name = read.optional_text(read.field(country, "countryName", "a country"), "countryName")
        prefix = read.optional_text(read.field(country, "countryPrefix", "a country"), "countryPrefix")
        for network in read.sequence(read.field(country, "networks", "a country"), "networks"):
            network = read.mapping(network, "a network")
            mncs = read.field(network, "mncs", "a network")
            features = read.sequence(read.field(network, "features", "a network"), "features")
            yield {
                "date": today,
                "country_code": code,
                "country_name": name,
                "country_prefix": prefix,
                "mcc": read.optional_text(read.field(network, "mcc", "a network"), "mcc") or "",
                "mncs": None if mncs is None else [read.text(mnc, "an mnc") for mnc in read.sequence(mncs, "mncs")],
                "network_name": read.optional_text(read.field(network, "networkName", "a network"), "networkName")
                or "",
                "price": read.amount(read.field(network, "price", "a network"), "price"),
                "features": [read.text(feature, "a feature") for feature in features],
                "comment": read.optional_text(network.get("comment"), "comment"),
            }


@dataclass
class AnalyticsExtractor(SevenExtractor):
    """Rows of counters as one record a day, or a day and group.

    `group_field` names the field that the rows are grouped by. Grouped by date, each day asked must
    be there and no other (seven.io answers invalid dates with its default window). Grouped by
    anything else, rows carry no date: they are of the one day that was asked. Rows of one group are
    added up (seven.io was seen to answer two rows without label). A day without usage gives one record
    of zeros.
    """

    group_field: str = "date"

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        read = Reader(PROVIDER, response)
        groups = grouped(read, response.json(), self.group_field)
        if self.group_field == "label" and groups.keys() - {
            self.config.get("seven_label") or label for label in groups
        }:
            raise config_error(UNKNOWN_LABEL)
        first, last = date.fromisoformat(read.asked["start"]), date.fromisoformat(read.asked["end"])
        if self.group_field == "date":
            days = {(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)}
            if foreign := groups.keys() - days:
                read.refuse(f"it holds {min(foreign)}, asked were {first} to {last}")
            if missing := days - groups.keys():
                read.refuse(f"it lacks {min(missing)}, asked were {first} to {last}")
            return [record({"date": day}, groups[day], self.config) for day in sorted(groups)]
        if first != last:
            raise ValueError("An answer without dates must be of one day, or several are booked on one.")
        if not any(has_usage(counters) for counters in groups.values()):
            return [record_of_zeros(str(first), self.group_field, self.config)]
        return [
            record({"date": str(first), self.group_field: group}, counters, self.config)
            for group, counters in groups.items()
        ]


def record(key: Mapping[str, str], counters: Mapping[str, int | float], config: Mapping[str, Any]) -> dict[str, Any]:
    return {**key, **counters, "is_partial": key["date"] >= config["today"]}


def record_of_zeros(day: str, group_field: str, config: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """What a group without usage is recorded as; with an empty group, a whole day: it was asked, and was zero."""
    return record({"date": day, group_field: group}, dict.fromkeys(FIGURES, 0), config)


def has_usage(counters: Mapping[str, Any]) -> bool:
    return any(counters[name] for name in FIGURES)


def grouped(read: Reader, answer: Any, group_field: str) -> dict[str, dict[str, int | float]]:
    """The counters of each group, the rows of one group added up."""
    groups: dict[str, dict[str, int | float]] = {}
    for row in read.sequence(answer, "the answer"):
        row = read.mapping(row, "a row")
        group = group_name(read, read.field(row, group_field, "a row"), group_field)
        counters = {name: read.count(read.field(row, name, "a row"), name) for name in COUNTERS}
        usage = read.amount(read.field(row, "usage_eur", "a row"), "usage_eur")
        groups[group] = added(groups.get(group), {**counters, "usage_eur": usage})
    return groups


def group_name(read: Reader, value: Any, group_field: str) -> str:
    """A group as a text; labels may come as a number or false in places."""
    if value is None or value is False:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return read.text(value, group_field)


def added(left: Mapping[str, int | float] | None, right: dict[str, int | float]) -> dict[str, int | float]:
    """The counters of two rows, added without the noise of binary fractions."""
    if left is None:
        return right
    return {name: plain(exact(left[name]) + exact(right[name])) for name in right}
