"""seven.io's list of subaccounts (endpoint subaccounts). The main account is not in it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import requests

from source_sms_providers.errors import config_error
from source_sms_providers.parsing import FieldReader
from source_sms_providers.seven.extractors import PROVIDER, SevenExtractor, group_name

SCOPES = ("all", "only_main")
"""What the account scope can be besides the id of a subaccount."""


class SubaccountsExtractor(SevenExtractor):
    """One record for each subaccount that the settings select. What an older shape lacks is null.

    `contact` is personal data and is not read.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        scope, listed = self.config["seven_subaccounts"], list_subaccounts(response)
        if scope not in SCOPES and scope not in listed:
            raise config_error(f"seven.io lists no subaccount {scope}. Correct 'seven.io account scope'.")
        return [account for account_id, account in listed.items() if scope in ("all", account_id)]


def list_subaccounts(response: requests.Response) -> dict[str, dict[str, Any]]:
    """The records of all subaccounts by their id. Raises AirbyteTracedException for a response of another shape."""
    fields = FieldReader(PROVIDER, response)
    now = datetime.now(timezone.utc)
    accounts: dict[str, dict[str, Any]] = {}
    for row in fields.sequence(response.json(), "the response"):
        row = fields.mapping(row, "an account")
        account_id = group_name(fields, fields.field(row, "id", "an account"), "id")
        if not (account_id.isascii() and account_id.isdigit()):
            fields.reject("an account's id is no number")
        if account_id in accounts:
            fields.reject("an account is listed twice")
        # PHP writes an empty object as [].
        topup = fields.mapping(row.get("auto_topup") or {}, "auto_topup")
        accounts[account_id] = {
            "date": now.date().isoformat(),
            "account_id": account_id,
            "username": fields.if_sent(row, "username", "subaccounts", fields.description),
            "company": fields.if_sent(row, "company", "subaccounts", fields.description),
            "balance": fields.optional_number(row, "balance"),
            "total_usage": fields.optional_number(row, "total_usage"),
            "auto_topup_threshold": fields.optional_number(topup, "threshold"),
            "auto_topup_amount": fields.optional_number(topup, "amount"),
            "retrieved_at": now.isoformat(timespec="seconds"),
        }
    return accounts
