"""A page over the models of dbt_sms_spend: `make dashboard`, after `make sync` and `make models`.

It shows your accounts if their models exist (schema `main_spend`), else those of the sandbox, and loads nothing from
the network. Amounts in different currencies or in units are never added up. To use it elsewhere, copy this file and the
folder dashboard_parts. These environment variables are optional: SMS_SPEND_DUCKDB (database file), SMS_SPEND_SCHEMA
(schema of the models), SMS_SPEND_TODAY (a date instead of today).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import streamlit as st
from dashboard_parts.data import (
    CHOSEN,
    SANDBOX,
    UNCHANGED,
    Chosen,
    NothingToShow,
    Row,
    Spend,
    day_text,
    lasting,
    open_database,
    percent,
    quantity,
    schemas,
    short,
    today,
)
from dashboard_parts.sections import (
    NOTES,
    are_complete,
    show_balances,
    show_countries,
    show_days,
    show_months,
    show_price_changes,
    show_statement,
    show_unusual_days,
)

PERIODS = ("Last 28 days", "This month", "Last month", "Last 90 days", "Last 12 months", "All days", "Other dates")
# When something needs action: days that a balance still lasts, age of an unusual day, age of the last complete day.
DAYS_LEFT, RECENT, BEHIND = 14, 3, 2
# What a day of sms__days is that is not complete: one, and several.
GAPS = {
    "missing": ("was not read", "were not read"),
    "invalid": ("has no valid figures", "have no valid figures"),
    "partial": ("was still running when it was read", "were still running when they were read"),
}
HELP_FORECAST = (
    "Month to date, and for the other days the mean of their weekday. Below: 4 of 5 months "
    "end in this range if usage goes on as in the last weeks."
)
# Figures that fit into their boxes, and less empty space around the page.
STYLE = """<style>
[data-testid="stMetricValue"] {font-size: 1.35rem}
[data-testid="stMainBlockContainer"] {padding: 2.5rem clamp(0.75rem, 2.5vw, 2.5rem)}
h3 {font-size: 1.2rem !important}
</style>"""


def main() -> None:
    st.set_page_config(page_title="SMS spend", layout="wide")
    st.html(STYLE)
    st.title("SMS spend", anchor=False)
    try:
        with open_database() as database:
            show(Spend(database, schemas()))
    except NothingToShow as nothing:
        st.error(str(nothing))


def show(spend: Spend) -> None:
    known = spend.ask(
        """
        SELECT provider, min(first_day) AS first, max(last_complete_day) AS last FROM sms__completeness
        GROUP BY provider HAVING max(last_complete_day) IS NOT NULL ORDER BY provider DESC
        """
    )
    if not known:
        raise NothingToShow("No day of usage is complete yet. Run `make sync` tomorrow, then `make models`.")
    if spend.schema == SANDBOX:
        st.caption("These are invented figures of the sandbox. README.md describes how to read your accounts.")
    chosen = choose(spend, known)
    show_actions(spend, chosen)
    show_figures(spend, chosen)
    if chosen.countries:
        st.caption("The figures above, balances, accounts, labels and the statement include all countries.")
    if chosen.length < 1:
        st.info("Choose the last day of the period too.")
        return
    for provider in chosen.providers:
        of_provider = replace(chosen, providers=(provider,))
        measures = spend.ask(
            f"SELECT measured_in FROM used WHERE {CHOSEN} GROUP BY ALL ORDER BY ALL", **of_provider.values
        )
        for row in measures:
            show_days(spend, of_provider, row["measured_in"])
            show_countries(spend, of_provider, row["measured_in"])
        if not measures:
            st.info(f"{provider}: no usage from {chosen.period} in this choice.")
    show_balances(spend, chosen)
    show_months(spend, chosen)
    show_unusual_days(spend, chosen)
    show_price_changes(spend, chosen)
    show_statement(spend, chosen)


def choose(spend: Spend, known: list[Row]) -> Chosen:
    """The boxes at the top. Their values are in the address of the page, so that it can be shared."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [row["provider"] for row in known]
        provider = st.selectbox("Provider", ["All", *names] if len(names) > 1 else names, **in_address("provider", 150))
        period = st.selectbox("Period", PERIODS, **in_address("period", 170))
        begin, end = min(row["first"] for row in known), max(row["last"] for row in known)
        first, last = dates_of(period, begin, end)
        if period == "Other dates":
            dates = st.date_input("Dates", (first, last), format="YYYY-MM-DD", **in_address("dates", 230))
            pair = dates if isinstance(dates, (tuple, list)) else (dates,)
            first, last = (pair[0], pair[1]) if len(pair) == 2 else (end, end - timedelta(days=1))
        countries = [row["country"] for row in spend.ask("SELECT DISTINCT country FROM used ORDER BY country")]
        picked = st.multiselect("Countries", countries, placeholder="All", **in_address("country", 320))
    return Chosen(tuple(names) if provider == "All" else (provider,), tuple(picked), first, last)


