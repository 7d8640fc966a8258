"""The finance marts of dbt_sms_spend, computed from the records of the sandbox's world.

Knows nothing of the SQL. Money and units are exact Decimals, days are texts. A mart is a list of rows in no order.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from integration_tests.expected_spend import (
    BY_ACCOUNT,
    COUNTERS,
    PLACES,
    SEVEN,
    SMSFACTOR,
    Records,
    Row,
    Variables,
    exact,
    expected_marts,
    grouped,
    rounded,
)

FINANCE_MARTS = (
    "sms__balance_daily",
    "sms__effective_prices",
    "sms__month_forecast",
    "sms__spend_by_label_month",
    "sms__chargeback",
    "sms__invoice_variance",
    "sms__unusual_days",
    "sms__focus_1_4",
    "sms__focus_1_2",
    "sms__focus_unpriced",
)

CENT = Decimal("0.01")
STEPS = [
    Decimal(step) for step in (10000, 5000, 2500, 1000, 500, 250, 100, 50, 25, 10, 5, 1, "0.5", "0.1", "0.05", "0.01")
]
# 80 % of the t distribution of eight weeks lie within so many standard deviations.
DEVIATIONS = 1.4149


@dataclass(frozen=True)
class Finance:
    """The variables and seeds of the finance marts: (month, provider, measured_in, amount) and
    (month, provider, invoice_id, currency, amount)."""

    budget: tuple[tuple[str, str, str, str], ...] = ()
    invoices: tuple[tuple[str, str, str, str, str], ...] = ()
    least_topup: tuple[tuple[str, str], ...] = ((SEVEN, "5"), (SMSFACTOR, "10"))
    forecast_weeks: int = 8


def expected_finance(
    records: Records, variables: Variables | None = None, finance: Finance | None = None
) -> dict[str, list[Row]]:
    """Model -> its rows without source_relation and built_at, of tables that hold `records`."""
    return _Finance(records, variables or Variables(), finance or Finance()).all()


class _Finance:
    def __init__(self, records: Records, variables: Variables, finance: Finance) -> None:
        self.records = records
        self.variables = variables
        self.finance = finance
        self.marts = expected_marts(records, variables)
        self.days = self.marts["sms__days"]
        self.complete = {(row["provider"], row["date"]) for row in self.days if row["status"] == "complete"}
        shown = ("complete", "partial") if variables.include_partial_days else ("complete",)
        self.shown = {(row["provider"], row["date"]) for row in self.days if row["status"] in shown}
        totals = {row["date"]: _messages_and_cost([row]) for row in records["analytics"]}
        self.days_with_accounts = {
            day
            for day, rows in grouped(records[BY_ACCOUNT], lambda row: row["date"]).items()
            if _messages_and_cost(rows) == totals.get(day)
        }
        self.ledger = self._balance_daily()

    def all(self) -> dict[str, list[Row]]:
        return {
            "sms__balance_daily": self.ledger,
            "sms__effective_prices": self._effective_prices(),
            "sms__month_forecast": self._month_forecast(),
            "sms__spend_by_label_month": self._spend_by_label_month(),
            "sms__chargeback": self._chargeback(),
            "sms__invoice_variance": self._invoice_variance(),
            "sms__unusual_days": self._unusual_days(),
            "sms__focus_1_4": [row for row in self._focus() if row["BilledCost"] is not None],
            "sms__focus_1_2": [
                {
                    **{name: value for name, value in row.items() if name not in OF_1_3},
                    **dict.fromkeys(("ProviderName", "PublisherName"), row["ServiceProviderName"]),
                }
                for row in self._focus()
                if row["BilledCost"] is not None
            ],
            "sms__focus_unpriced": [
                {name: row[name] for name in UNPRICED} for row in self._focus() if row["BilledCost"] is None
            ],
        }

    def _balance_daily(self) -> list[Row]:
        rows: list[Row] = []
        names, ids = self.variables.seven_balance_accounts, self.variables.smsfactor_balance_accounts
        of_seven = _by_day(
            (row["date"], row["usage_eur"])
            for row in self.records["analytics_by_subaccount"]
            if not names or row["account"] in names
        )
        rows += self._ledger(SEVEN, None, self.records["balance"], "amount", of_seven, lambda day: True)
        for account, snapshots in grouped(self.records["subaccount_balances"], lambda row: row["account_id"]).items():
            used = _by_day(
                (row["date"], row["usage_eur"]) for row in self.records[BY_ACCOUNT] if row["account_id"] == account
            )
            known = self.days_with_accounts.__contains__
            rows += self._ledger(SEVEN, account, snapshots, "balance", used, known, "company")
        used = _by_day(
            (row["date"], row["consumption"])
            for row in self.records["consumption"]
            if not ids or row["account_id"] in ids
        )
        rows += self._ledger(SMSFACTOR, None, self.records["credits"], "credits", used, lambda day: True)
        for account, snapshots in grouped(self.records["subaccount_credits"], lambda row: row["account_id"]).items():
            used = _by_day(
                (row["date"], row["consumption"]) for row in self.records["consumption"] if row["account_id"] == account
            )
            limited = [row for row in snapshots if not row["unlimited"]]
            rows += self._ledger(SMSFACTOR, account, limited, "credits", used, lambda day: True, "description")
        return rows

    def _ledger(
        self,
        provider: str,
        account: str | None,
        snapshots: list[Row],
        column: str,
        used: dict[str, Decimal],
        is_known: Callable[[str], bool],
        name: str | None = None,
    ) -> list[Row]:
        snapshots = sorted((row for row in snapshots if row[column] is not None), key=lambda row: row["date"])
        known = {day for whose, day in self.complete if whose == provider and is_known(day)}
        least = Decimal(dict(self.finance.least_topup)[provider])
        names = [row[name] for row in snapshots if name and row[name]]

        def between(first: date, last: date) -> tuple[Decimal, bool]:
            days = [str(first + timedelta(days=n)) for n in range((last - first).days)]
            return sum((used.get(day, Decimal()) for day in days if day in known), Decimal()), known.issuperset(days)

        day = timedelta(days=1)
        pairs = []
        for one, other in pairwise(snapshots):
            unit = one.get("currency") or ("EUR" if provider == SEVEN else "credits")
            if unit != (other.get("currency") or unit):
                continue
            first, second = date.fromisoformat(one["date"]), date.fromisoformat(other["date"])
            rise = exact(other[column]) - exact(one[column])
            pairs.append((first, second, unit, exact(one[column]), exact(other[column]), rise))
        fits = {"start of day": 0, "end of day": 0, "judged": 0}
        for first, second, _unit, _opening, _closing, rise in pairs:
            from_starts, all_known = between(first, second)
            from_ends, all_known_at_end = between(first + day, second + day)
            if all_known and from_starts != from_ends:
                fits["judged"] += 1
                fits["start of day"] += abs(rise + from_starts) <= CENT
                fits["end of day"] += all_known_at_end and abs(rise + from_ends) <= CENT
        moment = "during the day"
        for name_of_moment in ("end of day", "start of day"):
            is_beaten = name_of_moment == "start of day" and fits["end of day"] > fits["start of day"]
            if fits[name_of_moment] >= 2 and 2 * fits[name_of_moment] >= fits["judged"] and not is_beaten:
                moment = name_of_moment

        rows = []
        for first, second, unit, opening, closing, rise in pairs:
            shift = day if moment == "end of day" else timedelta()
            usage, all_known = between(first + shift, second + shift)
            edges = [used.get(str(each), Decimal()) if str(each) in known else Decimal() for each in (first, second)]
            low = high = rise + usage
            tolerance = CENT
            if moment == "during the day":
                low = rise + usage - edges[0] + sum(min(edge, Decimal()) for edge in edges)
                high = rise + usage - edges[0] + sum(max(edge, Decimal()) for edge in edges)
                tolerance = max(abs(edge) for edge in edges) + CENT
            else:
                low, high = low - CENT, high + CENT
            is_money = unit in ("EUR", "credits")
            top_up = Decimal()
            if is_money and all_known and low + CENT >= least:
                whole = (rise + usage).to_integral_value(ROUND_HALF_UP)
                if moment == "during the day":
                    top_up = roundest(low, high)
                else:
                    top_up = whole if abs(rise + usage - whole) < Decimal("0.009") else rounded(rise + usage, CENT)
            for number in range((second - first).days):
                today = first + shift + number * day
                is_last = number == (second - first).days - 1
                before = between(first + shift, today)[0] if is_money else Decimal()
                of_today = used.get(str(today), Decimal()) if str(today) in known and is_money else None
                opens = opening - before
                closes = closing if is_last else opens - (of_today or 0)
                credit = top_up if is_last else Decimal()
                rest = closes - opens - credit + (of_today or 0)
                status = "explained"
                if not is_money:
                    status = "other currency"
                elif not all_known:
                    status = "usage not known"
                elif credit:
                    status = "topped up"
                elif abs(rest) > tolerance:
                    status = "unexplained"
                rows.append(
                    {
                        "provider": provider,
                        "account_id": account,
                        "account_name": names[-1] if names else None,
                        "date": str(today),
                        "measured_in": unit,
                        "opening_balance": opens,
                        "top_up": credit,
                        "used": of_today,
                        "unexplained": rest,
                        "closing_balance": closes,
                        "is_measured": is_last,
                        "days_between_snapshots": (second - first).days,
                        "snapshot_moment": moment,
                        "tolerance": tolerance,
                        "status": status,
                    }
                )
        return rows

    def _usage_of_seven(self) -> list[Row]:
        """The rows with usage of the shown days, by account where all accounts of a day are known."""
        rows = [row for row in self.records[BY_ACCOUNT] if row["date"] in self.days_with_accounts]
        rows += [row for row in self.records["analytics_by_country"] if row["date"] not in self.days_with_accounts]
        return [
            row
            for row in rows
            if (SEVEN, row["date"]) in self.shown and any(row[name] for name in (*COUNTERS, "usage_eur"))
        ]

    def _effective_prices(self) -> list[Row]:
        lists = grouped(self.records["pricing"], lambda row: row["date"])
        rows = []
        by_month = grouped(self._usage_of_seven(), lambda row: (row["date"][:7], row["country"] or None))
        for (month, country), usage in by_month.items():
            messages = paid = at_lowest = at_highest = Decimal()
            early = 0
            for row in usage:
                if not lists or not row["sms"] or row["sms"] < 0 or any(row[name] for name in COUNTERS[1:]):
                    continue
                before = [day for day in lists if day <= row["date"]]
                prices = [
                    exact(each["price"])
                    for each in lists[max(before) if before else min(lists)]
                    if country and each["country_code"] == country
                ]
                if prices:
                    messages += row["sms"]
                    early += 0 if before else row["sms"]
                    paid += exact(row["usage_eur"])
                    at_lowest += row["sms"] * min(prices)
                    at_highest += row["sms"] * max(prices)
            over = paid - at_highest if paid > at_highest else paid - at_lowest if paid < at_lowest else Decimal()
            rows.append(
                {
                    "provider": SEVEN,
                    "month": f"{month}-01",
                    "country": country,
                    "messages": sum(row["sms"] + row["rcs"] for row in usage),
                    "amount": sum((exact(row["usage_eur"]) for row in usage), Decimal()),
                    "currency": "EUR",
                    "messages_compared": messages,
                    "messages_before_first_list": early,
                    "amount_compared": paid if messages else None,
                    "paid_per_message": rounded(paid / messages, "0.000001") if messages else None,
                    "lowest_list_price": rounded(at_lowest / messages, "0.000001") if messages else None,
                    "highest_list_price": rounded(at_highest / messages, "0.000001") if messages else None,
                    "over_list": over if messages else None,
                }
            )
        return rows

    def _month_forecast(self) -> list[Row]:
        rows = []
        for provider in (SEVEN, SMSFACTOR):
            figures = {}
            for row in self.days:
                if row["provider"] == provider and row["status"] == "complete":
                    used = row["units"] if row["amount"] is None else row["amount"]
                    figures[date.fromisoformat(row["date"])] = (row["currency"] or "units", used)
            if figures:
                rows.append(forecast(provider, figures, self.finance))
        return rows

    def _spend_by_label_month(self) -> list[Row]:
        months = grouped(self.marts["sms__spend_by_label"], lambda row: (row["date"][:7], row["label"]))
        spent = {key: sum((row["amount"] for row in rows), Decimal()) for key, rows in months.items()}
        return [
            {
                "provider": SEVEN,
                "month": f"{month}-01",
                "label": label,
                "messages": sum(row["messages"] for row in rows),
                "amount": spent[month, label],
                "currency": "EUR",
                "percent_of_month": _percent(
                    spent[month, label], sum(each for key, each in spent.items() if key[0] == month)
                ),
                "amount_month_before": spent.get((_month_before(month), label), Decimal()),
            }
            for (month, label), rows in months.items()
        ]

    def _chargeback(self) -> list[Row]:
        """From the statement's figures; the names from the records."""
        newest: dict[tuple[str, str], tuple[str, str]] = {}
        for provider, rows in (
            (SEVEN, [row for row in self._usage_by_account() if row["company"]]),
            (SMSFACTOR, [row for row in self.records["consumption"] if row["consumption"] and row["company"]]),
        ):
            for row in rows:
                key = (provider, row["account_id"])
                if key not in newest or newest[key][0] < row["date"]:
                    newest[key] = (row["date"], row["company"])
        rows = []
        for row in self.marts["sms__monthly_statement"]:
            name = row["account_name"]
            if row["account_id"] is not None:
                name = newest.get((row["provider"], row["account_id"]), (None, None))[1]
            fellows = [
                each
                for each in self.marts["sms__monthly_statement"]
                if all(each[key] == row[key] for key in ("month", "provider", "currency"))
            ]
            kept = ("month", "provider", "account_id", "messages", "units", "amount", "currency")
            rows.append(
                {
                    **{key: row[key] for key in kept},
                    "account_name": name,
                    "percent_of_month": _percent(_used(row), sum(_used(each) for each in fellows)),
                }
            )
        return rows

    def _usage_by_account(self) -> list[Row]:
        return [
            row
            for row in self.records[BY_ACCOUNT]
            if row["date"] in self.days_with_accounts and any(row[name] for name in (*COUNTERS, "usage_eur"))
        ]

    def _invoice_variance(self) -> list[Row]:
        statement: dict[tuple[str, str, str], list[Row]] = grouped(
            [row for row in self.marts["sms__monthly_statement"] if row["amount"] is not None],
            lambda row: (row["provider"], row["month"], row["currency"]),
        )
        invoices: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
        for month, provider, _, currency, amount in self.finance.invoices:
            invoices[provider, f"{month[:7]}-01", currency].append(Decimal(amount))
        rows = []
        for key in {*statement, *invoices}:
            provider, month, currency = key
            due = sum((row["amount"] for row in statement[key]), Decimal()) if key in statement else None
            billed = sum(invoices[key], Decimal()) if key in invoices else None
            top_ups = sum(
                (
                    row["top_up"]
                    for row in self.ledger
                    if (row["provider"], row["date"][:7], row["measured_in"]) == (provider, month[:7], currency)
                    and row["account_id"] is None
                ),
                Decimal(),
            )
            variance = None if billed is None else billed - (due or 0)
            if billed is None:
                status = "no invoice"
            elif due is None:
                status = "no usage"
            elif not all(row["is_whole_month"] for row in statement[key]):
                status = "month not complete"
            elif any(
                row["amount"] is None and row["units"]
                for row in self.marts["sms__monthly_statement"]
                if (row["provider"], row["month"]) == (provider, month)
            ):
                status = "units without a price"
            elif abs(variance or 0) <= CENT:
                status = "agrees"
            elif abs(billed - top_ups) <= CENT:
                status = "agrees with top-ups"
            else:
                status = "invoice is higher" if billed > due else "invoice is lower"
            rows.append(
                {
                    "provider": provider,
                    "month": month,
                    "currency": currency,
                    "statement_amount": due,
                    "invoices": len(invoices.get(key, [])),
                    "invoice_amount": billed,
                    "variance": variance,
                    "variance_percent": rounded(100 * variance / due, CENT) if variance is not None and due else None,
                    "top_ups": top_ups,
                    "status": status,
                }
            )
        return rows

    def _unusual_days(self) -> list[Row]:
        used: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
        for row in self.marts["sms__daily_spend"]:
            figure = row["units"] if row["provider"] == SMSFACTOR else row["amount"]
            used[row["provider"], "country", row["country"] or "", row["date"]] += figure
            if row["account_id"] is not None:
                used[row["provider"], "account", row["account_id"], row["date"]] += figure
        rows = []
        parts = {key[:3] for key in used}
        for provider, kind, part in parts:
            days = {day for whose, day in self.complete if whose == provider}
            shown = {row["date"] for row in self.marts["sms__daily_spend"] if row["provider"] == provider} | days
            if provider == SEVEN and kind == "account":
                days &= self.days_with_accounts
                shown &= self.days_with_accounts
            for day in shown:
                weeks = [date.fromisoformat(day) - timedelta(weeks=n + 1) for n in range(self.variables.anomaly_weeks)]
                earlier = [
                    used.get((provider, kind, part, str(week)), Decimal()) for week in weeks if str(week) in days
                ]
                if len(earlier) < self.variables.anomaly_weeks_needed:
                    continue
                median = rounded(Decimal(statistics.median(earlier)), PLACES)
                figure = used.get((provider, kind, part, day), Decimal())
                eur, units = self.variables.anomaly_min_eur, self.variables.anomaly_min_units
                least, factor = (eur if provider == SEVEN else units), self.variables.anomaly_factor
                is_spike = figure >= least and figure > factor * median
                # A day that is still running may be low, and is no drop.
                if is_spike or (day in days and median >= least and factor * figure < median):
                    rows.append(
                        {
                            "provider": provider,
                            "date": day,
                            "kind": kind,
                            "part": part or None,
                            "measured_in": "EUR" if provider == SEVEN else "units",
                            "direction": "spike" if is_spike else "drop",
                            "used": figure,
                            "median_of_weekday": median,
                            "difference": figure - median,
                            "weeks_compared": len(earlier),
                        }
                    )
        return rows

    def _focus(self) -> list[Row]:
        main = next((row for row in self.records["consumption"] if row["is_main_account"]), None)
        numbers = grouped(
            [{"key": (row[0][:7], row[1]), "id": row[2]} for row in self.finance.invoices], lambda r: r["key"]
        )
        rows = []
        for row in self.marts["sms__daily_spend"]:
            is_seven = row["provider"] == SEVEN
            month, day = row["date"][:7], date.fromisoformat(row["date"])
            count = Decimal(row["messages"] if is_seven else row["units"])
            unit = "Charges" if not count else "Messages" if is_seven else "Units"
            count = count or Decimal(-1 if row["amount"] < 0 else 1)
            price = None if row["amount"] is None else rounded(row["amount"] / count, PLACES)
            invoices = numbers.get((month, row["provider"]), [])
            next_month = (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1)
            rows.append(
                {
                    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), row["amount"]),
                    **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), price),
                    "BillingCurrency": row["currency"],
                    "BillingAccountId": SEVEN if is_seven else main and main["account_id"],
                    "BillingAccountName": SEVEN if is_seven else main and main["company"],
                    "BillingAccountType": "Account",
                    "BillingPeriodStart": f"{month}-01 00:00:00",
                    "BillingPeriodEnd": f"{next_month} 00:00:00",
                    "ChargePeriodStart": f"{day} 00:00:00",
                    "ChargePeriodEnd": f"{day + timedelta(days=1)} 00:00:00",
                    "ChargeCategory": "Usage",
                    "ChargeClass": None,
                    "ChargeDescription": f"{row['provider']} to {row['country'] or 'unknown countries'}",
                    "ChargeFrequency": "Usage-Based",
                    **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), count),
                    **dict.fromkeys(("ConsumedUnit", "PricingUnit", "SkuMeter"), unit),
                    "PricingCategory": "Standard",
                    "PricingCurrency": "EUR" if is_seven else "Units",
                    "PricingCurrencyEffectiveCost": row["amount"] if is_seven else row["units"],
                    **dict.fromkeys(
                        ("PricingCurrencyListUnitPrice", "PricingCurrencyContractedUnitPrice"),
                        price if is_seven else Decimal(1),
                    ),
                    "ServiceCategory": "Mobile",
                    "ServiceSubcategory": "Other (Mobile)",
                    "ServiceName": "SMS",
                    **dict.fromkeys(("ServiceProviderName", "HostProviderName", "InvoiceIssuerName"), row["provider"]),
                    "InvoiceId": invoices[0]["id"] if len(invoices) == 1 else None,
                    "SkuId": f"SMS {row['country'] or 'unknown'}",
                    "SkuPriceId": f"SMS {row['country'] or 'unknown'} {unit}",
                    "SkuPriceDetails": None,
                    "SubAccountId": row["account_id"],
                    "SubAccountName": row["account_name"] or row["account_id"],
                    "SubAccountType": "Account" if row["account_id"] else None,
                    "x_country": row["country"],
                    "x_is_partial": row["is_partial"],
                }
            )
        return rows


