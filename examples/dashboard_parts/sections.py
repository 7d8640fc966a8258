"""The parts of the page below the figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import streamlit as st

from .charts import balance_chart, colours_of, days_chart, days_of, others_of, parts_of_steps
from .data import CHOSEN, Chosen, Row, Spend, day_text, is_money, lasting, quantity

# Real numbers, so that a click on a heading sorts by value. Negative ones have a minus, as in the texts and charts.
MONEY, WHOLE, PRICE, SHARE = "%,.2f", "%,.0f", "%.4f", "%.1f %%"


def show_days(spend: Spend, chosen: Chosen, measured_in: str) -> None:
    provider = chosen.providers[0]
    rows, step, form = days_of(spend, chosen, measured_in)
    measure = "Spend" if is_money(measured_in) else "Usage"
    st.subheader(f"{provider}: {measure.lower()} by {step}, {measured_in}, {chosen.period}", anchor=False)
    gaps = spend.ask(
        """
        SELECT DISTINCT date, status FROM sms__days
        WHERE status <> 'complete' AND provider = $provider AND date BETWEEN $first AND $last ORDER BY date
        """,
        **chosen.values,
        provider=provider,
    )
    chart, is_cut = days_chart(rows, gaps, chosen, step, form, colours_of(spend), measure)
    st.altair_chart(chart)
    notes = [sentence for sentence in (others_of(rows, measure), parts_of_steps(chosen, step)) if sentence]
    if gaps:
        notes.append("Red bands: days that are missing or not complete. A day without a bar used nothing.")
    if is_cut:
        lowest = min(rows, key=lambda row: row["used"])
        notes.append(
            f"The bar of {day_text(date.fromisoformat(lowest['day'][:10]))} is cut off: {lowest['part']}, "
            f"{quantity(lowest['used'], measured_in)} (a refund)."
        )
    if notes:
        st.caption(" ".join(notes))


def show_countries(spend: Spend, chosen: Chosen, measured_in: str) -> None:
    provider = chosen.providers[0]
    before = chosen.before
    is_comparable = are_complete(spend, chosen) and are_complete(spend, before)
    rows = spend.ask(
        f"""
        WITH both_periods AS (
            SELECT *, date >= $middle AS is_now FROM used WHERE {CHOSEN} AND measured_in = $measured_in
        ),
        weeks AS (
            SELECT country, list(used ORDER BY week) AS line FROM (
                SELECT countries.country, weeks.week, coalesce(sum(own.used), 0) AS used
                FROM (SELECT DISTINCT country FROM both_periods) AS countries
                CROSS JOIN (SELECT CAST(unnest(range(0, 12)) AS INTEGER) AS week) AS weeks
                JOIN (
                    SELECT min(date) AS day FROM sms__days
                    WHERE status = 'complete' AND list_contains($providers, provider)
                ) AS known ON $last - 7 * (12 - weeks.week) + 1 >= known.day
                LEFT JOIN used AS own
                    ON own.country = countries.country AND own.measured_in = $measured_in
                    AND list_contains($providers, own.provider)
                    AND own.date > $last - 7 * (12 - week) AND own.date <= $last - 7 * (11 - week)
                GROUP BY ALL
            ) GROUP BY country
        )
        SELECT
            country,
            coalesce(sum(used) FILTER (is_now), 0) AS now,
            coalesce(sum(used) FILTER (NOT is_now), 0) AS before,
            sum(amount) FILTER (is_now AND amount_per_sms IS NOT NULL)
                / sum(messages) FILTER (is_now AND amount_per_sms IS NOT NULL) AS per_sms,
            coalesce(any_value(line), []) AS line
        FROM both_periods LEFT JOIN weeks USING (country)
        GROUP BY country HAVING now <> 0 OR before <> 0
        ORDER BY now DESC, country
        """,
        **{**chosen.values, "first": before.first},
        middle=chosen.first,
        measured_in=measured_in,
    )
    over = {
        row["country"]: row
        for row in spend.ask(
            """
            SELECT coalesce(names.name, prices.country) AS country, sum(over_list) AS over_list,
                min(lowest_list_price) AS lowest, max(highest_list_price) AS highest
            FROM sms__effective_prices AS prices LEFT JOIN names ON prices.country = names.country_code
            WHERE month BETWEEN date_trunc('month', CAST($first AS DATE)) AND $last AND provider = $provider
            GROUP BY ALL
            """,
            **chosen.values,
            provider=provider,
        )
    }
    # A refund has no share, and takes nothing from the shares of the others.
    total = sum((row["now"] for row in rows if row["now"] > 0), Decimal())
    measure = "Spend" if is_money(measured_in) else "Units"
    st.subheader(f"{provider}: countries, {measured_in}, {chosen.period}", anchor=False)
    columns: dict[str, Any] = {
        "Country": st.column_config.TextColumn(pinned=True, width=130),
        measure: number(form_of(measured_in), 90),
        "Change": number("%+.1f %%", 75, f"Against {before.period}."),
        "Share": st.column_config.ProgressColumn(
            format="%.1f %%", min_value=0, max_value=100, width=95, help="Refunds are left out."
        ),
        "12 weeks": st.column_config.LineChartColumn(
            width=110, help="Up to 12 weeks before the end of the period. Weeks that were not read are left out."
        ),
        "Per SMS": number(PRICE, 75, "Days with nothing but SMS."),
        "List from": number(PRICE, 80, "Price list of these months: the cheapest network."),
        "List to": number(PRICE, 80, "The most expensive network. Which network a message takes is not known."),
        "Over list": number(
            MONEY, 85, "EUR paid above the most expensive network (or below the cheapest one) in these months."
        ),
    }
    table(
        (
            {
                "Country": row["country"],
                measure: row["now"],
                **({"Change": change_of(row["now"], row["before"])} if is_comparable else {}),
                "Share": 100 * row["now"] / total if total > 0 and row["now"] >= 0 else None,
                "12 weeks": [float(value) for value in row["line"]],
                **(
                    {
                        "Per SMS": row["per_sms"],
                        "List from": over.get(row["country"], {}).get("lowest"),
                        "List to": over.get(row["country"], {}).get("highest"),
                        "Over list": over.get(row["country"], {}).get("over_list"),
                    }
                    if provider == "seven.io"
                    else {}
                ),
            }
            for row in rows
        ),
        columns,
    )
    if not is_comparable:
        st.caption(
            f"No change is shown: not all days from {day_text(before.first)} to {day_text(chosen.last)} are complete."
        )


def are_complete(spend: Spend, chosen: Chosen) -> bool:
    """Whether each connection has read every day of the period after it ended."""
    [row] = spend.ask(
        """
        SELECT count(*) FILTER (status = 'complete') AS days, count(DISTINCT source_relation) AS connections
        FROM sms__days WHERE list_contains($providers, provider) AND date BETWEEN $first AND $last
        """,
        **chosen.values,
    )
    return bool(row["connections"]) and bool(row["days"] == chosen.length * row["connections"] * len(chosen.providers))


def change_of(now: Decimal, before: Decimal) -> float | None:
    """In percent; None for a country that is new or has a refund."""
    return float(100 * (now / before - 1)) if before > 0 and now >= 0 else None


def form_of(measured_in: str) -> str:
    return MONEY if is_money(measured_in) else WHOLE


def number(form: str, width: int | None = None, help_text: str | None = None) -> Any:
    return st.column_config.NumberColumn(format=form, width=width, help=help_text, alignment="right")


def table(rows: Iterable[Row], columns: Row) -> None:
    """A sortable table, at most as high as a dozen rows, without the columns that are empty in all of them."""
    rows = [*rows]
    empty = {name for name in rows[0] if all(row[name] in (None, "") for row in rows)} if rows else set()
    values = [
        {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in row.items()
            if name not in empty
        }
        for row in rows
    ]
    shown = {name: column for name, column in columns.items() if values and name in values[0]}
    height = "content" if len(values) <= 12 else 458
    st.dataframe(values, hide_index=True, column_config=shown, height=height, placeholder="")


Part = TypeVar("Part")


def side_by_side(parts: Sequence[Part]) -> Iterator[tuple[Any, Part]]:
    """Each part with the box that it is shown in: two in a row where the page is wide."""
    for first in range(0, len(parts), 2):
        yield from zip(st.columns(min(2, len(parts)), gap="large"), parts[first : first + 2], strict=False)


def by_unit(rows: Iterable[Row]) -> list[tuple[str, str, list[Row]]]:
    """Provider, unit and their rows: figures of different units have no place in one column."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["provider"], row["measured_in"]), []).append(row)
    return [(*group, groups[group]) for group in sorted(groups, reverse=True)]


