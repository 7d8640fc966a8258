"""The marts of dbt_sms_spend, worked out from the records that the sandbox's world makes.

Knows nothing of the SQL, so that a mistake there shows. Money and units are exact Decimals, days are texts. A mart is a
list of rows in no order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

MARTS = (
    "sms__days",
    "sms__completeness",
    "sms__daily_spend",
    "sms__spend_by_label",
    "sms__balance_runout",
    "sms__price_history",
    "sms__price_changes",
    "sms__monthly_statement",
)

Row = dict[str, Any]
Records = Mapping[str, list[Row]]

SEVEN, SMSFACTOR = "seven.io", "SMSFactor"
COUNTERS = ("sms", "rcs", "voice", "hlr", "mnp", "inbound")
BY_ACCOUNT = "analytics_by_subaccount_and_country"
NONE: dict[str, list[str]] = {"too_many": [], "missing": []}
"""The `difference` of rows that are as expected."""

PLACES = Decimal("0.000000001")
BUILT_AT = ("built_at", "x_built_at")
"""Columns that say when a mart was built, which no record tells."""


@dataclass(frozen=True)
class Variables:
    """Those of dbt_project.yml that the marts depend on; prices are (valid_from, price, currency), the oldest first."""

    source_relation: str = "sms"
    include_partial_days: bool = False
    prices: tuple[tuple[str, str, str], ...] = ()
    seven_balance_accounts: tuple[str, ...] = ()
    smsfactor_balance_accounts: tuple[str, ...] = ()
    alert_days_behind: int = 2
    anomaly_factor: int = 3
    anomaly_weeks: int = 8
    anomaly_weeks_needed: int = 4
    anomaly_min_eur: int = 10
    anomaly_min_units: int = 100


def expected_marts(records: Records, variables: Variables | None = None) -> dict[str, list[Row]]:
    """Model -> its rows, of tables that hold `records`: all snapshots and all days that were read.

    A stream that is not synced has no records.
    """
    return _Marts(records, variables or Variables()).all()


class _Marts:
    def __init__(self, records: Records, variables: Variables) -> None:
        self.records = records
        self.variables = variables
        self.days = self._days()
        # A row without a value makes its day invalid, and counts for nothing else.
        self.records = {
            **records,
            "consumption": [row for row in records["consumption"] if row["consumption"] is not None],
        }
        self.days_with_accounts = self._days_with_accounts()
        self.shown = {
            (row["provider"], row["date"]): row["status"] == "partial"
            for row in self.days
            if row["status"] == "complete" or (row["status"] == "partial" and variables.include_partial_days)
        }
        self.daily_spend = self._daily_spend()

    def all(self) -> dict[str, list[Row]]:
        marts = self._marts()
        connection = self.variables.source_relation
        return {mart: [{"source_relation": connection, **row} for row in rows] for mart, rows in marts.items()}

    def _marts(self) -> dict[str, list[Row]]:
        return {
            "sms__days": self.days,
            "sms__completeness": self._completeness(),
            "sms__daily_spend": self.daily_spend,
            "sms__spend_by_label": self._spend_by_label(),
            "sms__balance_runout": self._balance_runout(),
            "sms__price_history": self._price_history(),
            "sms__price_changes": self._price_changes(),
            "sms__monthly_statement": self._monthly_statement(),
        }

    def _days(self) -> list[Row]:
        reported: dict[tuple[str, str], Row] = {}
        for row in self.records["analytics"]:
            if row["sms"] is None or row["usage_eur"] is None:
                reported[SEVEN, row["date"]] = {"is_invalid": True}
                continue
            figures = {"messages": _messages(row), "units": None, "amount": exact(row["usage_eur"])}
            reported[SEVEN, row["date"]] = {**figures, "currency": "EUR", "is_partial": row["is_partial"]}
        for day, rows in grouped(self.records["consumption"], lambda row: row["date"]).items():
            if any(row["consumption"] is None for row in rows):
                reported[SMSFACTOR, day] = {"is_invalid": True}
                continue
            units = sum(exact(row["consumption"]) for row in rows)
            figures = {"messages": None, "units": units, **self._money(day, units)}
            reported[SMSFACTOR, day] = {**figures, "is_partial": all(row["is_partial"] for row in rows)}
        return [
            {
                "provider": provider,
                "date": day,
                "status": _status(reported.get((provider, day))),
                **{
                    name: reported.get((provider, day), {}).get(name)
                    for name in ("messages", "units", "amount", "currency")
                },
            }
            for provider in (SEVEN, SMSFACTOR)
            for day in _days_between([day for whose, day in reported if whose == provider])
        ]

    def _completeness(self) -> list[Row]:
        rows = []
        for provider, days in grouped(self.days, lambda row: row["provider"]).items():
            dates = {status: [row["date"] for row in days if row["status"] == status] for status in STATUSES}
            gaps = [row["date"] for row in days if row["status"] != "complete"]
            before_gaps = [day for day in dates["complete"] if not gaps or day < min(gaps)]
            rows.append(
                {
                    "provider": provider,
                    "first_day": min(row["date"] for row in days),
                    "complete_to": max(before_gaps, default=None),
                    "last_complete_day": max(dates["complete"], default=None),
                    **{f"days_{status}": len(each) for status, each in dates.items()},
                }
            )
        return rows

    def _days_with_accounts(self) -> set[str]:
        """The days of seven.io that were read by account and country, and add up to the day's total."""
        totals = {
            row["date"]: _billed([row])
            for row in self.records["analytics"]
            if row["sms"] is not None and row["usage_eur"] is not None
        }
        read = grouped(self.records[BY_ACCOUNT], lambda row: row["date"])
        return {day for day, rows in read.items() if _billed(rows) == totals.get(day)}

    def _of_accounts(self) -> list[Row]:
        """The rows with usage of these days."""
        return [row for row in self.records[BY_ACCOUNT] if row["date"] in self.days_with_accounts and _has_usage(row)]

    def _without_accounts(self, stream: str) -> list[Row]:
        """The rows with usage of a stream that names no ids, of the other days."""
        return [row for row in self.records[stream] if row["date"] not in self.days_with_accounts and _has_usage(row)]

    def _daily_spend(self) -> list[Row]:
        prices = grouped(self.records["pricing"], lambda row: (row["date"], row["country_code"]))
        lists = sorted({row["date"] for row in self.records["pricing"]})
        rows = []
        for row in [*self._of_accounts(), *self._without_accounts("analytics_by_country")]:
            newest = max((day for day in lists if day <= row["date"]), default=lists[0] if lists else None)
            listed = prices.get((newest, row["country"]), []) if row["country"] else []
            own = [exact(price["price"]) for price in listed]
            only_sms = row["sms"] and not any(row[name] for name in COUNTERS[1:])
            rows.append(
                {
                    "provider": SEVEN,
                    "date": row["date"],
                    "account_id": row.get("account_id"),
                    "account_name": row.get("company"),
                    "country": row["country"] or None,
                    "messages": _messages(row),
                    "units": None,
                    "amount": exact(row["usage_eur"]),
                    "currency": "EUR",
                    "amount_per_sms": rounded(exact(row["usage_eur"]) / row["sms"], "0.0001") if only_sms else None,
                    "default_list_price": next(
                        (exact(price["price"]) for price in listed if not price["network_name"]), None
                    ),
                    "lowest_list_price": min(own, default=None),
                    "highest_list_price": max(own, default=None),
                    "list_price_date": newest if listed else None,
                    "list_price_basis": _basis(row["date"], newest) if listed else None,
                }
            )
        for row in self.records["consumption"]:
            if row["consumption"]:
                rows.append(
                    {
                        "provider": SMSFACTOR,
                        "date": row["date"],
                        "account_id": row["account_id"],
                        "account_name": row["company"],
                        "country": row["country"] or None,
                        "messages": None,
                        "units": exact(row["consumption"]),
                        **self._money(row["date"], exact(row["consumption"])),
                        "amount_per_sms": None,
                        "default_list_price": None,
                        "lowest_list_price": None,
                        "highest_list_price": None,
                        "list_price_date": None,
                        "list_price_basis": None,
                    }
                )
        return self._of_shown_days(rows)

    def _spend_by_label(self) -> list[Row]:
        return self._of_shown_days(
            {
                "provider": SEVEN,
                "date": row["date"],
                "label": row["label"],
                "messages": _messages(row),
                "amount": exact(row["usage_eur"]),
                "currency": "EUR",
            }
            for row in self.records["analytics_by_label"]
            if _has_usage(row)
        )

    def _by_account(self) -> list[Row]:
        rows = [
            {
                "provider": SEVEN,
                "date": row["date"],
                "account_id": row.get("account_id"),
                "account_name": row["company"] if "account_id" in row else row["account"],
                "messages": _messages(row),
                "units": None,
                "amount": exact(row["usage_eur"]),
                "currency": "EUR",
            }
            for row in [*self._of_accounts(), *self._without_accounts("analytics_by_subaccount")]
        ]
        for row in self.records["consumption"]:
            if row["consumption"]:
                units = exact(row["consumption"])
                whose = {"account_id": row["account_id"], "account_name": row["company"]}
                rows.append({"provider": SMSFACTOR, "date": row["date"], **whose, "messages": None, "units": units})
                rows[-1].update(self._money(row["date"], units))
        return rows

    def _balance_runout(self) -> list[Row]:
        rows = []
        names, ids = self.variables.seven_balance_accounts, self.variables.smsfactor_balance_accounts
        for row in self._latest("balance"):
            usage = [
                (each["date"], exact(each["usage_eur"]))
                for each in self.records["analytics_by_subaccount"]
                if not names or each["account"] in names
            ]
            rows.append(self._runout(SEVEN, row, row["amount"], "unknown", usage))
        for row in self._latest_list("subaccount_balances", "balance"):
            if row["balance"] is not None:
                usage = [
                    (each["date"], exact(each["usage_eur"]))
                    for each in self._of_accounts()
                    if each["account_id"] == row["account_id"]
                ]
                account = {"account_name": row["company"], "is_topped_up": bool(row["auto_topup_amount"])}
                rows.append({**self._runout(SEVEN, row, row["balance"], "unknown", usage), **account})
        for row in self._latest("credits"):
            kind = "unlimited" if row["unlimited"] else _KINDS[row["postpaid"]]
            usage = [
                (each["date"], exact(each["consumption"]))
                for each in self.records["consumption"]
                if not ids or each["account_id"] in ids
            ]
            rows.append(self._runout(SMSFACTOR, row, row["credits"], kind, usage))
        for row in self._latest_list("subaccount_credits", "credits"):
            if row["credits"] is not None or row["unlimited"]:
                kind = {True: "unlimited", False: "prepaid", None: "unknown"}[row["unlimited"]]
                usage = [
                    (each["date"], exact(each["consumption"]))
                    for each in self.records["consumption"]
                    if each["account_id"] == row["account_id"]
                ]
                account = {"account_name": row["description"]}
                rows.append({**self._runout(SMSFACTOR, row, row["credits"], kind, usage), **account})
        return rows

    def _latest(self, stream: str) -> list[Row]:
        latest = max((row["date"] for row in self.records[stream]), default=None)
        return [row for row in self.records[stream] if row["date"] == latest]

    def _latest_list(self, stream: str, balance: str) -> list[Row]:
        """None if the balance that was read beside it has gone on without it: an empty list has no rows."""
        accounts, others = self._latest(stream), self._latest(balance)
        if accounts and others:
            behind = date.fromisoformat(others[0]["date"]) - date.fromisoformat(accounts[0]["date"])
            return accounts if behind.days <= self.variables.alert_days_behind else []
        return accounts

    def _runout(self, provider: str, snapshot: Row, balance: Any, kind: str, usage: list[tuple[str, Decimal]]) -> Row:
        today = date.fromisoformat(snapshot["date"])
        known = {row["date"] for row in self.days if row["provider"] == provider and row["status"] == "complete"}
        account = snapshot.get("account_id")
        if provider == SEVEN and account is not None:
            known &= self.days_with_accounts
        used: dict[str, Decimal] = defaultdict(Decimal)
        for day, figure in usage:
            used[day] += figure
        means: dict[int, Decimal | None] = {}
        counts = {}
        for span in (7, 28):
            days = [str(today - timedelta(days=n)) for n in range(1, span + 1)]
            # A refund says nothing about the days to come.
            counted = [used[day] for day in days if day in known and used[day] >= 0]
            counts[span] = len(counted)
            total = sum(counted, Decimal())
            means[span] = total / counts[span] if counts[span] else None
        highest = max((mean for mean in means.values() if mean and mean > 0), default=None)
        measured_in = snapshot["currency"] or "unknown" if "currency" in snapshot else _MEASURES[provider]
        has_end = kind in ("prepaid", "unknown") and highest is not None and measured_in in _MEASURES.values()
        days_left = int((max(exact(balance), Decimal()) / highest).to_integral_value(ROUND_DOWN)) if has_end else None
        return {
            "provider": provider,
            "account_id": account,
            "account_name": None,
            "kind": kind,
            "is_topped_up": False,
            "balance_date": snapshot["date"],
            "balance": None if balance is None else exact(balance),
            "measured_in": measured_in,
            **{f"days_in_mean_{span}": counts[span] for span in counts},
            **{f"mean_{span}_days": None if mean is None else rounded(mean, PLACES) for span, mean in means.items()},
            "days_left": days_left,
            "runs_out_on": None if days_left is None or days_left > 3650 else str(today + timedelta(days=days_left)),
            "forecast_status": _forecast_status(kind, balance, measured_in, days_left),
        }

    def _price_history(self) -> list[Row]:
        lists = sorted({row["date"] for row in self.records["pricing"]})
        following = dict(pairwise(lists))
        rows = []
        for (country, mcc, network), prices in grouped(self.records["pricing"], _network).items():
            by_day = {row["date"]: exact(row["price"]) for row in prices}
            names = {row["country_name"] for row in prices}
            begun: str | None = None
            for day in lists:
                price, next_day = by_day.get(day), following.get(day)
                if price is None:
                    continue
                begun = begun or day
                if next_day is None or by_day.get(next_day) != price:
                    rows.append(
                        {
                            "provider": SEVEN,
                            "country_code": country,
                            "country_name": max(names),
                            "mcc": mcc,
                            "network_name": network,
                            "price": price,
                            "currency": "EUR",
                            "valid_from": begun,
                            "valid_to": next_day,
                            "last_listed_on": day,
                        }
                    )
                    begun = None
        return rows

    def _price_changes(self) -> list[Row]:
        lists = grouped(self.records["pricing"], lambda row: row["date"])
        names = {_network(row): row["country_name"] for row in self.records["pricing"]}
        rows = []
        for old_day, new_day in pairwise(sorted(lists)):
            old, new = ({_network(row): exact(row["price"]) for row in lists[day]} for day in (old_day, new_day))
            for key in old.keys() | new.keys():
                before, after = old.get(key), new.get(key)
                if before == after:
                    continue
                sent = self._sms_of_28_days(key[0])
                is_known = sent is not None and before is not None and after is not None
                rows.append(
                    {
                        "provider": SEVEN,
                        "date": new_day,
                        "last_listed_on": None if before is None else old_day,
                        "country_code": key[0],
                        "country_name": names[key],
                        "mcc": key[1],
                        "network_name": key[2],
                        "old_price": before,
                        "new_price": after,
                        "currency": "EUR",
                        "percent_change": rounded(after * 100 / before - 100, "0.01") if before and after else None,
                        "change": _change(before, after),
                        "sms_28_days": sent,
                        "amount_moved_28_days": sent * (after - before) if is_known else None,
                    }
                )
        return rows

    def _sms_of_28_days(self, country: str) -> int | None:
        """SMS to a country in the 28 days up to the last complete one; None without a complete day."""
        complete = {row["date"] for row in self.days if (row["provider"], row["status"]) == (SEVEN, "complete")}
        if not complete:
            return None
        first = str(date.fromisoformat(max(complete)) - timedelta(days=27))
        rows = [row for row in self.records["analytics_by_country"] if row["date"] in complete and row["date"] >= first]
        return sum(row["sms"] for row in rows if country and row["country"] == country)

    def _monthly_statement(self) -> list[Row]:
        shown = self._of_shown_days(self._by_account())
        complete = grouped(
            [row for row in self.days if row["status"] == "complete"], lambda row: (row["provider"], row["date"][:7])
        )
        # An account with an id goes by its newest name of the month.
        names = {
            (row["date"][:7], row["provider"], row["account_id"]): row["account_name"]
            for row in sorted(shown, key=lambda row: row["date"])
            if row["account_id"] is not None and row["account_name"] is not None
        }
        for row in shown:
            if row["account_id"] is not None:
                row["account_name"] = names.get((row["date"][:7], row["provider"], row["account_id"]))
        keys = ("provider", "account_id", "account_name", "currency")
        rows = []
        for key, parts in grouped(shown, lambda row: (row["date"][:7], *(row[name] for name in keys))).items():
            days = len(complete.get((key[1], key[0]), []))
            rows.append(
                {
                    "month": f"{key[0]}-01",
                    **dict(zip(keys, key[1:], strict=True)),
                    **{name: _sum(row[name] for row in parts) for name in ("messages", "units", "amount")},
                    "complete_days": days,
                    "is_whole_month": days == (_next_month(key[0]) - date.fromisoformat(f"{key[0]}-01")).days,
                }
            )
        return rows

    def _money(self, day: str, units: Decimal) -> Row:
        known = [price for price in self.variables.prices if price[0] <= day]
        if not known:
            return {"amount": None, "currency": None}
        _, price, currency = known[-1]
        return {"amount": rounded(units * Decimal(price), PLACES), "currency": currency}

    def _of_shown_days(self, rows: Iterable[Row]) -> list[Row]:
        return [
            {**row, "is_partial": self.shown[row["provider"], row["date"]]}
            for row in rows
            if (row["provider"], row["date"]) in self.shown
        ]


