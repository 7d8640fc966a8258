"""seven.io's usage by account and country.

Groupings by subaccount name accounts by a display name, which need not be unique; the list of subaccounts has their
ids, but not the main account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import chain
from typing import Any

from airbyte_cdk.sources.declarative.requesters.requester import Requester

from source_sms_providers.parsing import FieldReader
from source_sms_providers.reconcile import add_amounts, matches, reconcile
from source_sms_providers.retriever import Day, Row, Rows, fetch
from source_sms_providers.saved_state import Amounts, RowKey, StateEntry
from source_sms_providers.seven.daily_totals import DailyTotalsExtractor
from source_sms_providers.seven.extractors import AMOUNTS, PROVIDER, has_usage, sum_by_group, zero_row
from source_sms_providers.seven.reconciled import MONEY, REMAINDER, ReconciledRetriever, amounts_of
from source_sms_providers.seven.subaccount_list import list_subaccounts
from source_sms_providers.single_flight import SingleFlight

MAIN = "main"
"""The id of the main account in our rows: seven.io gives it none."""
ONLY_MAIN = "only_main"
"""How the main account is requested."""


@dataclass(kw_only=True)
class AccountsRetriever(ReconciledRetriever):
    """Reads a day's usage by account and country: a request for each account with usage, side by side.

    The grouping by subaccount names the accounts. As names are not unique, and may be missing in the list, accounts
    are requested until they have the usage of that grouping: first those of these names, then the main account, then
    all others. Usage without a country is in no grouping by country: it is what an account's own total has besides.

    A country that an account does not have any more was corrected away. An account without any usage may have been
    deleted: its rows stay as long as the day's total holds them.

    Attributes:
        requester: requests one account by country; `subaccounts` is given with each request
        names_requester: requests the grouping by subaccount
    """

    names_requester: Requester

    description_fields = ("company",)

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        scope = self.config["seven_subaccounts"]
        self._only = {"all": None, ONLY_MAIN: MAIN}.get(scope, scope)
        self._days_with_remainder: set[date] = set()
        self._accounts = SingleFlight[str, Mapping[str, Row]]()

    def empty_row(self, day: date) -> Row:
        return self._zero_row(day, self._only or MAIN)

    def _zero_row(self, day: date, account: str) -> Row:
        return self._of_account(account, zero_row(str(day), "country", self.config))

    def fetch_groups(self, day: date, total: Row | None) -> Rows:
        if self._only:
            return self._rows_by_country(day, self._only)
        return self._rows_of_all(day, total)

    def _rows_of_all(self, day: date, total: Row | None) -> Rows:
        response = fetch(self.names_requester, day, day)
        named = {
            name: counters
            for name, counters in sum_by_group(FieldReader(PROVIDER, response), response.json(), "account").items()
            if has_usage(counters)
        }
        # An account that was deleted is no longer listed: then the day's total says how much there is to find.
        due = [amounts_of(row) for row in named.values() or ([total] if total else [])]
        by_account: dict[str, Rows] = {}

        def is_complete() -> bool:
            found = [amounts_of(row) for row in chain(*by_account.values())]
            return matches(found, due, len(AMOUNTS), MONEY)

        candidates = list(dict.fromkeys(chain(*(self._ids_named(name) or [MAIN] for name in named))))
        by_account |= zip(candidates, self.pool.map(partial(self._rows_by_country, day), candidates), strict=True)
        if is_complete() or day >= self._today:
            # A running day cannot be reconciled: messages are still being sent.
            return list(chain(*by_account.values()))
        for accounts in (candidates, [MAIN], self._listed):
            further = [account for account in accounts if accounts is candidates or account not in by_account]
            complete = partial(self._rows_with_remainder, day, by_account)
            by_account |= zip(further, self.pool.map(complete, further), strict=True)
            if is_complete():
                break
        return list(chain(*by_account.values()))

    def _rows_by_country(self, day: date, account: str) -> Rows:
        """Those of an account that have usage."""
        rows = self.extract(fetch(self.requester, day, day, subaccounts=_scope_of(account)))
        return [self._of_account(account, row) for row in rows if has_usage(row)]

    def _rows_with_remainder(self, day: date, by_account: Mapping[str, Rows], account: str) -> Rows:
        """The rows of an account, and one for what its own total has besides."""
        extractor = DailyTotalsExtractor(config=self.config, parameters={})
        response = fetch(self.scope_requester, day, day, group_by="date", subaccounts=_scope_of(account))
        totals = [row for row in extractor.extract_records(response) if has_usage(row)]
        if not totals:
            return by_account.get(account, [])
        rows = by_account[account] if account in by_account else self._rows_by_country(day, account)
        rest = reconcile(amounts_of(totals[0]), [amounts_of(row) for row in rows], {}, MONEY).remainder
        if not rest:
            return rows
        self._days_with_remainder.add(day)
        merged = {row["country"]: row for row in rows}
        unknown = merged.get("") or self._zero_row(day, account)
        amounts = dict(zip(AMOUNTS, add_amounts(amounts_of(unknown), rest), strict=True))
        return list({**merged, "": {**unknown, **amounts}}.values())

    def reconcile_day(self, day: date, rows: Mapping[RowKey, Row]) -> Day:
        result = super().reconcile_day(day, rows)
        if day in self._days_with_remainder:
            result = replace(result, notes={**result.notes, REMAINDER: str(day)})
        return result

    def removable(self, removed: Mapping[RowKey, StateEntry], rows: Mapping[RowKey, Row]) -> Mapping[RowKey, Amounts]:
        """Accounts without any usage, each as a whole: a country that an account lost was corrected away."""
        reported = {row["account_id"] for row in rows.values() if has_usage(row)}
        accounts: dict[RowKey, Amounts] = {}
        for key, entry in removed.items():
            if key[0] not in reported:
                group = self.removable_group(key)
                accounts[group] = add_amounts(accounts.get(group, (0,) * len(AMOUNTS)), entry.amounts)
        return accounts

    def removable_group(self, key: RowKey) -> RowKey:
        return key[:1]

    def restore(self, day: date, key: RowKey, entry: StateEntry) -> Row:
        return {**super().restore(day, key, entry), "is_main_account": key[0] == MAIN}

    def _of_account(self, account: str, usage: Row) -> Row:
        company = None if account == MAIN else self._listed.get(account, {}).get("company")
        return {**usage, "account_id": account, "company": company, "is_main_account": account == MAIN}

    def _ids_named(self, name: str) -> Sequence[str]:
        """The accounts of a display name. Which field of the list it comes from is not documented."""
        return [
            account_id
            for account_id, account in self._listed.items()
            if name and name in (account["company"], account["username"])
        ]

    @property
    def _listed(self) -> Mapping[str, Row]:
        return self._accounts.get("", lambda: list_subaccounts(fetch(self.subaccounts_requester)))


def _scope_of(account: str) -> str:
    """How seven.io is asked for one account."""
    return ONLY_MAIN if account == MAIN else account
