"""The floor: requests and orjson in a loop that checks nothing, keeps no state and knows no error."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import orjson
import requests

from benchmarks.others.arguments import HEADERS, arguments


def main() -> None:
    asked = arguments()
    today = str(date.today())
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=asked.workers))  # ignore-https-check
    session.headers.update(HEADERS)

    def read(window: tuple[date, date]) -> None:
        first = str(window[0])
        answer = session.get(f"{asked.url}/analytics", params=asked.query(*window))
        for row in orjson.loads(answer.content):
            data = {"date": first, **row, "is_partial": row.get("date", first) >= today}
            record = {"stream": asked.stream, "data": data, "emitted_at": time.time_ns() // 1_000_000}
            sys.stdout.buffer.write(orjson.dumps({"type": "RECORD", "record": record}) + b"\n")

    if asked.workers == 1:
        for window in asked.windows():
            read(window)
    else:
        with ThreadPoolExecutor(asked.workers) as pool:
            list(pool.map(read, asked.windows()))


if __name__ == "__main__":
    main()
