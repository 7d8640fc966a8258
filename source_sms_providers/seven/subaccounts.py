"""seven.io's subaccounts: the list of them, and what each account used.

Groupings by subaccount name accounts by a display name, which need not be unique; the list has their ids. The main
account is not in the list.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from itertools import chain
from typing import Any

import requests
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_sms_providers.errors import transient_error
from source_sms_providers.parsing import FieldReader, plain
from source_sms_providers.retriever import Row, answer
from source_sms_providers.session import SyncSession
from source_sms_providers.seven.extractors import (
    FIGURES,
    PROVIDER,
    SevenExtractor,
    group_name,
    grouped,
    has_usage,
    record_of_zeros,
)
from source_sms_providers.seven.retriever import UsageRetriever, summed
from source_sms_providers.single_flight import SingleFlight
from source_sms_providers.state import Figures, Key

LOGGER = logging.getLogger("airbyte")

MAIN = "main"
"""The id of the main account in our rows: seven.io gives it none."""
ONLY_MAIN = "only_main"
"""How it is asked for."""


class SubaccountsExtractor(SevenExtractor):
    """The list of subaccounts as one record for each that the settings select. What an older shape lacks is null.

    `contact`, which is personal data, is not read.
    """

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        whose = self.config["seven_subaccounts"]
        return [account for account_id, account in subaccounts(response).items() if whose in ("all", account_id)]


def subaccounts(response: requests.Response) -> dict[str, dict[str, Any]]:
    """The records of all subaccounts by their id. Raises AirbyteTracedException for an answer of another shape."""
    read = FieldReader(PROVIDER, response)
    now = datetime.now(timezone.utc)
    accounts: dict[str, dict[str, Any]] = {}
    for row in read.sequence(response.json(), "the answer"):
        row = read.mapping(row, "an account")
        account_id = group_name(read, read.field(row, "id", "an account"), "id")
        if not (account_id.isascii() and account_id.isdigit()):
            read.refuse("an account's id is no number")
        if account_id in accounts:
            read.refuse("an account is listed twice")
        # PHP writes an empty object as [].
        topup = read.mapping(row.get("auto_topup") or {}, "auto_topup")
        accounts[account_id] = {
            "date": now.date().isoformat(),
            "account_id": account_id,
            "username": read.optional_text(row.get("username"), "username"),
            "company": read.optional_text(row.get("company"), "company"),
            "balance": read.optional_number(row, "balance"),
            "total_usage": read.optional_number(row, "total_usage"),
            "auto_topup_threshold": read.optional_number(topup, "threshold"),
            "auto_topup_amount": read.optional_number(topup, "amount"),
            "retrieved_at": now.isoformat(timespec="seconds"),
        }
    return accounts


@dataclass(kw_only=True)
class AccountsRetriever(UsageRetriever):
    """Reads a day's usage by account and country: a request for each account that the day concerns, side by side.

    The grouping by subaccount says by name which accounts these are. As names are not unique, and may be missing in
    the list, accounts are asked until they have the messages and costs of the grouping: first those of these names,
    then the main one, then all others. No span of days spares a request, for that grouping is asked a day at a time.

    A country that an account has no longer was corrected away, and so was an account that is still listed. One that
    is listed no longer was deleted: it keeps its rows, unless the day's total says that the usage is gone.

    Attributes:
        requester: asks for one account by country; `subaccounts` is given with each request
        names_requester: asks for the grouping by subaccount
        subaccounts_requester: asks for the list of subaccounts
    """

    names_requester: Requester
    subaccounts_requester: Requester

    def __post_init__(self, parameters: Mapping[str, Any] | None) -> None:
        super().__post_init__(parameters)
        self._whose = self.config["seven_subaccounts"]
        self._accounts = SingleFlight[str, Mapping[str, Row]]()

    def rows(self, stream_slice: StreamSlice) -> Iterable[Row]:
        rows = list(super().rows(stream_slice))
        day = stream_slice["start_time"][:10]
        if day < self.config["today"]:
            held = {**self.known(day), **{self.key_of(row): self.figures_of(row) for row in rows}}
            self._compare(day, held.values())
        return rows

    def _compare(self, day: str, held: Collection[Figures]) -> None:
        total = self.total_of(day)
        assert total
        (sms, eur), (total_sms, total_eur) = _billed(held), _billed([total])
        if (sms, eur) != (total_sms, total_eur):
            LOGGER.warning(
                "seven.io's accounts add up to %s SMS and %s EUR on %s, the day's total says %s SMS and %s EUR: "
                "compare with the seven.io dashboard.",
                *(sms, eur, day, total_sms, total_eur),
            )

    def rows_of(self, day: str, stream_slice: StreamSlice) -> Iterable[Row]:
        one = {"all": None, ONLY_MAIN: MAIN}.get(self._whose, self._whose)
        if self.is_silent(day):
            return [self._zeros(day, one or MAIN)]
        if one is None:
            rows = self._rows_of_named(day, stream_slice)
        else:
            rows = self._rows_of_account(stream_slice, one)
            if not rows and not self.is_ungrouped(day):
                raise _no_answer(day)
        return rows or [self._zeros(day, one or MAIN)]

    def _rows_of_named(self, day: str, stream_slice: StreamSlice) -> Sequence[Row]:
        """The rows of all accounts that the day concerns."""
        response = answer(self.names_requester, stream_slice)
        counters = grouped(FieldReader(PROVIDER, response), response.json(), "account")
        named = {name: self.figures_of(row) for name, row in counters.items() if has_usage(row)}
        called = {name: [*self._called(name)] or [MAIN] for name in named}
        whole = [*named.values()]
        # An empty list is no answer to a day with usage: then the day's total says how much there is to find.
        if not whole and (total := self.total_of(day)):
            whole = [total]
        by_account: dict[str, Sequence[Row]] = {}
        rows: list[Row] = []
        for accounts in (dict.fromkeys(chain(*called.values())), (MAIN,), self._listed):
            new = [account for account in accounts if account not in by_account]
            answers = self._command.each(partial(self._rows_of_account, stream_slice), new)
            by_account |= zip(new, answers, strict=True)
            rows += chain(*answers)
            if _billed(map(self.figures_of, rows)) == _billed(whole):
                return rows
            if MAIN in by_account and day >= self.config["today"]:
                # Messages are being sent, so that nothing adds up. A later sync decides.
                return rows
        for name, (first, *others) in called.items():
            if first != MAIN and not others and not by_account[first] and any(_billed([named[name]])):
                raise _no_answer(day)
        return rows

    def _rows_of_account(self, stream_slice: StreamSlice, account: str) -> Sequence[Row]:
        """Those with usage."""
        whose = ONLY_MAIN if account == MAIN else account
        response = answer(self.requester, stream_slice, {"subaccounts": whose})
        rows = self.record_selector.extractor.extract_records(response)
        return [self._of_account(account, row) for row in rows if has_usage(row)]

    def rows_of_zeros(self, day: str, rows: Collection[Row], gone: Mapping[Key, Figures]) -> Iterable[Row]:
        named = {row["account_id"] for row in rows}
        deleted: dict[Key, list[Figures]] = {}
        for (account, _), figures in gone.items():
            if account != MAIN and account not in named and account not in self._listed:
                deleted.setdefault((account,), []).append(figures)
        totals = {account: tuple(map(plain, summed(figures))) for account, figures in deleted.items()}
        staying: Collection[Key] | None = ()
        if totals:
            staying = self.staying([self.figures_of(row) for row in rows], totals, self.total_of(day))
        kept = totals if staying is None else staying
        return [self._zeros(day, account, country) for account, country in gone if (account,) not in kept]

    def key_of(self, row: Row) -> Key:
        return (row["account_id"], row["country"])

    def _zeros(self, day: str, account: str, country: str = "") -> Row:
        return self._of_account(account, record_of_zeros(day, "country", self.config, country))

    def _of_account(self, account: str, usage: Row) -> Row:
        company = None if account == MAIN else self._listed.get(account, {}).get("company")
        return {**usage, "account_id": account, "company": company, "is_main_account": account == MAIN}

    def _called(self, name: str) -> Iterable[str]:
        """The accounts of a display name; which field it is of is not documented."""
        return (
            account_id
            for account_id, account in self._listed.items()
            if name and name in (account["company"], account["username"])
        )

    @property
    def _listed(self) -> Mapping[str, Row]:
        return self._accounts.get("", self._ask_list)

    def _ask_list(self) -> Mapping[str, Row]:
        return subaccounts(answer(self.subaccounts_requester))

    @property
    def _command(self) -> SyncSession:
        command: SyncSession = self.config["_session"]
        return command


def _billed(rows: Iterable[Figures]) -> tuple[int | float, int | float]:
    """The messages and the costs of some rows. What else is counted may have no country."""
    sums = dict(zip(FIGURES, summed(rows), strict=True))
    return plain(sums["sms"]), plain(sums["usage_eur"])


def _no_answer(day: str) -> AirbyteTracedException:
    return transient_error(
        f"seven.io names usage of an account on {day}, but answers none when it is asked for that account. "
        "The next sync asks again."
    )
