"""A page over the models of dbt_sms_spend: `make dashboard`, after `make sync` and `make models`.

It shows your accounts if their models are there (schema `main_spend`), else the sandbox's, and loads nothing from the
network. What is measured in different currencies or in units is never added up: each has charts and sums of its own.
SMS_SPEND_DUCKDB and SMS_SPEND_SCHEMA name another database file and schema.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import streamlit as st

DATABASE = Path(os.environ.get("SMS_SPEND_DUCKDB") or Path(__file__).resolve().parent.parent / "sms_providers.duckdb")
SANDBOX = "sandbox_spend"
SCHEMAS = [os.environ["SMS_SPEND_SCHEMA"]] if "SMS_SPEND_SCHEMA" in os.environ else ["main_spend", SANDBOX]
PROVIDERS = ("seven.io", "SMSFactor")
COLOURS = ["#1d4ed8", "#d97706", "#047857", "#be185d", "#0891b2", "#7c3aed"]
COLOURS += ["#65a30d", "#b91c1c", "#475569", "#f59e0b", "#0d9488", "#a21caf"]
GREY = "#cbd5e1"
PARTS_NAMED = 6
OTHERS = "All others"
# Without a time of day a browser takes a date for UTC's and shows it as its own, which may be the day before.
MIDNIGHT = "T00:00:00"
DAY_AXIS = alt.Axis(
    format="%d %b", grid=False, labelFlush=False, labelOverlap=True, tickCount={"interval": "day", "step": 1}
)

Row = dict[str, Any]

VIEWS = """
CREATE TEMP VIEW names AS
SELECT country_code, max(country_name) AS name FROM sms__price_history WHERE country_code <> '' GROUP BY country_code;

CREATE TEMP VIEW used AS
SELECT
    spend.provider,
    spend.date,
    coalesce(names.name, spend.country, 'Not named') AS country,
    coalesce(spend.currency, 'units') AS measured_in,
    coalesce(spend.amount, spend.units) AS used
FROM sms__daily_spend AS spend
LEFT JOIN names ON spend.country = names.country_code;

CREATE TEMP VIEW anomalies AS
SELECT anomalies.* REPLACE (coalesce(names.name, anomalies.country, 'Not named') AS country)
FROM sms__spend_anomalies AS anomalies
LEFT JOIN names ON anomalies.country = names.country_code;

