"""The charts of the page, and the rows that they draw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import altair as alt

from .data import CHOSEN, Chosen, Row, Spend, day_text

PARTS_NAMED = 11
OTHERS = "All others"
GREY, RED = "#cbd5e1", "#dc2626"
COLOURS = [
    "#1d4ed8",
    "#d97706",
    "#047857",
    "#be185d",
    "#0891b2",
    "#7c3aed",
    "#65a30d",
    "#b45309",
    "#475569",
    "#f59e0b",
    "#0d9488",
    "#a21caf",
    "#60a5fa",
    "#fca5a5",
    "#86efac",
    "#f9a8d4",
    "#67e8f9",
    "#c4b5fd",
    "#bef264",
    "#fde047",
]
# Without a time of day a browser takes a date for UTC's and shows it as its own, which may be the day before.
MIDNIGHT = "T00:00:00"
# The longest period in days that is shown by this step, and how its axis is labelled.
STEPS = ((62, "day", "%d %b"), (400, "week", "%d %b"), (10**6, "month", "%b %Y"))


def colours_of(spend: Spend) -> dict[str, str]:
    """One colour for each country, by its rank over all days: no filter changes it."""
    ranked = spend.ask(
        "SELECT country FROM used GROUP BY country ORDER BY sum(abs(coalesce(amount, units / 100))) DESC, country"
    )
    return {**{row["country"]: COLOURS[n % len(COLOURS)] for n, row in enumerate(ranked)}, OTHERS: GREY}


def days_of(spend: Spend, chosen: Chosen, measured_in: str) -> tuple[list[Row], str, str]:
    """Rows of day, part and used, zeros too; the largest countries by name and first, the others together."""
    step, form = next((step, form) for longest, step, form in STEPS if chosen.length <= longest)
    rows = spend.ask(
        f"""
        WITH chosen AS (SELECT * FROM used WHERE {CHOSEN} AND measured_in = $measured_in),
        parts AS (
            SELECT country, row_number() OVER (ORDER BY sum(used) DESC, country) AS place FROM chosen GROUP BY country
        ),
        calendar AS (
            SELECT DISTINCT CAST(date_trunc('{step}', date) AS DATE) AS day FROM sms__days
            WHERE status = 'complete' AND list_contains($providers, provider) AND date BETWEEN $first AND $last
        ),
        sums AS (
            SELECT
                CAST(date_trunc('{step}', date) AS DATE) AS day,
                CASE WHEN place <= $named THEN country ELSE $others END AS part,
                sum(used) AS used
            FROM chosen JOIN parts USING (country)
            GROUP BY ALL
        ),
        named AS (SELECT part, min(place) AS place, count(*) AS countries FROM (
            SELECT CASE WHEN place <= $named THEN country ELSE $others END AS part, least(place, $named + 1) AS place
            FROM parts
        ) GROUP BY part)
        SELECT CAST(day AS VARCHAR) || '{MIDNIGHT}' AS day, part, CAST(coalesce(used, 0) AS DOUBLE) AS used, place,
            countries
        FROM calendar CROSS JOIN named LEFT JOIN sums USING (day, part)
        ORDER BY place, day
        """,
        **chosen.values,
        measured_in=measured_in,
        named=PARTS_NAMED,
        others=OTHERS,
    )
    return rows, step, form


def others_of(rows: list[Row], measure: str) -> str:
    """A sentence about the countries that the chart does not name."""
    others = [row for row in rows if row["part"] == OTHERS]
    if not others:
        return ""
    used, total = sum(row["used"] for row in others), sum(row["used"] for row in rows)
    share = f", {100 * used / total:.1f} % of the {measure.lower()}" if 0 <= used <= total and total else ""
    return f"{OTHERS}: {others[0]['countries']} countries{share}."


def days_chart(
    rows: list[Row],
    gaps: list[Row],
    chosen: Chosen,
    step: str,
    form: str,
    colours: Mapping[str, str],
    measure: str = "Spend",
) -> tuple[alt.LayerChart, bool]:
    """The bars, and whether a refund is cut off so that it does not flatten the others."""
    bars = stacked(rows, step)
    highest, lowest = max([bar["top"] for bar in bars] + [0]), min([bar["bottom"] for bar in bars] + [0])
    is_cut = highest > 0 and lowest < -highest / 4
    parts = list(dict.fromkeys(row["part"] for row in rows))
    coloured = alt.Scale(domain=parts, range=[colours[part] for part in parts])
    whole_period = [bar_of(chosen.first, step)[0], bar_of(chosen.last, "day")[1]]
    bounds = alt.Scale(domain=[min([bar["begin"] for bar in bars] + whole_period[:1]), whole_period[1]])
    heights = alt.Scale(domain=[-highest / 4 if is_cut else lowest, highest * 1.02 or 1], nice=not is_cut)
    ticks = tick_count(step, chosen.length)
    # A day's bar stands on its tick; those of weeks and months begin at it, and so does the name of a month.
    align = {"labelAlign": "left"} if step == "month" else {}
    axis = alt.Axis(format=form, grid=False, labelFlush=False, labelOverlap=True, tickCount=ticks, **align)
    title = {"day": "Day", "week": "Week of", "month": "Month of"}[step]
    drawn = (
        alt.Chart(alt.Data(values=bars))
        .mark_rect(clip=True)
        .encode(
            x=alt.X("begin:T", title=None, axis=axis, scale=bounds),
            x2="end:T",
            y=alt.Y("bottom:Q", title=None, axis=figure_axis(highest), scale=heights),
            y2="top:Q",
            color=alt.Color("part:N", title=None, scale=coloured, legend=alt.Legend(orient="bottom", columns=3)),
            tooltip=[
                alt.Tooltip("day:T", title=title, format="%d %b %Y"),
                alt.Tooltip("part:N", title="Country"),
                alt.Tooltip("used:Q", title=measure, format=",.2f"),
            ],
        )
    )
    layers = [drawn]
    if gaps:
        bands = [{**gap, **dict(zip(("begin", "end"), bar_of(gap["date"], "day"), strict=True))} for gap in gaps]
        bands = [{**band, "date": f"{band['date']}{MIDNIGHT}"} for band in bands]
        band = alt.Chart(alt.Data(values=bands)).mark_rect(color=RED, opacity=0.15)
        tips = [alt.Tooltip("date:T", title="Day", format="%d %b %Y"), alt.Tooltip("status:N", title="Status")]
        layers.insert(0, band.encode(x="begin:T", x2="end:T", tooltip=tips))
    if lowest < 0:
        layers.append(alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color="#64748b").encode(y="zero:Q"))
    return alt.layer(*layers).properties(height=260), is_cut


def stacked(rows: list[Row], step: str) -> list[Row]:
    """The rows with the bounds of their bars: refunds are below zero, and take nothing from the bars above it."""
    tops: dict[str, float] = {}
    bottoms: dict[str, float] = {}
    bars = []
    for row in rows:
        ends = tops if row["used"] >= 0 else bottoms
        start = ends.get(row["day"], 0.0)
        ends[row["day"]] = start + row["used"]
        day = date.fromisoformat(row["day"][:10])
        bounds = {"bottom": min(start, ends[row["day"]]), "top": max(start, ends[row["day"]])}
        begin, end = bar_of(day, step)
        bars.append({**row, **bounds, "begin": begin, "end": end})
    return bars


def bar_of(day: date, step: str) -> tuple[str, str]:
    """Where the bar of a day, week or month begins and ends: a little before the next one."""
    if step == "day":
        return f"{day - timedelta(days=1)}T14:00:00", f"{day}T10:00:00"
    if step == "week":
        return f"{day}{MIDNIGHT}", f"{day + timedelta(days=6)}{MIDNIGHT}"
    first = day.replace(day=1)
    return f"{first}{MIDNIGHT}", f"{first + timedelta(days=26)}{MIDNIGHT}"


def parts_of_steps(chosen: Chosen, step: str) -> str:
    """A sentence about the first and the last bar if they are of less than a whole week or month."""
    begins = chosen.first.weekday() == 0 if step == "week" else chosen.first.day == 1
    after = chosen.last + timedelta(days=1)
    ends = after.weekday() == 0 if step == "week" else after.day == 1
    bars = [] if begins else [f"the first bar starts on {day_text(chosen.first)}"]
    bars += [] if ends else [f"the last bar ends on {day_text(chosen.last)}"]
    return "" if step == "day" or not bars else f"Not a whole {step}: {' and '.join(bars)}."


def tick_count(step: str, length: int) -> Any:
    if step == "day":
        return {"interval": "day", "step": max(1, length // 14)}
    return {"interval": "month", "step": max(1, length // 365)}


def figure_axis(highest: float) -> alt.Axis:
    return alt.Axis(format=",.0f" if highest >= 5 else ",.2f", tickCount=5, domain=False)


def balance_chart(history: list[Row], balance: Row) -> alt.LayerChart:
    """The balances that were read, top-ups as points, and dashed what is left at the usage of the last days."""
    points = [
        {"day": f"{row['date']}{MIDNIGHT}", "left": float(row["opening_balance"]), "kind": "Balance"}
        for row in history
        if row["is_opening_measured"]
    ]
    now = {"day": f"{balance['balance_date']}{MIDNIGHT}", "left": float(balance["balance"])}
    points.append({**now, "kind": "Balance"})
    end = balance["runs_out_on"]
    if end and balance["balance"] > 0:
        # No longer than the history: a balance of years would leave it no room.
        longest = balance["balance_date"] + timedelta(days=max(28, len(history)))
        left = float(balance["balance"]) * max(
            0, 1 - (longest - balance["balance_date"]) / max(end - balance["balance_date"], timedelta(1))
        )
        points += [
            {**now, "kind": "Forecast"},
            {"day": f"{min(end, longest)}{MIDNIGHT}", "left": left, "kind": "Forecast"},
        ]
    top_ups = [
        {
            "day": f"{row['date'] + timedelta(days=1)}{MIDNIGHT}",
            "left": float(row["closing_balance"]),
            "amount": float(row["top_up"]),
        }
        for row in history
        if row["top_up"]
    ]
    highest = max(abs(point["left"]) for point in points)
    form = "%d %b" if len(history) <= STEPS[1][0] else "%b %Y"
    days = [date.fromisoformat(point["day"][:10]) for point in points]
    length = (max(days) - min(days)).days
    # Of a few days, a count would give several ticks to each.
    ticks = {"interval": "day", "step": max(1, length // 7)} if length <= 21 else 8
    axis = alt.Axis(format=form, grid=False, labelOverlap=True, labelFlush=False, tickCount=ticks)
    x = alt.X("day:T", title=None, axis=axis)
    kinds = alt.Scale(domain=["Balance", "Forecast"], range=[COLOURS[0], COLOURS[1]])
    dashes = alt.Scale(domain=["Balance", "Forecast"], range=[[1, 0], [5, 4]])
    lines = (
        alt.Chart(alt.Data(values=points))
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("left:Q", title=None, axis=figure_axis(highest), scale=alt.Scale(zero=True)),
            color=alt.Color("kind:N", title=None, scale=kinds, legend=alt.Legend(orient="bottom")),
            strokeDash=alt.StrokeDash("kind:N", scale=dashes, legend=None),
            tooltip=[
                alt.Tooltip("day:T", title="Day", format="%d %b %Y"),
                alt.Tooltip("left:Q", title="Balance", format=",.2f"),
            ],
        )
    )
    if not history:
        # A line of one day would not be seen.
        single = alt.Chart(alt.Data(values=[now])).mark_point(filled=True, size=60, color=COLOURS[0], opacity=1)
        return alt.layer(lines, single.encode(x=x, y="left:Q")).properties(height=200)
    if not top_ups:
        return alt.layer(lines).properties(height=200)
    marks = (
        alt.Chart(alt.Data(values=top_ups))
        .mark_point(shape="triangle-up", filled=True, size=120, color=COLOURS[2], opacity=1)
        .encode(
            x=x,
            y="left:Q",
            tooltip=[
                alt.Tooltip("day:T", title="Topped up", format="%d %b %Y"),
                alt.Tooltip("amount:Q", title="Amount", format=",.2f"),
            ],
        )
    )
    return alt.layer(lines, marks).properties(height=200)
