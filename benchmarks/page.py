"""docs/performance.md, made of the results, so that it says nothing that was not measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.accounts import ACCOUNTS
from benchmarks.chart import bars, chart
from benchmarks.latency import BARE, LATENCY, MONTH, ROUNDS, TEN_YEARS, YEAR
from benchmarks.measure import REPOSITORY
from benchmarks.whole_sync import BUSY, ONE_COUNTRY, TURNS
from benchmarks.whole_sync import STREAM as SYNC_STREAM

PAGE = REPOSITORY / "docs" / "performance.md"
CHART = REPOSITORY / "docs" / "performance.svg"
SYNC_CHART = REPOSITORY / "docs" / "performance-sync.svg"

TITLES = {
    "connector": "this connector",
    "stock": "[stock YAML](../benchmarks/others/stock.yaml)",
    "dlt_pipeline": "[dlt rest_api, extract](../benchmarks/others/dlt_pipeline.py)",
    "singer_tap": "[Singer SDK tap](../benchmarks/others/singer_tap.py)",
    "bare": "[bare requests + orjson](../benchmarks/others/bare.py)",
    "cdk_alone": "[the CDK alone](../benchmarks/others/cdk_alone.py)",
}
Rows = Sequence[Mapping[str, Any]]


def write(results: Mapping[str, Any]) -> None:
    found = {name: part["found"] for name, part in results.items()}
    machines = {
        f"Python {one['python']}, {one['cores']} cores, airbyte-cdk {one['airbyte-cdk']}, dlt {one['dlt']}, "
        f"singer-sdk {one['singer-sdk']}"
        for one in (part["machine"] for part in results.values())
    }
    sections = [
        _head(sorted(machines)),
        _goals(found),
        _requests(found["requests"]),
        _sync(found["sync"]),
        _latency(found["latency"]),
        _accounts(found["accounts"]),
        _cpu(found["cpu"]),
        _bounds(found),
    ]
    PAGE.write_text("\n".join(sections), encoding="utf-8")
    CHART.write_text(chart([row for row in found["latency"] if row["stream"] == "consumption"], LATENCY), "utf-8")
    year = {_plain(row["program"]): row["seconds"] for row in found["sync"] if row["days"] == YEAR}
    SYNC_CHART.write_text(bars(f"Seconds of a whole sync of a year of {SYNC_STREAM}", year), "utf-8")


def _plain(program: str) -> str:
    return TITLES.get(program, program).removeprefix("[").partition("]")[0]


def _head(machines: Iterable[str]) -> str:
    return f"""\
# Performance

Written by `make bench` from [its results](../benchmarks/results.json): change the benchmark, not this page.