def in_address(key: str, width: int) -> Row:
    return {"key": key, "bind": "query-params", "width": width}


def dates_of(period: str, begin: date, end: date) -> tuple[date, date]:
    """The days of a period that ends with the last complete day."""
    month = end.replace(day=1)
    first, last = {
        "This month": (month, end),
        "Last month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "Last 90 days": (end - timedelta(days=89), end),
        "Last 12 months": (end - timedelta(days=364), end),
        "All days": (begin, end),
    }.get(period, (end - timedelta(days=27), end))
    return min(max(first, begin), last), last


def show_actions(spend: Spend, chosen: Chosen) -> None:
    """What somebody should do something about, whatever period and countries are chosen."""
    urgent = [*actions_of_days(spend, chosen), *actions_of_balances(spend, chosen), *actions_of_usage(spend, chosen)]
    if urgent:
        st.error("**Needs action**\n\n" + "\n".join(f"- {sentence}" for sentence in urgent))
    budgets = spend.ask(
        "SELECT * FROM sms__month_forecast WHERE forecast_above_budget > 0 AND list_contains($providers, provider)",
        **chosen.values,
    )
    invoices = spend.ask(
        "SELECT * FROM sms__invoice_variance WHERE status LIKE 'invoice is %' AND list_contains($providers, provider)",
        **chosen.values,
    )
    rests = spend.ask(
        """
        SELECT provider, measured_in, count(*) AS days, sum(unexplained) AS unexplained FROM sms__balance_daily
        WHERE status = 'unexplained' AND account_id IS NULL AND date >= CAST($today AS DATE) - 28
            AND list_contains($providers, provider)
        GROUP BY ALL ORDER BY provider DESC
        """,
        **chosen.values,
        today=today(),
    )
    notes = [
        f"{row['provider']}: the forecast for {row['month']:%B} is "
        f"{quantity(row['forecast_above_budget'], row['measured_in'])} above the budget of "
        f"{quantity(row['budget'], row['measured_in'])}."
        for row in budgets
    ]
    notes += [
        f"{row['provider']}: the invoice for {row['month']:%B %Y} is {row['status'].removeprefix('invoice is ')} "
        f"than the statement by {quantity(abs(row['variance']), row['currency'])}."
        for row in invoices
    ]
    notes += [
        f"{row['provider']}: the balance changed by {quantity(row['unexplained'], row['measured_in'])} on "
        f"{row['days']} {'day' if row['days'] == 1 else 'days'} of the last 28, which neither usage nor a top-up "
        "explains."
        for row in rests
    ]
    drops = spend.ask(
        """
        SELECT provider, list(DISTINCT part ORDER BY part) AS parts FROM unusual
        WHERE list_contains($providers, provider) AND direction = 'drop' AND kind = 'country'
            AND date > (SELECT max(last_complete_day) FROM sms__completeness) - $recent
        GROUP BY provider ORDER BY provider DESC
        """,
        **chosen.values,
        recent=RECENT,
    )
    notes += [
        f"{row['provider']}: far less than usual in the last {RECENT} days: {', '.join(row['parts'][:5])}"
        f"{' and others' if len(row['parts']) > 5 else ''}."
        for row in drops
    ]
    if notes:
        st.warning("**Worth a look**\n\n" + "\n".join(f"- {sentence}" for sentence in notes))
    if not urgent and not notes:
        st.success("Nothing needs action.")


def actions_of_days(spend: Spend, chosen: Chosen) -> list[str]:
    gaps = spend.ask(
        """
        SELECT days.provider, days.status, list(DISTINCT days.date ORDER BY days.date) AS dates
        FROM sms__days AS days JOIN sms__completeness AS ends USING (source_relation, provider)
        WHERE days.status <> 'complete' AND list_contains($providers, days.provider)
            AND (days.status <> 'partial' OR days.date < ends.last_complete_day)
        GROUP BY ALL ORDER BY days.provider DESC, days.status
        """,
        **chosen.values,
    )
    ends = spend.ask(
        """
        SELECT provider, min(complete_to) AS complete_to, max(last_complete_day) AS last
        FROM sms__completeness GROUP BY provider
        """
    )
    to = {row["provider"]: row["complete_to"] for row in ends}
    sentences = []
    for row in gaps:
        dates = ", ".join(map(day_text, row["dates"][:5])) + (" and others" if len(row["dates"]) > 5 else "")
        one, more = GAPS[row["status"]]
        is_one = len(row["dates"]) == 1
        complete = to[row["provider"]]
        sentences.append(
            f"{row['provider']}: {dates} {one if is_one else more}, and no sum includes {'it' if is_one else 'them'}. "
            + (f"The data is complete to {day_text(complete)}. " if complete else "")
            + "Run `make sync`."
        )
    for row in ends:
        if row["last"] is None:
            sentences.append(f"{row['provider']}: no day is complete yet.")
        elif row["provider"] in chosen.providers and row["last"] < today() - timedelta(days=BEHIND):
            sentences.append(f"{row['provider']}: no day after {day_text(row['last'])} is complete. Run `make sync`.")
    return sentences