def difference(rows: Iterable[Row], expected: Iterable[Row]) -> dict[str, list[str]]:
    """The rows that are too many and those that are missing; numbers count by their value, days and times as texts."""
    rows = [{name: value for name, value in row.items() if name not in BUILT_AT} for row in rows]
    found, due = (Counter(_text(row) for row in each) for each in (rows, expected))
    return {"too_many": sorted((found - due).elements())[:3], "missing": sorted((due - found).elements())[:3]}


def plain(value: Any) -> Any:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        # Minus zero is zero.
        return format((Decimal(value) + 0).normalize(), "f")
    return value if value is None or isinstance(value, bool) else str(value)


def exact(number: Any) -> Decimal:
    """As the text of the number says, and not as its binary fraction."""
    return Decimal(str(number))


def rounded(number: Decimal, to: str | Decimal) -> Decimal:
    return number.quantize(Decimal(to), ROUND_HALF_UP)


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _text(row: Row) -> str:
    return str([(name, plain(row[name])) for name in sorted(row)])


STATUSES = ("complete", "partial", "missing", "invalid")
_MEASURES = {SEVEN: "EUR", SMSFACTOR: "credits"}
_KINDS = {True: "postpaid", False: "prepaid", None: "unknown"}


def _status(reported: Row | None) -> str:
    if reported is None:
        return "missing"
    if reported.get("is_invalid"):
        return "invalid"
    return "partial" if reported["is_partial"] else "complete"