def show_balances(spend: Spend, chosen: Chosen) -> None:
    """Each balance of a main account as a history, and its sub-accounts by the days that they last."""
    balances = "FROM sms__balance_runout WHERE list_contains($providers, provider)"
    rows = spend.ask(f"SELECT * {balances} AND account_id IS NULL ORDER BY provider DESC", **chosen.values)
    accounts = spend.ask(
        f"SELECT * {balances} AND account_id IS NOT NULL ORDER BY days_left NULLS LAST, provider DESC, account_name",
        **chosen.values,
    )
    for box, row in zip(st.columns(max(len(rows), 1), gap="large"), rows, strict=False):
        with box:
            show_balance(spend, chosen, row)
    for box, (provider, unit, own) in side_by_side(by_unit(accounts)):
        with box:
            st.subheader(f"{provider}: sub-accounts by days left, {unit}", anchor=False)
            show_sub_accounts(own, form_of(unit))


def show_sub_accounts(rows: list[Row], form: str) -> None:
    columns = {
        "Account": st.column_config.TextColumn(pinned=True, width=130),
        "Days left": number(WHOLE, 75),
        "Balance": number(form, 90),
        "Used a day": number(form, 90, "The higher of the means of 7 and 28 days."),
        "Note": st.column_config.TextColumn(width=185),
    }
    table(
        (
            {
                "Account": row["account_name"] or row["account_id"],
                "Days left": row["days_left"],
                "Balance": None if row["forecast_status"] == "unlimited" else row["balance"],
                "Used a day": max(means_of(row), default=(None,))[0],
                "Note": NOTES.get(row["forecast_status"], "")
                or ("topped up by the main account" if row["is_topped_up"] else ""),
            }
            for row in rows
        ),
        columns,
    )


