"""Whose usage seven.io reports: proof that the label and the subaccount in the settings are honored.

The API does not document what it does with a label or an id that it does not know. It may ignore it, and answer with
the usage of everybody, or answer with nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import requests
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import config_error, first_transient
from source_sms_providers.parsing import FieldReader
from source_sms_providers.retriever import read_periods
from source_sms_providers.seven.extractors import (
    PROVIDER,
    Counters,
    has_usage,
    sum_by_group,
    unknown_label_error,
)
from source_sms_providers.seven.subaccount_list import SCOPES, list_subaccounts

LOGGER = logging.getLogger("airbyte")

SCOPE_WINDOW = timedelta(days=30)
"""How far back a sync looks for usage that proves a setting: the range that seven.io answers by default."""

Fetch = Callable[..., requests.Response]


def verify_scope(
    config: Mapping[str, Any],
    fetch_usage: Fetch,
    fetch_subaccounts: Fetch,
    periods: Iterable[tuple[date, date]],
    is_test: bool,
) -> None:
    """Raises AirbyteTracedException (config_error) for a label or subaccount id that seven.io does not honor.

    `periods` are searched for usage, in their order. A connection test must find a proof; a sync accepts that there is
    none if nothing speaks against the setting.
    """
    label, scope, periods = config.get("seven_label"), config["seven_subaccounts"], list(periods)

    def groups(group_by: str, group_field: str, period: tuple[date, date], subaccounts: str) -> Mapping[str, Counters]:
        response = fetch_usage(*period, group_by=group_by, subaccounts=subaccounts)
        found = sum_by_group(FieldReader(PROVIDER, response), response.json(), group_field)
        return {group: counters for group, counters in found.items() if has_usage(counters)}

    # A fault that passes proves nothing: where it keeps a proof from being found, it is raised in its place.
    faults: list[AirbyteTracedException] = []

    def newest(group_by: str, group_field: str) -> tuple[tuple[date, date], Mapping[str, Counters]]:
        """The groups of the newest period that has any."""
        read = read_periods(periods, lambda *period: groups(group_by, group_field, period, scope), faults)
        return next(((period, found) for period, found in read if found), (periods[0], {}))

    if label:
        used = newest("label", "label")[1].keys()
        if used - {label}:
            raise unknown_label_error(label)
        if not used and is_test:
            raise first_transient(faults) or config_error(
                f"seven.io reports no usage with the label '{label}' since the start date. Correct 'seven.io label', "
                "or leave it empty until messages with it were sent."
            )
        if not used:
            LOGGER.warning("seven.io reports no usage with the label '%s' in the last days. Is it right?", label)
    if scope in SCOPES:
        return
    listed: Collection[str] | None = None
    try:
        listed = list_subaccounts(fetch_subaccounts()).keys()
    except AirbyteTracedException as error:
        faults.append(error)
        LOGGER.info("The list of subaccounts is not available: %s", error.message)
    if listed is not None and scope in listed:
        return
    period, own = newest("subaccount", "account")
    if len(own) > 1:
        raise config_error(
            f"seven.io does not know subaccount {scope}: it returned usage of other accounts. Correct "
            "'seven.io account scope'."
        )
    # Names are not unique, and the only account with usage looks the same whether seven.io honors the id or not.
    is_proven = bool(own) and own != groups("subaccount", "account", period, "all")
    if not is_proven and (own or listed is not None or is_test):
        raise first_transient(faults) or _unknown_subaccount_error(scope, listed)
    if not is_proven:
        LOGGER.warning(
            "Whether subaccount %s exists cannot be verified: it has no usage in the last days. Give the seven.io API "
            "key the permission subaccounts.",
            scope,
        )


def _unknown_subaccount_error(scope: str, listed: Collection[str] | None) -> AirbyteTracedException:
    if listed is None:
        return config_error(
            f"Whether subaccount {scope} exists cannot be verified. Give the seven.io API key the permission "
            "subaccounts, or set 'seven.io account scope' to all."
        )
    return config_error(
        f"seven.io lists no subaccount {scope}, and it has no usage. It lists "
        f"{', '.join(listed) or 'none'}. Correct 'seven.io account scope'."
    )
