"""The floor: one loop of requests and orjson that checks nothing, keeps no state and knows no error."""

from __future__ import annotations

import sys
import time
from datetime import date

import orjson
import requests

from benchmarks.others.arguments import HEADERS, arguments


def main() -> None:
    asked = arguments()
    today = str(date.today())
    with requests.Session() as session:
        session.headers.update(HEADERS)
        for first, last in asked.windows():
            answer = session.get(f"{asked.url}/analytics", params=asked.query(first, last))
            for row in orjson.loads(answer.content):
                data = {"date": str(first), **row, "is_partial": row.get("date", str(first)) >= today}
                record = {"stream": asked.stream, "data": data, "emitted_at": time.time_ns() // 1_000_000}
                sys.stdout.buffer.write(orjson.dumps({"type": "RECORD", "record": record}) + b"\n")


if __name__ == "__main__":
    main()