A sync costs **start-up + requests × latency ÷ workers + records × CPU**. Each part is held against its floor, in
one run on one machine, against the [provider sandbox](../integration_tests/sandbox/README.md). The programs
compared take turns, and a ratio is the median of the turns' ratios. Seconds and milliseconds are this machine's;
ratios and counts carry over. Measured with {"; ".join(machines)}.
"""


def _goals(found: Mapping[str, Any]) -> str:
    start, rows = found["startup"], found["latency"]
    others = {"stock": ("stock YAML", 3), "dlt_pipeline": ("dlt", 1), "singer_tap": ("the Singer SDK", 1)}
    years = {row["account"]: row for row in found["requests"] if row["sync"] == "first year"}
    syncs = {(row["program"], row["days"]): row["seconds"] for row in found["sync"]}
    table = [
        (
            "`spec`, against importing the CDK's entry point",
            "≤ 1.15 ×",
            start["spec_to_import_cpu"] <= 1.15,
            f"{start['spec_to_import_cpu']:.2f} × in CPU, {start['spec_to_import']:.2f} × in wall time",
            "startup",
        ),
    ]
    for account, most in (
        ("one group each", 20 + 365),
        ("dormant", 4 + 365),
        ("busy", years["busy"]["day_by_day"] * 1.05),
    ):
        asked = years[account]["requests"]
        name = f"Requests of a first year, all suggested streams, account: {account}"
        table.append((name, f"≤ {most:.0f}", asked <= most, f"{asked}", "requests"))
    for name, days, than, most in (
        (ONE_COUNTRY, YEAR, "dlt_pipeline", 1 / 3),
        (BUSY, YEAR, "stock", 1),
        (BUSY, 3, "stock", 1),
    ):
        share = syncs[name, days] / syncs[than, days]
        who = f"{_plain(than)}'s"
        table.append(
            (
                f"A sync of {days} days, {name}, against {who}",
                f"≤ {most:.2f} ×",
                share <= most,
                f"{share:.2f} ×",
                "sync",
            )
        )
    for workers in (1, 8, 32):
        of_connector = [row for row in rows if row["workers"] == workers and row["stream"] != BARE]
        of_workers = [row for row in of_connector if row["days"] == max(row["days"] for row in of_connector)]
        worst = max(row["ratio"] for row in of_workers)
        who = f"{of_workers[0]['days']} days, {workers} worker{'s' * (workers > 1)}"
        name = f"Wall time of {who}, ÷ (requests × latency ÷ workers)"
        table.append((name, "≤ 1.25", worst <= 1.25, f"{worst:.2f}", "latency"))
    for row in found["cpu"]:
        if row["program"] in others:
            who, goal = others[row["program"]]
            speed = row["speed_of_connector"]
            name = f"Records a CPU second of `{row['stream']}`, against {who}"
            value = f"{speed:.2f} ×; by the clock {row['speed_by_the_clock']:.2f} ×"
            table.append((name, f"≥ {goal} ×", speed >= goal, value, "cpu"))
    for stream, ratio in _memory(rows).items():
        name = f"Peak memory of ten years of `{stream}`, against {MONTH} days"
        table.append((name, "≤ 1.1 ×", ratio <= 1.1, f"{ratio:.3f} ×", "latency"))
    ratio, alone = (
        found["memory"][name][str(TEN_YEARS)] / found["memory"][name][str(MONTH)] for name in ("connector", "cdk_alone")
    )
    name = f"Peak memory of ten years of all suggested streams, against {MONTH} days"
    value = f"{ratio:.3f} ×; the CDK alone with as many windows {alone:.3f} ×"
    table.append((name, "≤ 1.15 ×", ratio <= 1.15, value, "memory"))
    lines = [
        f"| {name} | {goal} | {value}{'' if met else ' **(missed)**'} | `make bench ARGS={part}` |"
        for name, goal, met, value, part in table
    ]
    return _with_rows("| Figure | Goal | Measured | Command |\n|---|---|---|---|", lines)


def _with_rows(head: str, rows: Iterable[str]) -> str:
    """A table whose head ends a text."""
    return "\n".join([head, *rows, ""])


def _memory(rows: Rows) -> dict[str, float]:
    """Stream -> the peak of a ten-year read over that of a month's, both with the default of 8 workers."""
    peaks = {(row["stream"], row["days"]): row["peak_mb"] for row in rows if row["workers"] == 8}
    streams = dict.fromkeys(stream for stream, _ in peaks if stream != BARE)
    return {stream: peaks[stream, TEN_YEARS] / peaks[stream, MONTH] for stream in streams}


def _requests(rows: Rows) -> str:
    asked = [
        f"| {row['account']} | {row['sync']} | {row['days']} | {row['days_with_usage']} | {row['naive']} "
        f"| {row['day_by_day']} | **{row['requests']}** | {row['floor']} | {row['seconds']:.1f} |"
        for row in rows
    ]
    return (
        _with_rows(
            f"""\
## Requests

All streams that are suggested, as the sandbox counted them. N are the days read (a daily sync reads the lookback of 3),
U those with seven.io usage. "Naive" is one request a day and stream. "Day by day" leaves out the days that the grouping
by date says are without usage. Now spans of a year and of its fifths are asked first. "Floor" is one request for each
run of days that one could tell, if all were known before. "Seconds" are those of the command, start-up included, with
every answer after {LATENCY * 1000:.0f} ms and 8 workers for each provider.

| Account | Sync | N | U | Naive | Day by day | Now | Floor | Seconds |
|---|---|---|---|---|---|---|---|---|""",
            asked,
        )
        + """
Not done: spans for the days that are read again daily. A span whose groups have the sums of before does not prove that
its days have: usage may move from one group to another on one day, and back on the next.

Not done: spans of SMSFactor. Its responses name no days: one for a wide range may leave days out, or hold a refund that
makes two days look silent.
"""
    )


def _sync(rows: Rows) -> str:
    periods = dict.fromkeys(row["days"] for row in rows)
    names = dict.fromkeys(row["program"] for row in rows)
    seconds = {(row["program"], row["days"]): row["seconds"] for row in rows}
    lines = [
        f"| {TITLES.get(name, name)} | " + " | ".join(f"{seconds[name, days]:.2f} s" for days in periods) + " |"
        for name in names
    ]
    head = " | ".join(f"{days} days" for days in periods)
    turns = " and of ".join(f"{number} turns of {days} days" for days, number in TURNS.items())
    return _with_rows(
        f"""\
## A whole sync

`{SYNC_STREAM}` from the command to its end, start-up included, every answer after {LATENCY * 1000:.0f} ms, 8 workers
(the Singer SDK has one). The median of {turns}.

![Seconds of a whole sync](performance-sync.svg)

| Program | {head} |
|---|{"---|" * len(periods)}""",
        lines,
    )