def show_balance(spend: Spend, chosen: Chosen, row: Row) -> None:
    st.subheader(f"{row['provider']}: balance, {row['measured_in']}", anchor=False)
    st.write(forecast_text(row))
    history = history_of(spend, chosen, row)
    if row["balance"] is not None:
        st.altair_chart(balance_chart(history, row))
    topped = [each for each in history if each["top_up"]]
    if topped:
        listed = ", ".join(
            f"{quantity(each['top_up'], row['measured_in'])} on {day_text(each['date'])}" for each in topped[-6:]
        )
        st.caption(f"Top-ups, detected from balance and usage: {listed}.")
    if any(not each["is_opening_measured"] for each in history):
        st.caption("The line is straight where no sync read the balance.")
    if not history:
        st.caption("The history begins with the second sync on another day.")


def history_of(spend: Spend, chosen: Chosen, row: Row) -> list[Row]:
    """The days of a balance, at least 90. The opening balance of the first day is the first snapshot."""
    return spend.ask(
        """
        SELECT * FROM (
            SELECT date, opening_balance, closing_balance, top_up,
                coalesce(lag(is_measured) OVER (ORDER BY date), true) AS is_opening_measured
            FROM sms__balance_daily
            WHERE provider = $provider AND source_relation = $source AND account_id IS NULL AND measured_in = $unit
        )
        WHERE date >= CAST($last AS DATE) - CAST(greatest(CAST($last AS DATE) - CAST($first AS DATE), 90) AS INTEGER)
        ORDER BY date
        """,
        **chosen.values,
        provider=row["provider"],
        source=row["source_relation"],
        unit=row["measured_in"],
    )


MAIN = {"main": "Main account"}
NOTES = {
    "unlimited": "no limit of its own",
    "no_usage": "no usage known",
    "owed": "owed",
    "postpaid": "billed afterwards",
    "other_currency": "not in EUR",
}


def forecast_text(row: Row) -> str:
    texts = {
        "postpaid": "The account is billed afterwards: its balance has no end.",
        "unlimited": "The account has no limit of its own.",
        "other_currency": f"The balance is in {row['measured_in']}, the usage in EUR: nothing says when it runs out.",
        "no_usage": "No usage is known that uses it up.",
    }
    if row["forecast_status"] in texts:
        return texts[row["forecast_status"]]
    if row["balance"] < 0:
        return f"{quantity(-row['balance'], row['measured_in'])} owed on {day_text(row['balance_date'])}."
    if row["days_left"] is None:
        return "Nothing says when it runs out."
    mean, days, span = max(means_of(row))
    missing = "" if days == span else f", {span - days} of them not known"
    end = f"until {day_text(row['runs_out_on'])}" if row["runs_out_on"] else "for more than ten years"
    return (
        f"{quantity(row['balance'], row['measured_in'])} on {day_text(row['balance_date'])} last "
        f"**{lasting(row['days_left'])}**, {end}, at {quantity(mean, row['measured_in'])} a day (mean of {span} days"
        f"{missing}). Future top-ups are not included."
    )


