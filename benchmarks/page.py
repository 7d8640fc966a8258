"""docs/performance.md, made of the results, so that it says nothing that was not measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.accounts import ACCOUNTS
from benchmarks.chart import chart
from benchmarks.latency import BARE, LATENCY, MONTH, ROUNDS, TEN_YEARS, YEAR
from benchmarks.measure import REPOSITORY

PAGE = REPOSITORY / "docs" / "performance.md"
CHART = REPOSITORY / "docs" / "performance.svg"

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
        _latency(found["latency"]),
        _accounts(found["accounts"]),
        _cpu(found["cpu"]),
        _bounds(found),
    ]
    PAGE.write_text("\n".join(sections), encoding="utf-8")
    CHART.write_text(chart([row for row in found["latency"] if row["stream"] == "consumption"], LATENCY), "utf-8")


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
    year = next(row for row in found["requests"] if (row["activity"], row["sync"]) == ("busy", "first year"))
    table = [
        (
            "`spec`, against importing the CDK's entry point",
            "≤ 1.15 ×",
            start["spec_to_import_cpu"] <= 1.15,
            f"{start['spec_to_import_cpu']:.2f} × in CPU, {start['spec_to_import']:.2f} × in wall time",
            "startup",
        ),
        (
            "Requests of the streams selected at first: `3 + ⌈N/365⌉ + 3·U + N`",
            "exactly",
            True,
            f"exactly: {year['requests']} for a busy year, one a day and stream were {year['naive']}",
            "requests",
        ),
    ]
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
        f"| {row['activity']} | {row['sync']} | {row['days']} | {row['days_with_usage']} | {row['requests']} "
        f"| {row['naive']} | {1 - row['requests'] / row['naive']:.0%} |"
        for row in rows
    ]
    thought = [
        f"| {row['activity']} | {row['smsfactor']} | {row['smsfactor_by_halves']} | {row['smsfactor_known_before']} |"
        for row in rows
        if row["sync"] == "first year"
    ]
    return (
        _with_rows(
            """\
## Requests

The eight streams that Airbyte selects at first, as the sandbox counted them. N are the days read (a daily sync reads
the lookback of 3), U those with seven.io usage. "Naive" is one request a day and stream.

| Account | Sync | N | U | Requests | Naive | Saved |
|---|---|---|---|---|---|---|""",
            asked,
        )
        + _with_rows(
            """
Not done: SMSFactor asked for spans of days, of which a total of 0 says that all are silent. "By halves" splits a
span until it is silent or one day; "known before" is the floor, if the silent spans were known.

| Account | SMSFactor requests a year | By halves | Known before |
|---|---|---|---|""",
            thought,
        )
        + """
It would save most for a dormant account and cost requests for a busy one. And it could change records: on a silent
day each account that the answer names gets a row of zero, and nothing says that a range names the same ones.
"""
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

The same records (same count, same checksum) read without latency. By date an answer holds 365 rows, by country about
7. CPU seconds are the client's alone. By the clock, the sandbox works too; the connector, dlt and stock YAML ask while
it does, the connector here without its limit of requests a second. A read of few days is taken off one of many, so that
start-up does not count. The connector asks no day without usage; its record of zeros for one is not counted.

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
    by_date = {row["program"]: 1e6 / row["records_a_second"] for row in found["cpu"] if row["stream"] == "analytics"}
    least = by_date["cdk_alone"] + by_date["bare"]
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
- **A record's CPU** where an answer holds many of them: {by_date["connector"]:.0f} µs, of which the CDK alone takes
  {by_date["cdk_alone"]:.0f} µs, for each record passes its cursor and its queue by itself. dlt takes \
{by_date["dlt_pipeline"]:.0f} µs for all of it, the Singer SDK
  {by_date["singer_tap"]:.0f} µs, the bare loop {by_date["bare"]:.0f} µs. A source that did on the CDK no more than \
the bare loop would come to
  {by_date["dlt_pipeline"] / least:.2f} × dlt and {by_date["singer_tap"] / least:.2f} × the Singer SDK.
"""
