"""seven.io's answers as records (https://docs.seven.io, endpoints balance, pricing and analytics)."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timezone
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.config import countries_of
from source_sms_providers.errors import config_error
from source_sms_providers.parsing import TOO_LARGE, FieldReader, to_decimal, to_json_number

LOGGER = logging.getLogger("airbyte")

PROVIDER = "seven.io"
COUNTERS = ("sms", "rcs", "voice", "hlr", "mnp", "inbound")
AMOUNTS = (*COUNTERS, "usage_eur")
FIELDS_OF_USAGE = {*AMOUNTS, "date", "account", "country", "label"}
FIELDS_OF_A_COUNTRY = {"countryCode", "countryName", "countryPrefix", "networks"}
FIELDS_OF_A_NETWORK = {"mcc", "mncs", "networkName", "price", "features", "comment"}
ZEROS = dict.fromkeys(AMOUNTS, 0)
Counters = Mapping[str, "int | float | None"]


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
        fields = FieldReader(PROVIDER, response)
        answer = fields.mapping(response.json(), "the response")
        fields.warn_of_unknown(answer, {"amount", "currency"}, "balance")
        now = datetime.now(timezone.utc)
        yield {
            "date": now.date().isoformat(),
            "amount": fields.number(fields.field(answer, "amount", "the response"), "amount"),
            "currency": fields.optional_text(fields.optional(answer, "currency", "balance"), "currency"),
            "retrieved_at": now.isoformat(timespec="seconds"),
        }


class PricingExtractor(SevenExtractor):
    """The price list as one record a network, limited to the configured countries.

    The whole list's own counts must agree with what it holds, and no network of these countries may have two
    prices. What only describes a network may be missing, and is null then, with a warning.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        fields = FieldReader(PROVIDER, response)
        answer = fields.mapping(response.json(), "the response")
        countries = [
            fields.mapping(country, "a country")
            for country in fields.sequence(fields.field(answer, "countries", "the response"), "countries")
        ]
        networks = [
            fields.sequence(fields.field(country, "networks", "a country"), "networks") for country in countries
        ]
        if "country" not in fields.query:
            # Whether the counts of a part are those of the part or of the whole is not documented.
            self._count(fields, answer, "countCountries", len(countries))
            self._count(fields, answer, "countNetworks", sum(map(len, networks)))
        wanted = countries_of(self.config)
        today = datetime.now(timezone.utc).date().isoformat()
        records: dict[tuple[str, str, str], dict[str, Any]] = {}
        for country, of_country in zip(countries, networks, strict=True):
            fields.warn_of_unknown(country, FIELDS_OF_A_COUNTRY, "price list")
            code = fields.php_text(fields.field(country, "countryCode", "a country"), "countryCode")
            if wanted and code.upper() not in wanted:
                continue
            for network in of_country:
                record = {"date": today, **self._network(fields, code, country, fields.mapping(network, "a network"))}
                twin = records.setdefault((code, record["mcc"], record["network_name"]), record)
                if twin is not record:
                    self._join(fields, twin, record)
        if unpriced := wanted - {code.upper() for code, _, _ in records}:
            LOGGER.warning("seven.io lists no price for %s.", ", ".join(sorted(unpriced)))
        return records.values()

    def _count(self, fields: FieldReader, answer: Mapping[str, Any], name: str, found: int) -> None:
        promised = found if answer.get(name) is None else fields.count(answer[name], name)
        if promised != found:
            fields.reject(f"{name} says {promised}, the list holds {found}")

    def _join(self, fields: FieldReader, twin: dict[str, Any], record: Mapping[str, Any]) -> None:
        """Adds what a network lists besides where it is listed twice, which no recorded list did."""
        if twin["price"] != record["price"]:
            fields.reject(f"a network of country '{twin['country_code']}' has two prices")
        for name in ("mncs", "features"):
            twin[name] = list(dict.fromkeys([*(twin[name] or ()), *(record[name] or ())])) or None

    def _network(
        self, fields: FieldReader, code: str, country: Mapping[str, Any], network: Mapping[str, Any]
    ) -> dict[str, Any]:
        fields.warn_of_unknown(network, FIELDS_OF_A_NETWORK, "price list")
        return {
            "country_code": code,
            "country_name": fields.descriptive(country, "countryName", "price list", fields.description),
            "country_prefix": fields.descriptive(country, "countryPrefix", "price list", fields.description),
            "mcc": fields.php_text(fields.field(network, "mcc", "a network"), "mcc"),
            "mncs": fields.descriptive(network, "mncs", "price list", fields.descriptions),
            "network_name": fields.php_text(fields.field(network, "networkName", "a network"), "networkName"),
            "price": fields.amount(fields.field(network, "price", "a network"), "price"),
            "features": fields.descriptive(network, "features", "price list", fields.descriptions),
            "comment": fields.descriptive(network, "comment", "price list", fields.description),
        }