def means_of(row: Row) -> list[tuple[Decimal, int, int]]:
    """Each mean that is known, with its number of known days, and of days."""
    means = [(row["mean_7_days"], row["days_in_mean_7"], 7), (row["mean_28_days"], row["days_in_mean_28"], 28)]
    return [one for one in means if one[0] is not None]


def show_months(spend: Spend, chosen: Chosen) -> None:
    """Accounts and labels by month: the last six months up to the period's last day."""
    accounts = spend.ask(
        """
        SELECT provider, coalesce(account_name, account_text(account_id), 'Not named') AS part, month,
            coalesce(currency, 'units') AS measured_in, sum(coalesce(amount, units)) AS used
        FROM sms__chargeback WHERE list_contains($providers, provider) AND month <= $last GROUP BY ALL
        """,
        **chosen.values,
    )
    labels = spend.ask(
        """
        SELECT provider, coalesce(nullif(label, ''), 'No label') AS part, month, currency AS measured_in,
            sum(amount) AS used
        FROM sms__spend_by_label_month WHERE list_contains($providers, provider) AND month <= $last GROUP BY ALL
        """,
        **chosen.values,
    )
    tables = [(name, *part) for name, rows in (("Account", accounts), ("Label", labels)) for part in by_unit(rows)]
    for box, (name, provider, unit, rows) in side_by_side(tables):
        with box:
            st.subheader(f"{provider}: {name.lower()}s by month, {unit}", anchor=False)
            show_by_month(name, rows, form_of(unit))


def show_by_month(name: str, rows: list[Row], form: str) -> None:
    months = sorted({row["month"] for row in rows})[:-7:-1]
    used = {(row["part"], row["month"]): row["used"] for row in rows}
    parts = {row["part"] for row in rows if row["month"] in months}
    columns = {f"{month:%b %Y}": month for month in months}
    table(
        (
            {name: part, **{column: used.get((part, month), Decimal()) for column, month in columns.items()}}
            for part in sorted(parts, key=lambda part: (-used.get((part, months[0]), Decimal()), part))
        ),
        {name: st.column_config.TextColumn(pinned=True, width=125), **{column: number(form, 82) for column in columns}},
    )


def show_unusual_days(spend: Spend, chosen: Chosen) -> None:
    rows = spend.ask(
        """
        SELECT * FROM unusual
        WHERE list_contains($providers, provider) AND date BETWEEN $first AND $last
            AND (len($countries) = 0 OR (kind = 'country' AND list_contains($countries, part)))
        QUALIFY row_number() OVER (PARTITION BY provider, measured_in ORDER BY date DESC, abs(difference) DESC) <= 200
        ORDER BY date DESC, abs(difference) DESC
        """,
        **chosen.values,
    )
    if not rows:
        st.subheader(f"Unusual days, {chosen.period}", anchor=False)
        st.write("None. A day is compared with its weekday in the weeks before, once there are four of them.")
        return
    for box, (provider, unit, own) in side_by_side(by_unit(rows)):
        with box:
            st.subheader(f"{provider}: unusual days, {unit}, {chosen.period}", anchor=False)
            show_unusual(own, form_of(unit))


def show_unusual(rows: list[Row], form: str) -> None:
    columns = {
        "Day": st.column_config.DateColumn(pinned=True, width=95, format="D MMM YYYY"),
        "Country or account": st.column_config.TextColumn(width=140),
        "Type": st.column_config.TextColumn(width=60),
        "Used": number(form, 80),
        "Usual": number(form, 80, "Median of the same weekday in up to eight weeks before."),
    }
    table(
        (
            {
                "Day": row["date"],
                "Country or account": row["part"],
                "Type": row["direction"],
                "Used": row["used"],
                "Usual": row["median_of_weekday"],
            }
            for row in rows
        ),
        columns,
    )


CHANGES = {"came": "new", "went": "removed"}


