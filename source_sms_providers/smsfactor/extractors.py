"""SMSFactor's credits and sub-accounts as records (https://dev.smsfactor.com: GET /credits and /sub-accounts)."""

from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor

from source_sms_providers.parsing import FieldReader

PROVIDER = "SMSFactor"
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
        fields = FieldReader(PROVIDER, response)
        answer = fields.mapping(response.json(), "the response")
        fields.warn_of_unknown(answer, FIELDS_OF_CREDITS, "credits")
        postpaid, unlimited = (
            fields.descriptive(answer, name, "credits", fields.boolean) for name in ("postpaid", "unlimited")
        )
        now = datetime.now(timezone.utc)
        yield {
            "date": now.date().isoformat(),
            "credits": self._credits(fields, answer, has_no_end=bool(postpaid or unlimited)),
            "postpaid": postpaid,
            "postpaid_limit": fields.descriptive(answer, "postpaid_limit", "credits", partial(_limit, fields)),
            "unlimited": unlimited,
            "retrieved_at": now.isoformat(timespec="seconds"),
        }

    def _credits(self, fields: FieldReader, answer: Mapping[str, Any], has_no_end: bool) -> int | float | None:
        if has_no_end and answer.get("credits") is None:
            fields.warn_of_missing("credits", "credits")
            return None
        return fields.number(fields.field(answer, "credits", "the response"), "credits")


class SubaccountCreditsExtractor(SmsfactorExtractor):
    """The list of sub-accounts as one record for each that the settings select. What an older shape lacks is null.

    Names, e-mails and places of persons, which the list holds too, are not read.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        fields = FieldReader(PROVIDER, response)
        answer = fields.mapping(response.json(), "the response")
        now = datetime.now(timezone.utc)
        records: dict[str, dict[str, Any]] = {}
        for account in sub_accounts(fields, fields.field(answer, "sub-accounts", "the response")):
            identity = account_id(fields, account, "client_id")
            if identity in records:
                fields.reject("a sub-account is listed twice")
            records[identity] = {
                "date": now.date().isoformat(),
                "account_id": identity,
                "description": fields.if_sent(account, "description", "sub-accounts", fields.description),
                "credits": fields.optional_number(account, "credits"),
                "unlimited": fields.if_sent(account, "unlimited", "sub-accounts", fields.boolean),
                "status": fields.if_sent(account, "status", "sub-accounts", fields.description),
                "country_code": fields.if_sent(account, "country_code", "sub-accounts", fields.description),
                "time_zone": fields.if_sent(account, "time_zone", "sub-accounts", fields.description),
                "current_month_consumption": fields.optional_number(account, "current_month_consumption"),
                "previous_month_consumption": fields.optional_number(account, "previous_month_consumption"),
                "retrieved_at": now.isoformat(timespec="seconds"),
            }
        return [record for identity, record in records.items() if self.selects(identity)]


def _limit(fields: FieldReader, value: Any, name: str) -> int | float | None:
    """A limit; false says that there is none."""
    return None if value is False or value == "" else fields.number(value, name)


def sub_accounts(fields: FieldReader, value: Any) -> list[Mapping[str, Any]]:
    """Sub-accounts from a list of them, an object keyed by their id, or nothing (`[]`, null)."""
    if value is None:
        return []
    return mappings(fields, list(value.values()) if isinstance(value, dict) else value, "a sub-account")


def account_id(fields: FieldReader, account: Mapping[str, Any], name: str = "account_id") -> str:
    return parse_id(fields, fields.field(account, name, "an account"), name) or fields.reject(f"{name} is empty")


def parse_id(fields: FieldReader, value: Any, name: str) -> str:
    """A text that may come as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return fields.text(value, name)


def mappings(fields: FieldReader, values: Any, name: str) -> list[Mapping[str, Any]]:
    return [fields.mapping(value, name) for value in fields.sequence(values, f"what holds {name}")]