CREATE TEMP VIEW price_changes AS
SELECT *, coalesce(country_name, 'Not named') AS country
FROM sms__price_changes;
"""
CHOSEN = """
list_contains($providers, provider)
AND (len($countries) = 0 OR list_contains($countries, country))
AND date BETWEEN $first AND $last
"""


class NothingToShow(Exception):
    """There are no figures; the text says what to run."""


class Spend:
    """The models of a database that is open for reading: those of the first of the schemas that has any."""

    def __init__(self, database: duckdb.DuckDBPyConnection, schemas: Sequence[str]) -> None:
        found = database.execute("SELECT schema_name FROM duckdb_tables() WHERE table_name = 'sms__days'").fetchall()
        self.schema = next((schema for schema in schemas if (schema,) in found), None)
        if self.schema is None:
            raise NothingToShow(f"There are no models in {DATABASE.name} yet. Run `make sync`, then `make models`.")
        self._database = database
        self.ask(f"USE {self.schema}")
        database.execute(VIEWS)

    def ask(self, query: str, **values: Any) -> list[Row]:
        wanted = {name: value for name, value in values.items() if f"${name}" in query}
        answer = self._database.execute(query, wanted)
        columns = [column[0] for column in answer.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


def main() -> None:
    st.set_page_config(page_title="SMS spend", layout="wide")
    st.title("SMS spend")
    try:
        with open_database() as database:
            show(Spend(database, SCHEMAS))
    except NothingToShow as nothing:
        st.info(str(nothing))


def open_database() -> duckdb.DuckDBPyConnection:
    if not DATABASE.exists():
        raise NothingToShow(f"There is no {DATABASE.name} yet. Run `make sync`, then `make models`.")
    try:
        return duckdb.connect(str(DATABASE), read_only=True)
    except duckdb.IOException:
        raise NothingToShow("A sync or `make models` is at work. Load this page again when it is done.") from None


def show(spend: Spend) -> None:
    known = spend.ask(
        """
        SELECT provider, min(date) AS first, max(date) AS last, max(date) FILTER (status = 'complete') AS last_complete
        FROM sms__days GROUP BY provider
        """
    )
    if not known:
        raise NothingToShow("There are no days of usage yet. Run `make sync`, then `make models`.")
    if spend.schema == SANDBOX:
        st.caption("These figures are the sandbox's, and invented. README.md says how to read your accounts.")
    chosen = choose(spend, known)
    if chosen is None:
        st.info("Choose the last day of the period too.")
        return
    stacked_by = chosen.pop("stacked_by")
    show_gaps(spend, chosen)
    show_sums(spend, chosen)
    show_days(spend, chosen, stacked_by)
    show_balances(spend, chosen)
    left, right = st.columns(2, gap="large")
    with left:
        show_movers(spend, chosen)
    with right:
        show_anomalies(spend, chosen)
        show_price_changes(spend, chosen)


def choose(spend: Spend, known: list[Row]) -> dict[str, Any] | None:
    """What the boxes at the top say; None while the period has no end yet."""
    boxes = st.columns([2, 3, 4, 2])
    providers = [name for name in PROVIDERS if name in {row["provider"] for row in known}]
    provider = boxes[0].selectbox("Provider", ["Both", *providers] if len(providers) > 1 else providers)
    first, last = min(row["first"] for row in known), max(row["last"] for row in known)
    end = max((row["last_complete"] for row in known if row["last_complete"]), default=last)
    # Four weeks, or less if there are not as many days before them to compare with.
    length = min(timedelta(days=28), (end - first + timedelta(days=1)) // 2)
    begin = min(end - length + timedelta(days=1), end)
    period = boxes[1].date_input("Period", (begin, end), min_value=first, max_value=last, format="YYYY-MM-DD")
    names = [row["country"] for row in spend.ask("SELECT DISTINCT country FROM used ORDER BY country")]
    countries = boxes[2].multiselect("Countries", names, placeholder="All")
    stacked_by = boxes[3].selectbox("Stacked by", ["country", "provider"])
    if not isinstance(period, tuple) or len(period) != 2:
        return None
    return {
        "providers": providers if provider == "Both" else [provider],
        "countries": countries,
        "first": period[0],
        "last": period[1],
        "stacked_by": stacked_by,
    }


def period_before(chosen: dict[str, Any]) -> dict[str, Any]:
    """The same choice for as many days before."""
    length = chosen["last"] - chosen["first"] + timedelta(days=1)
    return {**chosen, "first": chosen["first"] - length, "last": chosen["last"] - length}


def are_complete(spend: Spend, chosen: dict[str, Any]) -> bool:
    """Whether every day of the period was read after it was over, of each provider that was chosen."""
    [row] = spend.ask(
        """
        SELECT count(*) AS days FROM sms__days
        WHERE status = 'complete' AND list_contains($providers, provider) AND date BETWEEN $first AND $last
        """,
        **chosen,
    )
    length = (chosen["last"] - chosen["first"]).days + 1
    return bool(row["days"] == length * len(chosen["providers"]))


def show_gaps(spend: Spend, chosen: dict[str, Any]) -> None:
    """Says what of the period is missing, partial or without a price."""
    sentences = []
    days = spend.ask(
        """
        SELECT status, provider, list(date ORDER BY date) AS dates
        FROM sms__days
        WHERE status <> 'complete' AND list_contains($providers, provider) AND date BETWEEN $first AND $last
        GROUP BY status, provider
        ORDER BY status, provider DESC
        """,
        **chosen,
    )
    are_shown = spend.ask("SELECT 1 FROM sms__daily_spend WHERE is_partial LIMIT 1")
    for row in days:
        dates = ", ".join(map(str, row["dates"][:5])) + (" and others" if len(row["dates"]) > 5 else "")
        if row["status"] == "missing":
            sentences.append(f"{row['provider']}: {dates} was never read and is in no sum. Run `make sync`.")
        else:
            where = "in the sums, but not final" if are_shown else "not in the sums"
            sentences.append(f"{row['provider']}: {dates} was still running when it was read, and is {where}.")
    ends = spend.ask(
        """
        SELECT provider, max(date) AS last FROM sms__days WHERE list_contains($providers, provider)
        GROUP BY provider HAVING max(date) < $last ORDER BY provider DESC
        """,
        **chosen,
    )
    sentences += [f"{row['provider']}: nothing was read after {row['last']}." for row in ends]
    if sentences:
        st.warning("\n\n".join(sentences))
    if "units" in measures(spend, chosen):
        st.caption(
            "SMSFactor counts units and does not tell their price. To see money, enter your price in "
            "`dbt_sms_spend/seeds/smsfactor_price_per_unit.csv` and run `make models`."
        )


def measures(spend: Spend, chosen: dict[str, Any]) -> list[str]:
    """The currencies of the period, and "units" if some usage has no price."""
    rows = spend.ask(f"SELECT DISTINCT measured_in FROM used WHERE {CHOSEN} ORDER BY measured_in", **chosen)
    return [row["measured_in"] for row in rows]


def show_sums(spend: Spend, chosen: dict[str, Any]) -> None:
    query = f"""
        SELECT provider, measured_in, sum(used) AS used FROM used WHERE {CHOSEN}
        GROUP BY provider, measured_in ORDER BY provider DESC, measured_in
    """
    before = period_before(chosen)
    earlier = {(row["provider"], row["measured_in"]): row["used"] for row in spend.ask(query, **before)}
    is_comparable = are_complete(spend, chosen) and are_complete(spend, before)
    rows = spend.ask(query, **chosen)
    if not rows:
        st.info("There is no usage in this choice.")
    for box, row in zip(st.columns(max(len(rows), 3)), rows, strict=False):
        was = earlier.get((row["provider"], row["measured_in"]))
        change = f"{percent(row['used'], was)} to the period before" if is_comparable and was else None
        label = f"{row['provider']}, {chosen['first']} to {chosen['last']}"
        box.metric(label, quantity(row["used"], row["measured_in"]), change, delta_color="inverse")


def show_days(spend: Spend, chosen: dict[str, Any], stacked_by: str) -> None:
    charts = {name: days_of(spend, chosen, name, stacked_by) for name in measures(spend, chosen)}
    colours = colours_of(row["part"] for rows in charts.values() for row in rows)
    for measured_in, rows in charts.items():
        st.subheader(f"{'Units' if measured_in == 'units' else measured_in} by day")
        st.altair_chart(days_chart(rows, chosen["first"], chosen["last"], colours))


def colours_of(parts: Iterable[str]) -> dict[str, str]:
    """A country has one colour in all charts."""
    named = dict.fromkeys(part for part in parts if part != OTHERS)
    return {**dict(zip(named, itertools.cycle(COLOURS))), OTHERS: GREY}


def days_of(spend: Spend, chosen: dict[str, Any], measured_in: str, stacked_by: str) -> list[Row]:
    """Rows of day, part and used; the largest parts by name and first, the rest together."""
    return spend.ask(
        f"""
        WITH chosen AS (
            SELECT *, {stacked_by} AS part FROM used WHERE {CHOSEN} AND measured_in = $measured_in
        ),
        parts AS (
            SELECT part, row_number() OVER (ORDER BY sum(used) DESC, part) AS place FROM chosen GROUP BY part
        )
        SELECT
            CAST(date AS VARCHAR) || '{MIDNIGHT}' AS day,
            CASE WHEN place <= $named THEN part ELSE $others END AS part,
            CAST(sum(used) AS DOUBLE) AS used,
            least(min(place), $named + 1) AS place
        FROM chosen JOIN parts USING (part)
        GROUP BY ALL
        ORDER BY place, day
        """,
        **chosen,
        measured_in=measured_in,
        named=PARTS_NAMED,
        others=OTHERS,
    )


def days_chart(rows: list[Row], first: date, last: date, colours: Mapping[str, str]) -> alt.Chart:
    parts = list(dict.fromkeys(row["part"] for row in rows))
    coloured = alt.Scale(domain=parts, range=[colours[part] for part in parts])
    whole_period = alt.Scale(domain=[f"{day}{MIDNIGHT}" for day in (first, last + timedelta(days=1))])
    return (
        alt.Chart(alt.Data(values=rows), height=260)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdate(day):T", title=None, axis=DAY_AXIS, scale=whole_period),
            y=alt.Y("used:Q", title=None, axis=figure_axis(max(row["used"] for row in rows))),
            color=alt.Color("part:N", title=None, scale=coloured, legend=alt.Legend(orient="bottom", columns=4)),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("day:T", title="Day", format="%Y-%m-%d"),
                alt.Tooltip("part:N", title="Part"),
                alt.Tooltip("used:Q", title="Used", format=",.2f"),
            ],
        )
    )


def figure_axis(highest: float) -> alt.Axis:
    return alt.Axis(format=",.0f" if highest >= 5 else ",.2f", tickCount=5, domain=False)


def show_balances(spend: Spend, chosen: dict[str, Any]) -> None:
    balances = "FROM sms__balance_runout WHERE list_contains($providers, provider)"
    rows = spend.ask(f"SELECT * {balances} AND account_id IS NULL ORDER BY provider DESC", **chosen)
    accounts = spend.ask(
        f"""
        SELECT *, count(*) OVER () AS accounts {balances} AND account_id IS NOT NULL
        ORDER BY runs_out_on NULLS LAST, provider DESC, account_name, account_id
        LIMIT 12
        """,
        **chosen,
    )
    if not rows and not accounts:
        return
    st.subheader("Balance")
    for box, row in zip(st.columns(max(len(rows), 2), gap="large"), rows, strict=False):
        with box:
            st.metric(f"{row['provider']}, {row['balance_date']}", quantity(row["balance"], row["measured_in"]))
            st.write(forecast_text(row))
            if row["days_left"] and row["runs_out_on"]:
                st.altair_chart(forecast_chart(row))
    if accounts:
        st.caption(f"Of {accounts[0]['accounts']} sub-accounts those that end first")
        table(
            {
                "Sub-account": row["account_name"] or "",
                "Id": row["account_id"],
                "Provider": row["provider"],
                "Balance": quantity(row["balance"], row["measured_in"]),
                "Used a day": quantity(max(means_of(row), default=(None,))[0], row["measured_in"]),
                "Used up": end_of_account(row),
            }
            for row in accounts
        )


def end_of_account(row: Row) -> str:
    if row["kind"] == "unlimited":
        return "no limit of its own"
    if row["days_left"] is None:
        return "not known"
    end = str(row["runs_out_on"] or "in more than ten years")
    return f"{end}, unless topped up before" if row["is_topped_up"] else end


def forecast_text(row: Row) -> str:
    if row["kind"] == "postpaid":
        return "The account is billed afterwards: its balance has no end."
    if row["kind"] == "unlimited":
        return "The account has no limit of its own."
    if row["days_left"] is None:
        return "No usage is known that would use it up."
    mean, days, span = max(means_of(row))
    missing = "" if days == span else f", of which {span - days} are not known"
    end = f"used up on {row['runs_out_on']}" if row["runs_out_on"] else "used up in more than ten years"
    lasts = {0: "less than a day", 1: "1 day"}.get(row["days_left"], f"{row['days_left']} days")
    return (
        f"Lasts **{lasts}**, {end}, at {quantity(mean, row['measured_in'])} a day: "
        f"the mean of the {span} days before{missing}. Top-ups to come are not in it."
    )


def means_of(row: Row) -> list[tuple[Decimal, int, int]]:
    """Each mean that is known, with the days that it is of, and the days that these are among."""
    means = [(row["mean_7_days"], row["days_in_mean_7"], 7), (row["mean_28_days"], row["days_in_mean_28"], 28)]
    return [one for one in means if one[0] is not None]


def forecast_chart(row: Row) -> alt.Chart:
    points = [
        {"day": f"{row['balance_date']}{MIDNIGHT}", "left": float(row["balance"])},
        {"day": f"{row['runs_out_on']}{MIDNIGHT}", "left": 0},
    ]
    colour = COLOURS[PROVIDERS.index(row["provider"])]
    return (
        alt.Chart(alt.Data(values=points), height=140)
        .mark_area(color=colour, opacity=0.2, line={"color": colour, "strokeDash": [5, 4]})
        .encode(
            x=alt.X("day:T", title=None, axis=DAY_AXIS),
            y=alt.Y("left:Q", title=None, axis=figure_axis(points[0]["left"])),
        )
    )


def show_movers(spend: Spend, chosen: dict[str, Any]) -> None:
    st.subheader("Countries that moved")
    before = period_before(chosen)
    if not (are_complete(spend, chosen) and are_complete(spend, before)):
        st.write(f"Not all days from {before['first']} to {chosen['last']} are known: nothing to compare with.")
        return
    rows = spend.ask(
        f"""
        SELECT
            country, measured_in,
            coalesce(sum(used) FILTER (date >= $middle), 0) AS now,
            coalesce(sum(used) FILTER (date < $middle), 0) AS before
        FROM used WHERE {CHOSEN}
        GROUP BY country, measured_in
        QUALIFY row_number() OVER (PARTITION BY measured_in ORDER BY abs(now - before) DESC, country) <= 6
        ORDER BY measured_in, abs(now - before) DESC, country
        """,
        **{**chosen, "first": before["first"]},
        middle=chosen["first"],
    )
    st.caption(f"Against {before['first']} to {before['last']}")
    table(
        {
            "Country": row["country"],
            "Now": quantity(row["now"], row["measured_in"]),
            "Before": quantity(row["before"], row["measured_in"]),
            "Change": percent(row["now"], row["before"]) if row["before"] else "new",
        }
        for row in rows
    )


def show_anomalies(spend: Spend, chosen: dict[str, Any]) -> None:
    st.subheader("Days far above what is usual")
    rows = spend.ask(f"SELECT * FROM anomalies WHERE {CHOSEN} ORDER BY date DESC, above_median DESC LIMIT 12", **chosen)
    if not rows:
        st.write("None. Days with less than four weeks before them are not judged.")
        return
    table(
        {
            "Day": row["date"],
            "Provider": row["provider"],
            "Country": row["country"],
            "Used": quantity(row["used"], row["measured_in"]),
            "Usual on this weekday": quantity(row["median_of_weekday"], row["measured_in"]),
        }
        for row in rows
    )


def show_price_changes(spend: Spend, chosen: dict[str, Any]) -> None:
    if "seven.io" not in chosen["providers"]:
        return
    st.subheader("Price changes")
    rows = spend.ask(
        f"""
        SELECT *, count(*) OVER () AS changes FROM price_changes WHERE {CHOSEN}
        ORDER BY abs(new_price - old_price) DESC NULLS LAST, country, network_name
        LIMIT 12
        """,
        **chosen,
    )
    [lists] = spend.ask("SELECT min(valid_from) AS first FROM sms__price_history")
    if not rows:
        st.write(f"None is known. Prices are known since {lists['first']}." if lists["first"] else "No price list yet.")
        return
    st.caption(f"The largest of {rows[0]['changes']} at seven.io, for one SMS")
    table(
        {
            "Since": row["date"],
            "Country": row["country"],
            "Network": row["network_name"] or "all others",
            "Old": "" if row["old_price"] is None else f"{row['old_price']:.4f}",
            "New": "" if row["new_price"] is None else f"{row['new_price']:.4f}",
            "Change": row["change"] if row["percent"] is None else f"{row['percent']:+.1f} %",
        }
        for row in rows
    )


def table(rows: Iterable[Row]) -> None:
    st.dataframe([{name: str(value) for name, value in row.items()} for row in rows], hide_index=True, height="content")


def quantity(figure: Decimal | None, measured_in: str) -> str:
    if figure is None:
        return "not known"
    return f"{figure:,.0f} {measured_in}" if measured_in in ("units", "credits") else f"{measured_in} {figure:,.2f}"


def percent(now: Decimal, before: Decimal) -> str:
    return f"{100 * (now / before - 1):+.1f} %"


if __name__ == "__main__":
    main()
