"""Syncs all streams of secrets/config.json into PostgreSQL through PyAirbyte. After `make sync` has installed it:

    PGUSER=… PGPASSWORD=… .venv-pyairbyte/bin/python -m examples.sync_to_postgres

The database is named as for psql: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD. The tables are in the schema
sms_providers, which is created if needed. If the sync fails, the program prints an error and ends with 1.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

# PyAirbyte sends telemetry unless this is set before the import.
os.environ["DO_NOT_TRACK"] = "1"

import airbyte as ab
from airbyte import exceptions
from airbyte.caches import PostgresCache

REPOSITORY = Path(__file__).resolve().parent.parent
CONNECTOR = REPOSITORY / ".venv/bin/source-sms-providers"
CONFIG = REPOSITORY / "secrets/config.json"
# PyAirbyte 1.0 renames it.
FAILURE = getattr(exceptions, "PyAirbyteError", None) or exceptions.AirbyteLibError


def main() -> None:
    if not CONFIG.exists():
        sys.exit("There is no secrets/config.json: README.md says what to put into it.")
    if not (os.environ.get("PGUSER") and os.environ.get("PGPASSWORD")):
        sys.exit("Set PGUSER and PGPASSWORD.")
    source = ab.get_source(
        "source-sms-providers",
        local_executable=CONNECTOR,
        config=json.loads(CONFIG.read_text(encoding="utf-8-sig")),
        streams="*",
    )
    source.check()
    cache = PostgresCache(
        host=os.environ.get("PGHOST", "localhost"),
        port=int(os.environ.get("PGPORT", "5432")),
        database=os.environ.get("PGDATABASE", "postgres"),
        # PyAirbyte writes them into a URL as they are.
        username=quote(os.environ["PGUSER"], safe=""),
        password=quote(os.environ["PGPASSWORD"], safe=""),
        schema_name="sms_providers",
        cache_dir=REPOSITORY / ".cache",
    )
    for stream, rows in sorted(source.read(cache).items()):
        print(f"{stream:24}{len(rows):8} rows in all")
    cache.close()


if __name__ == "__main__":
    try:
        main()
    except FAILURE as error:
        sys.exit(f"\n{error}")