def _latency(rows: Rows) -> str:
    lines = [
        f"| {TITLES.get(row['stream'], '`' + row['stream'] + '`')} | {row['days']} | {row['workers']} "
        f"| {row['most_at_once']} | {row['requests']} "
        f"| {row['seconds']:.1f} | {row['ratio']:.2f} | {row['peak_mb']:.0f} |"
        for row in rows
    ]
    return _with_rows(
        f"""\
## Latency

Every answer takes {LATENCY * 1000:.0f} ms. From the first request to the last answer, as the sandbox saw it, at the
rate of a user: ten requests a second and worker at most. Each is read {ROUNDS} times, and the one with the median ratio
stands here. One worker reads a year only: ten would take more than six minutes.

![Seconds by days and workers](performance.svg)

| Stream | Days | Workers | Most at once | Requests | Seconds | ÷ ideal | Peak MB |
|---|---|---|---|---|---|---|---|""",
        lines,
    )


def _accounts(rows: Rows) -> str:
    lines = [
        f"| {ACCOUNTS:,} | {row['days']} | {row['workers']} | {row['requests']} | {row['seconds']:.1f} "
        f"| {row['ratio']:.2f} | {row['peak_mb']:.0f} |"
        for row in rows
    ]
    return _with_rows(
        """\
## Many accounts

A daily sync of `analytics_by_subaccount_and_country`, at the same latency. Only the accounts that used anything on a
day are asked for, at most thirty here, and those of a day side by side.

| Subaccounts | Days | Workers | Requests | Seconds | ÷ ideal | Peak MB |
|---|---|---|---|---|---|---|""",
        lines,
    )


def _cpu(rows: Rows) -> str:
    lines = [
        f"| `{row['stream']}` | {TITLES[row['program']]} | {row['records']} | {row['requests']} "
        f"| {row['records_a_second']:,.0f} | {row['ms_a_request']:.2f} | {row['speed_of_connector']:.2f} × "
        f"| {row['speed_by_the_clock']:.2f} × | {row['start_seconds']:.2f} | {row['peak_mb']:.0f} |"
        for row in rows
    ]
    return _with_rows(
        """\
## CPU

The same records (same count, same checksum) read without latency, about 7 of them an answer. CPU seconds are the
client's alone. By the clock, the sandbox works too; the connector, dlt and stock YAML ask while it does, the connector
here without its limit of requests a second. A read of few days is taken off one of many, so that start-up does not
count. The connector asks no day without usage; its record of zeros for one is not counted.

The others do less: none of them notices an answer that is not what the API promises, and only stock YAML saves a
state after each window, as the connector does. They run with their own best settings: dlt in parallel and without
compression, Singer with its faster writer and without checks of its types.

"The CDK alone" is no reader but the floor of all sources on it: the same windows and cursor, no request, and records
that are there already. Its cost is spread over the connector's records and requests.

| Stream | Program | Records | Requests | Records a CPU second | ms a request | Connector is faster by | \
By the clock | Start-up CPU s | Peak MB |
|---|---|---|---|---|---|---|---|---|---|""",
        lines,
    )


def _bounds(found: Mapping[str, Any]) -> str:
    start, rows = found["startup"], found["latency"]
    by_country = {row["program"]: row for row in found["cpu"] if row["stream"] == "analytics_by_country"}
    by_days = {row["days"]: row for row in rows if (row["stream"], row["workers"]) == ("consumption", 32)}
    many, few = by_days[TEN_YEARS], by_days[YEAR]
    ms = 1000 * (many["cpu"] - few["cpu"]) / (many["requests"] - few["requests"])
    bare = next(row for row in rows if (row["stream"], row["workers"]) == (BARE, 32))
    return f"""\
## What bounds it now

- **Start-up**: the CDK's import, {start["seconds"]["import"]:.2f} s here, of which most builds serialisers and models.
  `spec` takes {start["seconds"]["spec"]:.2f} s; `check` {start["check_to_spec"]:.2f} × that, with \
{start["check_requests"]} requests to a provider that answers at once.
- **One to 8 workers**: the provider's latency.
- **32 workers**: the CPU is near its end. A request of `consumption` costs {ms:.1f} ms of it: one process, which Python
  lets use about one core, sends {1000 / ms:.0f} a second at most, and 32 workers at {LATENCY * 1000:.0f} ms would \
send {32 / LATENCY:.0f}. The bare loop
  with 32 threads, on the same machine and sandbox, comes to {bare["ratio"]:.2f} of the ideal time.
- **A request's CPU**: {by_country["connector"]["ms_a_request"]:.1f} ms, against \
{by_country["bare"]["ms_a_request"]:.1f} ms for the bare loop and
  {by_country["cdk_alone"]["ms_a_request"]:.1f} ms for the CDK alone: its cursor, which parses the date of every \
record and writes a state a window, its queue
  between the threads, and its messages.
"""
