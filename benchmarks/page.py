"""Writes docs/performance.md from the results, so that every number in it was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accounts import ACCOUNTS
from benchmarks.chart import bars, chart
from benchmarks.latency import BARE, LATENCY, MONTH, ROUNDS, TEN_YEARS, YEAR
from benchmarks.measure import REPOSITORY
from benchmarks.whole_sync import DAILY_SYNC, PROGRAMS, TURNS
from benchmarks.whole_sync import STREAM as SYNC_STREAM

DOCS = REPOSITORY / "docs"
PAGE, CHART, SYNC_CHART = "performance.md", "performance.svg", "performance-sync.svg"

TITLES = {
    "connector": "this connector",
    "stock": "[stock YAML](../benchmarks/others/stock.yaml)",
    "dlt_pipeline": "[dlt rest_api, extract](../benchmarks/others/dlt_pipeline.py)",
    "singer_tap": "[Singer SDK tap](../benchmarks/others/singer_tap.py)",
    "bare": "[bare requests + orjson](../benchmarks/others/bare.py)",
    "cdk_alone": "[the CDK alone](../benchmarks/others/cdk_alone.py)",
}
SYNCS = {DAILY_SYNC: "Daily sync", YEAR: "First sync"}
"""Days -> what a user calls a sync of them."""
MISSED = " **(missed)**"
Rows = Sequence[Mapping[str, Any]]


def write(results: Mapping[str, Any], folder: Path = DOCS) -> None:
    found = {name: part["found"] for name, part in results.items()}
    machines = {
        f"Python {one['python']}, {one['cores']} cores, airbyte-cdk {one['airbyte-cdk']}, dlt {one['dlt']}, "
        f"singer-sdk {one['singer-sdk']}"
        for one in (part["machine"] for part in results.values())
    }
    sections = [
        _head(sorted(machines)),
        _goals(found),
        _sync(found["sync"]),
        _requests(found["requests"]),
        _latency(found["latency"]),
        _accounts(found["accounts"]),
        _cpu(found["cpu"]),
        _bounds(found),
    ]
    (folder / PAGE).write_text("\n".join(sections), encoding="utf-8")
    lines = chart([row for row in found["latency"] if row["stream"] == "consumption"], LATENCY)
    (folder / CHART).write_text(lines, encoding="utf-8")
    (folder / SYNC_CHART).write_text(bars(_bars_of_syncs(found["sync"])), encoding="utf-8")


def _bars_of_syncs(rows: Rows) -> dict[str, dict[str, float]]:
    """Title -> program and its workers -> seconds."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        title = f"{SYNCS[row['days']]}, {row['days']} days of {SYNC_STREAM}, account: {row['account']}"
        name = f"{plain(row['program'])}, {in_words(PROGRAMS[row['program']])}"
        found.setdefault(title, {})[name] = row["seconds"]
    return found


def plain(program: str) -> str:
    return TITLES[program].removeprefix("[").partition("]")[0]


def in_words(workers: int) -> str:
    return f"{workers} worker{'s' * (workers > 1)}"


def _head(machines: Iterable[str]) -> str:
    return f"""\
# Performance

`make bench` writes this page from [its results](../benchmarks/results.json): change the benchmark, not this page.

The time of a sync is about **start-up + requests × latency ÷ workers + records × CPU time**. This page compares each
part with the least it can be. All programs read the [provider sandbox](../integration_tests/sandbox/README.md) on
one machine, and in each table the same account. Compared programs run in turns. Seconds and milliseconds depend on the
machine; ratios and counts hardly do. A *worker* is one concurrent request per provider, as set in "Concurrent
requests per provider".

Measured with {"; ".join(machines)}.
"""