def _messages(row: Row) -> int:
    return int(row["sms"] + (row["rcs"] or 0))


def _basis(day: str, list_day: str | None) -> str:
    if list_day == day:
        return "listed"
    return "carried_forward" if list_day and list_day < day else "before_first_list"


def _forecast_status(kind: str, balance: Any, measured_in: str, days_left: int | None) -> str:
    if kind in ("postpaid", "unlimited"):
        return kind
    if balance < 0:
        return "owed"
    if measured_in not in _MEASURES.values():
        return "other_currency"
    return "no_usage" if days_left is None else "forecast"


def _has_usage(row: Row) -> bool:
    return any(row[name] for name in (*COUNTERS, "usage_eur"))


def _billed(rows: Iterable[Row]) -> tuple[int, Decimal]:
    """The messages and the cost of some rows."""
    rows = list(rows)
    return sum(_messages(row) for row in rows), sum((exact(row["usage_eur"]) for row in rows), Decimal())


def _days_between(days: list[str]) -> list[str]:
    if not days:
        return []
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    return [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def _network(row: Row) -> tuple[str, str, str]:
    return row["country_code"], row["mcc"], row["network_name"]


def _change(before: Decimal | None, after: Decimal | None) -> str:
    if before is None:
        return "came"
    if after is None:
        return "went"
    return "rose" if after > before else "fell"


def _sum(figures: Iterable[Any]) -> Any:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def _next_month(month: str) -> date:
    return (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1)