def actions_of_balances(spend: Spend, chosen: Chosen) -> list[str]:
    rows = spend.ask(
        """
        SELECT * FROM sms__balance_runout WHERE list_contains($providers, provider)
        ORDER BY account_id IS NOT NULL, days_left NULLS LAST, provider DESC
        """,
        **chosen.values,
    )
    sentences = []
    for row in rows:
        whose = (
            f"{row['provider']}, {row['account_name'] or row['account_id']}" if row["account_id"] else row["provider"]
        )
        left = quantity(row["balance"], row["measured_in"])
        if row["forecast_status"] == "other_currency":
            sentences.append(
                f"{whose}: the balance is in {row['measured_in']}, not in EUR. Nothing says when it runs out."
            )
        elif row["forecast_status"] == "owed" and row["balance"] < 0:
            sentences.append(f"{whose}: {quantity(-row['balance'], row['measured_in'])} are owed. Top up.")
        elif row["days_left"] is not None and row["days_left"] <= DAYS_LEFT and not row["is_topped_up"]:
            sentences.append(f"{whose}: the balance of {left} lasts **{lasting(row['days_left'])}**. Top up.")
    return sentences


def actions_of_usage(spend: Spend, chosen: Chosen) -> list[str]:
    rows = spend.ask(
        """
        SELECT * FROM unusual WHERE list_contains($providers, provider) AND direction = 'spike' AND kind = 'country'
            AND date > (SELECT max(last_complete_day) FROM sms__completeness) - $recent
        ORDER BY provider DESC, difference DESC
        """,
        **chosen.values,
        recent=RECENT,
    )
    sentences = [
        f"{row['provider']}: {row['part']} used {quantity(row['used'], row['measured_in'])} on "
        f"{day_text(row['date'])}, usually {quantity(row['median_of_weekday'], row['measured_in'])} on this weekday."
        for row in rows[:3]
    ]
    if len(rows) > 3:
        sentences.append(f"{len(rows) - 3} more {'spike' if len(rows) == 4 else 'spikes'}: see Unusual days.")
    return sentences


def show_figures(spend: Spend, chosen: Chosen) -> None:
    """A row of figures for each provider, of all countries, and their sum if they have one currency."""
    rows = spend.ask(
        """
        SELECT forecast.*, ends.complete_to AS no_gap_to, ends.gaps
        FROM sms__month_forecast AS forecast
        JOIN (
            SELECT provider, min(complete_to) AS complete_to,
                count(*) FILTER (status <> 'complete' AND date < last_complete_day) AS gaps
            FROM sms__completeness JOIN sms__days USING (source_relation, provider) GROUP BY provider
        ) AS ends USING (provider)
        WHERE list_contains($providers, provider) ORDER BY provider DESC
        """,
        **chosen.values,
    )
    if len(rows) > 1 and len({(row["measured_in"], row["month"]) for row in rows}) == 1:
        st.subheader(f"All providers, {rows[0]['measured_in']}", anchor=False)
        with st.container(horizontal=True):
            show_month(sum_of(rows))
    for row in rows:
        st.subheader(f"{row['provider']}, {row['measured_in']}", anchor=False)
        with st.container(horizontal=True):
            show_month(row)
            show_balance_figure(spend, row["provider"])
            show_price_figure(spend, row["provider"], chosen)
            missing = f"{row['gaps']} days missing" if row["gaps"] != 1 else "1 day missing"
            to = day_text(row["no_gap_to"]) if row["no_gap_to"] else "no day"
            figure(
                "Complete to",
                to,
                None,
                missing if row["gaps"] else "no day missing",
                is_bad=bool(row["gaps"]),
            )
    for row in rows:
        if row["refunded_to_date"]:
            st.caption(
                f"{row['provider']}: refunds of {quantity(row['refunded_to_date'], row['measured_in'])} are subtracted "
                f"from {row['month']:%B} to date and from its forecast."
            )
    if any(row["measured_in"] == "units" for row in rows):
        st.caption(
            "SMSFactor counts units and does not tell their price. To see money, enter your price in "
            "`dbt_sms_spend/seeds/smsfactor_price_per_unit.csv` and run `make models`."
        )