def _goals(found: Mapping[str, Any]) -> str:
    start, rows = found["startup"], found["latency"]
    others = {"stock": ("stock YAML", 3), "dlt_pipeline": ("dlt", 1), "singer_tap": ("the Singer SDK", 1)}
    years = {row["account"]: row for row in found["requests"] if row["sync"] == "first year"}
    table = [
        *_goals_of_syncs(found["sync"]),
        (
            "`spec`, compared with importing the CDK's entry point",
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
        name = f"Requests of a first sync of a year, all default streams, account: {account}"
        table.append((name, f"≤ {most:.0f}", asked <= most, f"{asked}", "requests"))
    for workers in (1, 8, 32):
        of_connector = [row for row in rows if row["workers"] == workers and row["stream"] != BARE]
        of_workers = [row for row in of_connector if row["days"] == max(row["days"] for row in of_connector)]
        worst = max(row["ratio"] for row in of_workers)
        who = f"{of_workers[0]['days']} days, {in_words(workers)}"
        name = f"Time of {who}, ÷ (requests × latency ÷ workers)"
        table.append((name, "≤ 1.25", worst <= 1.25, f"{worst:.2f}", "latency"))
    for row in found["cpu"]:
        if row["program"] in others:
            who, goal = others[row["program"]]
            speed = row["speed_of_connector"]
            name = f"Records per CPU second of `{row['stream']}`, compared with {who}"
            value = f"{speed:.2f} ×; per second of wall time {row['speed_by_the_clock']:.2f} ×"
            table.append((name, f"≥ {goal} ×", speed >= goal, value, "cpu"))
    for stream, ratio in _memory(rows).items():
        name = f"Peak memory of ten years of `{stream}`, compared with {MONTH} days"
        table.append((name, "≤ 1.1 ×", ratio <= 1.1, f"{ratio:.3f} ×", "latency"))
    ratio, alone = (
        found["memory"][name][str(TEN_YEARS)] / found["memory"][name][str(MONTH)] for name in ("connector", "cdk_alone")
    )
    name = f"Peak memory of ten years of all default streams, compared with {MONTH} days"
    value = f"{ratio:.3f} ×; the CDK alone, with the same number of windows, {alone:.3f} ×"
    table.append((name, "≤ 1.15 ×", ratio <= 1.15, value, "memory"))
    lines = [
        f"| {name} | {goal} | {value}{'' if met else MISSED} | `make bench ARGS={part}` |"
        for name, goal, met, value, part in table
    ]
    return _with_rows("| What | Goal | Measured | Command |\n|---|---|---|---|", lines)


def _goals_of_syncs(rows: Rows) -> Iterable[tuple[str, str, bool, str, str]]:
    """No other program is quicker, on the same account."""
    seconds = {(row["account"], row["days"], row["program"]): row["seconds"] for row in rows}
    for account, days in dict.fromkeys((row["account"], row["days"]) for row in rows):
        own = seconds[account, days, "connector"]
        for name in PROGRAMS:
            if name != "connector":
                share = own / seconds[account, days, name]
                what = f"{SYNCS[days]} ({days} days), account: {account}, time compared with {plain(name)}"
                yield what, "≤ 1.00 ×", share <= 1, f"{share:.2f} ×", "sync"


def _with_rows(head: str, rows: Iterable[str]) -> str:
    """A table whose head ends a text."""
    return "\n".join([head, *rows, ""])


def _memory(rows: Rows) -> dict[str, float]:
    """Stream -> the peak of a ten-year read over that of a month's, both with the default of 8 workers."""
    peaks = {(row["stream"], row["days"]): row["peak_mb"] for row in rows if row["workers"] == 8}
    streams = dict.fromkeys(stream for stream, _ in peaks if stream != BARE)
    return {stream: peaks[stream, TEN_YEARS] / peaks[stream, MONTH] for stream in streams}


def _requests(rows: Rows) -> str:
    names = {"each day": "daily", "first year": "first"}
    asked = [
        f"| {names[row['sync']]} | {row['account']} | {row['days']} | {row['days_with_usage']} | {row['naive']} "
        f"| {row['day_by_day']} | **{row['requests']}** | {row['floor']} | {row['seconds']:.1f} |"
        for sync in names
        for row in rows
        if row["sync"] == sync
    ]
    return (
        _with_rows(
            f"""\
## Requests

Requests for the streams that Airbyte selects by default, as the sandbox counted them. The account "one group each" has
a single country, label and account; the others have many. "one season" has usage only from June to August, and
"dormant" has none.

- **N:** the days that are read. A daily sync reads the lookback window of 3 days, a first sync a year.
- **U:** the days of these with usage at seven.io.
- **Naive:** one request per day and stream.
- **Day by day:** the same without the days for which `analytics` shows no usage.
- **Now:** what the connector sends. It first requests whole years and fifths of a year.
- **Floor:** the fewest requests possible if the data were known in advance: one for all days in a row that one response
  can describe.
- **Seconds:** the time of the command with start-up, a latency of {LATENCY * 1000:.0f} ms and 8 workers.

| Sync | Account | N | U | Naive | Day by day | Now | Floor | Seconds |
|---|---|---|---|---|---|---|---|---|""",
            asked,
        )
        + """
Two savings are left out on purpose, because they could miss usage:

- **One request for several days of the lookback window.** Unchanged sums of several days do not prove that each day is
  unchanged: usage may move from one group to another on one day, and back on the next.
- **One request for several days of SMSFactor.** Its responses contain no dates: a response for a wide range may leave
  days out, or contain a refund that cancels the usage of another day.
"""
    )


def _sync(rows: Rows) -> str:
    seconds = {(row["account"], row["program"], row["days"]): row["seconds"] for row in rows}
    lines = [
        f"| {account} | {TITLES[name]} | {workers} | "
        + " | ".join(f"{seconds[account, name, days]:.2f} s" for days in SYNCS)
        + " |"
        for account in dict.fromkeys(row["account"] for row in rows)
        for name, workers in PROGRAMS.items()
    ]
    head = " | ".join(f"{name} ({days} days)" for days, name in SYNCS.items())
    turns = " or ".join(f"{TURNS[days]}" for days in SYNCS) + " turns"
    return _with_rows(
        f"""\
## A whole sync

The time of a sync of `{SYNC_STREAM}` with start-up and a latency of {LATENCY * 1000:.0f} ms: the median of {turns}. The
account "busy" has many countries, labels and accounts. A daily sync is mostly [start-up](#what-limits-the-speed). The
Singer SDK sends no concurrent requests.

![Seconds of a whole sync](performance-sync.svg)

| Account | Program | Workers | {head} |
|---|---|---|{"---|" * len(SYNCS)}""",
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

The time from the first request to the last response, as the sandbox measured it. Every response takes
{LATENCY * 1000:.0f} ms, and each worker sends at most ten requests per second, as with the default settings. Each line
is the median of {ROUNDS} runs. One worker reads only one year, because ten years would take more than six minutes.

![Seconds by days and workers](performance.svg)

| Stream | Days | Workers | Concurrent requests at most | Requests | Seconds | ÷ ideal | Peak MB |
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

A daily sync of `analytics_by_subaccount_and_country`, at the same latency. The connector requests only accounts with
usage on a day, at most thirty here, and requests those of a day concurrently.

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

All programs read the same records (same count, same checksum) without latency, about 7 records per response.

- CPU seconds are those of the client only. Wall time also contains the work of the sandbox; the connector, dlt and
  stock YAML send further requests meanwhile.
- The bare loop and the Singer SDK have 1 worker, the other programs 8. The connector runs without its limit of requests
  per second.
- A ratio is the median of the ratios of the turns.
- Start-up does not count: the time of a read of few days is subtracted from that of a read of many days.
- The connector does not request days without usage. Its zero rows for these days are not counted.

The other programs do less. None of them notices a response that differs from the API's documentation, and only stock
YAML saves a state after each window, as the connector does. They run with the settings that are best for them: dlt in
parallel and without compression, the Singer SDK with its faster writer and without type checks.

"The CDK alone" reads nothing. It shows what every source built on the CDK costs at least: the same windows and cursor,
no requests, and records that exist already. Its cost is divided by the connector's records and requests.

| Stream | Program | Records | Requests | Records per CPU second | ms per request | Connector is faster by | \
By wall time | Start-up CPU s | Peak MB |
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
## What limits the speed

- **Start-up:** the import of the CDK, {start["seconds"]["import"]:.2f} s here, mostly to build serializers and models.
  `spec` takes {start["seconds"]["spec"]:.2f} s. `check` takes {start["check_to_spec"]:.2f} × that, with \
{start["check_requests"]} requests to a provider without latency.
- **1 to 8 workers:** the latency of the provider.
- **32 workers:** the CPU comes near its limit. A request of `consumption` costs {ms:.1f} ms of CPU time. Python uses
  about one core per process, so a process can send {1000 / ms:.0f} requests per second at most. With a latency of \
{LATENCY * 1000:.0f} ms, 32 workers
  send {32 / LATENCY:.0f}. On the same machine and sandbox, the bare loop with 32 threads takes \
{bare["ratio"]:.2f} × the ideal time.
- **CPU time of a request:** {by_country["connector"]["ms_a_request"]:.1f} ms. The bare loop takes \
{by_country["bare"]["ms_a_request"]:.1f} ms. The CDK alone takes {by_country["cdk_alone"]["ms_a_request"]:.1f} ms: \
for its cursor,
  which parses the date of every record and writes a state per window, for its queue between threads, and for its
  messages.
"""