def show_price_changes(spend: Spend, chosen: Chosen) -> None:
    if "seven.io" not in chosen.providers:
        return
    rows = spend.ask(
        """
        SELECT *, coalesce(country_name, country_code) AS country FROM sms__price_changes
        WHERE date BETWEEN $first AND $last AND (len($countries) = 0 OR list_contains($countries, country_name))
        ORDER BY abs(coalesce(amount_moved_28_days, 0)) DESC, coalesce(sms_28_days, 0) DESC, date DESC, country,
            network_name
        LIMIT 200
        """,
        **chosen.values,
    )
    st.subheader(f"seven.io: price changes by the money they move, EUR, {chosen.period}", anchor=False)
    if not rows:
        [lists] = spend.ask("SELECT min(valid_from) AS first FROM sms__price_history")
        since = (
            f" Price lists are known since {day_text(lists['first'])}."
            if lists["first"]
            else " No price list is known."
        )
        st.write(f"None in this period.{since}")
        return
    columns = {
        "Country": st.column_config.TextColumn(pinned=True, width=110),
        "Moved in 28 days": number(
            MONEY,
            125,
            "New less old price, times the SMS to the country in the last 28 days: the most it can be, because the "
            "network of a message is not known.",
        ),
        "Change": number("%+.1f %%", 75),
        "Old": number(PRICE, 70),
        "New": number(PRICE, 70),
        "SMS": number(WHOLE, 75, "SMS to the country in the last 28 days, over all networks."),
        "Network": st.column_config.TextColumn(width=160),
        "Since": st.column_config.DateColumn(width=95, format="D MMM YYYY"),
        "What": st.column_config.TextColumn(width=75),
    }
    table(
        (
            {
                "Country": row["country"],
                "Moved in 28 days": row["amount_moved_28_days"],
                "Change": row["percent_change"],
                "Old": row["old_price"],
                "New": row["new_price"],
                "SMS": row["sms_28_days"],
                "Network": row["network_name"] or "all others",
                "Since": row["date"],
                "What": CHANGES.get(row["change"], row["change"]),
            }
            for row in rows
        ),
        columns,
    )


def show_statement(spend: Spend, chosen: Chosen) -> None:
    """The months that the period touches, as rows and as a file."""
    rows = spend.ask(
        """
        SELECT month, provider, account_id, account_name, messages, units, amount, currency, complete_days,
            is_whole_month
        FROM sms__monthly_statement
        WHERE list_contains($providers, provider) AND month BETWEEN date_trunc('month', CAST($first AS DATE)) AND $last
        ORDER BY month DESC, provider DESC, coalesce(amount, units) DESC, account_name
        """,
        **chosen.values,
    )
    st.subheader("Statement by month and account", anchor=False)
    if not rows:
        st.write("No usage in these months.")
        return
    columns = {
        "Account": st.column_config.TextColumn(pinned=True, width=130),
        "Month": st.column_config.TextColumn(width=85),
        "Amount": number(MONEY, 95),
        "Currency": st.column_config.TextColumn(width=75),
        "Messages": number(WHOLE, 85),
        "Units": number(WHOLE, 85),
        "Days": st.column_config.TextColumn(
            width=85, help="Complete days of the month: compare only whole months with an invoice."
        ),
        "Provider": st.column_config.TextColumn(width=85),
    }
    table(
        (
            {
                "Account": row["account_name"] or MAIN.get(row["account_id"], row["account_id"]) or "Not named",
                "Month": f"{row['month']:%b %Y}",
                "Amount": row["amount"],
                "Currency": row["currency"],
                "Messages": row["messages"],
                "Units": row["units"],
                "Days": "whole month" if row["is_whole_month"] else f"{row['complete_days']} days",
                "Provider": row["provider"],
                "Id": row["account_id"],
            }
            for row in rows
        ),
        columns,
    )
    name = f"sms-statement-{chosen.first:%Y-%m}-to-{chosen.last:%Y-%m}.csv"
    st.download_button("Download the statement (CSV)", csv_of(rows), name, "text/csv")
    invoices = spend.ask(
        """
        SELECT * FROM sms__invoice_variance WHERE invoices > 0 AND list_contains($providers, provider)
        ORDER BY month DESC, provider DESC
        """,
        **chosen.values,
    )
    if invoices:
        st.subheader("Invoices against the statement", anchor=False)
        table(
            (
                {
                    "Month": f"{row['month']:%b %Y}",
                    "Provider": row["provider"],
                    "Invoiced": row["invoice_amount"],
                    "Statement": row["statement_amount"],
                    "Variance": row["variance"],
                    "Currency": row["currency"],
                    "Result": row["status"],
                }
                for row in invoices
            ),
            {name: number(MONEY, 95) for name in ("Invoiced", "Statement", "Variance")},
        )


def csv_of(rows: list[Row]) -> bytes:
    """Exact figures, with a byte order mark so that Excel reads it as UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in row.items()})
    return text.getvalue().encode("utf-8-sig")