def sum_of(rows: list[Row]) -> Row:
    """The month of several providers; a figure that one of them lacks has no sum. A range is not summed."""
    names = ("month_to_date", "days_missing_to_date", "forecast", "last_month_to_same_day", "last_month", "budget")
    sums = {name: None if any(row[name] is None for row in rows) else sum(row[name] for row in rows) for name in names}
    return {
        **sums,
        "month": rows[0]["month"],
        "measured_in": rows[0]["measured_in"],
        "forecast_high": None,
        "forecast_by": "sum",
    }


def show_month(row: Row) -> None:
    unit, month, last = row["measured_in"], f"{row['month']:%B}", row["month"] - timedelta(days=1)
    is_whole = row["last_month_to_same_day"] and not row["days_missing_to_date"]
    change = percent(row["month_to_date"], row["last_month_to_same_day"]) if is_whole else None
    note = f"{last:%b} not complete"
    if change:
        note = f"vs. {last:%b}"
    elif row["days_missing_to_date"]:
        note = (
            "1 day not in it" if row["days_missing_to_date"] == 1 else f"{row['days_missing_to_date']} days not in it"
        )
    elif row["month_to_date"] < 0:
        note = "with a refund"
    figure(f"{month} to date", quantity(row["month_to_date"], unit), change, note)
    spread = {"no day left": "month is over", "sum": "sum of providers"}.get(row["forecast_by"], "too few weeks")
    if row["forecast_high"] is not None and row["forecast_by"] != "no day left":
        spread = f"{short(row['forecast_low'])} to {short(row['forecast_high'])}"
    figure(f"{month} forecast", quantity(row["forecast"], unit), None, spread, HELP_FORECAST)
    if row["last_month"]:
        above = percent(row["forecast"], row["last_month"]) or "not known"
        figure(f"Forecast vs. {last:%b}", above, None, f"{last:%B}: {short(row['last_month'])}")
    if row["budget"] is not None:
        figure(f"{month} budget", quantity(row["budget"], unit), percent(row["forecast"], row["budget"]), "forecast")


def figure(
    label: str, value: str, change: str | None, note: str, help_text: str | None = None, is_bad: bool = False
) -> None:
    """A box with a figure, and below it a change with a note, or a note alone: in red if it is bad."""
    is_moved = change and change != UNCHANGED
    st.metric(label, value, change or note, delta_description=note if change else None,
        delta_color="red" if is_bad else "inverse" if is_moved else "off", delta_arrow="auto" if is_moved else "off",
        border=True, width=172, help=help_text)  # fmt: skip


def show_balance_figure(spend: Spend, provider: str) -> None:
    rows = spend.ask(
        "SELECT * FROM sms__balance_runout WHERE provider = $provider AND account_id IS NULL", provider=provider
    )
    for row in rows:
        if row["balance"] is None:
            figure("Balance", row["kind"], None, "no limit")
            continue
        owed = row["balance"] < 0
        label, value = ("Owed" if owed else "Balance"), quantity(abs(row["balance"]), row["measured_in"])
        if owed:
            figure(label, value, None, "top up", is_bad=True)
        elif row["days_left"] is None:
            figure(label, value, None, NOTES.get(row["forecast_status"], "end not known"))
        else:
            figure(label, value, None, f"lasts {lasting(row['days_left'])}", is_bad=row["days_left"] <= DAYS_LEFT)


def show_price_figure(spend: Spend, provider: str, chosen: Chosen) -> None:
    if provider == "seven.io":
        condition, count, label = "amount_per_sms IS NOT NULL", "messages", "Cost per SMS"
    else:
        condition, count, label = "amount IS NOT NULL", "units", "Cost per unit"
    query = f"""
        SELECT sum(amount) AS amount, sum({count}) AS sent, max(measured_in) AS unit FROM used
        WHERE provider = $provider AND {condition} AND date BETWEEN $first AND $last
    """
    [now], [before] = (spend.ask(query, provider=provider, **{**each.values}) for each in (chosen, chosen.before))
    if now["sent"]:
        price = now["amount"] / now["sent"]
        is_comparable = before["sent"] and are_complete(spend, replace(chosen.before, providers=(provider,)))
        change = percent(price, before["amount"] / before["sent"]) if is_comparable else None
        note = "vs. previous" if change else "in the period"
        figure(
            label,
            f"{now['unit']} {price:.4f}",
            change,
            note,
            "In the chosen period, over days with nothing but SMS, against the same number of days before it.",
        )


if __name__ == "__main__":
    main()