def forecast(provider: str, figures: dict[date, tuple[str, Decimal]], finance: Finance) -> Row:
    """The month of the last of the complete days; `figures` are day -> unit and usage."""
    end = max(figures)
    measure = figures[end][0]
    known = {day: used for day, (unit, used) in figures.items() if unit == measure}
    begin = end.replace(day=1)
    month = _month_of(begin)
    recent = [day for day in known if (end - day).days < 7 * finance.forecast_weeks]
    # A refund says nothing about the days to come.
    window = [day for day in recent if known[day] >= 0]
    by_weekday = grouped([{"day": day} for day in window], lambda row: row["day"].weekday())
    samples = {weekday: [known[row["day"]] for row in rows] for weekday, rows in by_weekday.items()}
    mean_of_all = sum((known[day] for day in window), Decimal()) / max(len(window), 1)
    open_days = grouped([{"day": day} for day in month if day not in known], lambda row: row["day"].weekday())
    estimated = Decimal()
    variance: float | None = 0.0
    for weekday, days in open_days.items():
        values = samples.get(weekday, [])
        has_pattern = len(samples) == 7
        mean = sum(values, Decimal()) / len(values) if has_pattern else mean_of_all
        estimated += len(days) * mean
        if not has_pattern or min(map(len, samples.values())) < 2:
            variance = None
        elif variance is not None:
            spread = statistics.variance(map(float, values))
            variance += len(days) * spread + len(days) ** 2 * spread / len(values)
    half = None
    if variance is not None:
        weeks = grouped([{"day": day} for day in window], lambda row: (end - row["day"]).days // 7)
        totals = [float(sum(known[row["day"]] for row in rows)) for rows in weeks.values() if len(rows) == 7]
        of_days = sum(statistics.variance(map(float, v)) for v in samples.values() if len(v) > 1)
        if open_days and len(totals) > 1 and of_days > 0:
            variance *= max(1.0, statistics.variance(totals) / of_days)
        half = DEVIATIONS * math.sqrt(variance)
    to_date = sum((used for day, used in known.items() if day >= begin), Decimal())
    whole = to_date + estimated
    last_month = _month_of((begin - timedelta(days=1)).replace(day=1))
    same = last_month[: (end - begin).days + 1]
    budget = [
        Decimal(amount)
        for of_month, whose, unit, amount in finance.budget
        if (of_month[:7], whose, unit) == (str(begin)[:7], provider, measure)
    ]
    low = None
    if half is not None:
        low = float(whole) - half
        if low < float(to_date) <= float(whole):
            low = float(to_date)
    return {
        "provider": provider,
        "month": str(begin),
        "measured_in": measure,
        "complete_to": str(end),
        "month_to_date": to_date,
        "refunded_to_date": -sum((used for day, used in known.items() if day >= begin and used < 0), Decimal()),
        "days_missing_to_date": (end - begin).days + 1 - len([day for day in known if day >= begin]),
        "forecast": rounded(whole, CENT),
        "forecast_low": None if low is None else rounded(Decimal(repr(low)), CENT),
        "forecast_high": None if half is None else rounded(Decimal(repr(float(whole) + half)), CENT),
        "forecast_by": "no day left" if not open_days else "weekdays" if len(samples) == 7 else "mean of all days",
        "days_estimated": sum(map(len, open_days.values())),
        "last_month_to_same_day": _sum_if_all_known(known, same),
        "last_month": _sum_if_all_known(known, last_month),
        "budget": sum(budget) if budget else None,
        "forecast_above_budget": rounded(whole, CENT) - sum(budget) if budget else None,
    }


OF_1_3 = ("ServiceProviderName", "HostProviderName")
UNPRICED = (
    "BillingPeriodStart",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "PricingQuantity",
    "PricingUnit",
    "ServiceProviderName",
    "BillingAccountId",
    "SubAccountId",
    "SubAccountName",
    "x_country",
    "x_is_partial",
)


def roundest(low: Decimal, high: Decimal) -> Decimal:
    """The multiple, nearest to the middle, of the largest step that has one between the two."""
    middle = (low + high) / 2
    for step in STEPS:
        nearest = (middle / step).to_integral_value(ROUND_HALF_UP) * step
        if low <= nearest <= high:
            return nearest
    return middle


def _by_day(figures: Iterable[tuple[str, Any]]) -> dict[str, Decimal]:
    days: dict[str, Decimal] = defaultdict(Decimal)
    for day, figure in figures:
        days[day] += exact(figure)
    return days


def _messages_and_cost(rows: list[Row]) -> tuple[int, Decimal]:
    return sum(row["sms"] + row["rcs"] for row in rows), sum((exact(row["usage_eur"]) for row in rows), Decimal())


def _month_of(first: date) -> list[date]:
    return [day for n in range(31) if (day := first + timedelta(days=n)).month == first.month]


def _month_before(month: str) -> str:
    return str(date.fromisoformat(f"{month}-01") - timedelta(days=1))[:7]


def _sum_if_all_known(known: dict[date, Decimal], days: list[date]) -> Decimal | None:
    return sum((known[day] for day in days), Decimal()) if all(day in known for day in days) else None


def _used(row: Row) -> Decimal:
    return Decimal(row["units"]) if row["amount"] is None else Decimal(row["amount"])


def _percent(part: Decimal, whole: Decimal | int) -> Decimal | None:
    return rounded(100 * part / whole, "0.0001") if whole else None
