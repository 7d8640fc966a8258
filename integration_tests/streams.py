"""The streams as a catalog selects them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent.parent / "schemas"

PRIMARY_KEYS = {
    "balance": ("date",),
    "pricing": ("date", "country_code", "mcc", "network_name"),
    "analytics": ("date",),
    "analytics_by_country": ("date", "country"),
    "analytics_by_label": ("date", "label"),
    "analytics_by_subaccount": ("date", "account"),
    "analytics_by_subaccount_and_country": ("date", "account_id", "country"),
    "subaccount_balances": ("date", "account_id"),
    "consumption": ("date", "account_id", "country"),
    "credits": ("date",),
    "subaccount_credits": ("date", "account_id"),
}
GROUPED = ("analytics_by_country", "analytics_by_label", "analytics_by_subaccount")
BY_ACCOUNT = "analytics_by_subaccount_and_country"
DAILY = ("analytics", *GROUPED, BY_ACCOUNT, "consumption")
SUGGESTED = tuple(name for name in PRIMARY_KEYS if name != BY_ACCOUNT and not name.startswith("subaccount_"))
"""Those that Airbyte selects at first: the others cost requests, or need a right, and are for who has subaccounts."""
GROUPINGS = {
    "analytics": "date",
    "analytics_by_country": "country",
    "analytics_by_label": "label",
    "analytics_by_subaccount": "subaccount",
    BY_ACCOUNT: "subaccount",
}
"""How the daily streams of seven.io group the usage, in the request that each makes of every day with usage."""


def configured_catalog(streams: Iterable[str], sync_mode: str = "incremental") -> dict[str, Any]:
    return {
        "streams": [
            {
                "stream": {
                    "name": name,
                    "json_schema": json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")),
                    "supported_sync_modes": ["full_refresh", "incremental"],
                },
                "sync_mode": sync_mode,
                "destination_sync_mode": "append_dedup",
            }
            for name in streams
        ]
    }