@dataclass
class AnalyticsExtractor(SevenExtractor):
    """One record per group of the requested day; the response has no date.

    `group_field` is the field that the rows are grouped by. Rows of the same group are summed (a recorded response had
    two rows without a label). A day without usage yields one zero row.
    """

    group_field: str

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        fields = FieldReader(PROVIDER, response)
        groups = sum_by_group(fields, response.json(), self.group_field)
        label = self.config.get("seven_label")
        if self.group_field == "label" and label and groups.keys() - {label}:
            raise unknown_label_error(label)
        day = fields.query["start"]
        if fields.query["end"] != day:
            raise ValueError("A response without dates must cover exactly one day.")
        if not any(has_usage(counters) for counters in groups.values()):
            return [zero_row(day, self.group_field, self.config)]
        return [
            record({"date": day, self.group_field: group}, counters, self.config) for group, counters in groups.items()
        ]


def unknown_label_error(label: str) -> AirbyteTracedException:
    return config_error(
        f"seven.io does not know the label '{label}': it answers with the usage of other labels. Correct the setting "
        "'seven.io label'."
    )


def record(key: Mapping[str, str], counters: Counters, config: Mapping[str, Any]) -> dict[str, Any]:
    return {**key, **counters, "is_partial": key["date"] >= config["today"]}


def zero_row(day: str, group_field: str, config: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """The row of a group without usage; with an empty group that of a whole day: it was read, and was zero."""
    return record({"date": day, group_field: group}, ZEROS, config)


def has_usage(counters: Mapping[str, Any]) -> bool:
    return any(map(counters.__getitem__, AMOUNTS))


def sum_by_group(fields: FieldReader, answer: Any, group_field: str) -> dict[str, Counters]:
    """The counters of each group, the rows of one group added up."""
    groups: dict[str, Counters] = {}
    for row in fields.sequence(answer, "the response"):
        row = fields.mapping(row, "a row")
        group = group_name(fields, fields.field(row, group_field, "a row"), group_field)
        groups[group] = merge_counters(groups.get(group), counters_of(fields, row, fields.query["start"]))
    return groups


def counters_of(fields: FieldReader, row: Mapping[str, Any], day: str) -> Counters:
    """The counters of a row. Counters came and went over the years: one that is not sent is null, one that is
    not known is left out, both with a warning. A refund may make `usage_eur` negative; nothing else may be.
    """
    counters: dict[str, int | float | None] = {}
    for name in AMOUNTS:
        value = row.get(name)
        if value is None:
            fields.warn_of_missing(name, "usage")
            counters[name] = None
        elif type(value) is int and 0 <= value < TOO_LARGE:
            # Nearly every value.
            counters[name] = value
        else:
            is_of = f"{name} of {day}"
            counters[name] = fields.number(value, is_of) if name == "usage_eur" else fields.count(value, is_of)
    fields.warn_of_unknown(row, FIELDS_OF_USAGE, "usage")
    return counters


def group_name(fields: FieldReader, value: Any, group_field: str) -> str:
    """A group as a text; labels may come as a number or false in places."""
    if value is None or value is False:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return fields.text(value, group_field)


def merge_counters(left: Counters | None, right: Counters) -> Counters:
    """The counters of two rows, added without the noise of binary fractions; what one of them lacks is null."""
    if left is None:
        return right
    return {name: _sum(left[name], right[name]) for name in AMOUNTS}


def _sum(left: int | float | None, right: int | float | None) -> int | float | None:
    return None if left is None or right is None else to_json_number(to_decimal(left) + to_decimal(right))
