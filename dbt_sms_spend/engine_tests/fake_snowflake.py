"""dbt-snowflake on fakesnow, in one process: `python fake_snowflake.py FOLDER` with what is to be done in job.pickle.

What the marts hold is in marts.pickle. fakesnow runs Snowflake's SQL on DuckDB: its types and functions are DuckDB's.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import fakesnow
import snowflake.connector
from dbt.cli.main import dbtRunner


def main(folder: Path) -> int:
    job = pickle.loads((folder / "job.pickle").read_bytes())
    with fakesnow.patch():
        # fakesnow lists the tables of the connection's own schema only.
        connection = snowflake.connector.connect(database="WAREHOUSE", schema="SMS")
        cursor = connection.cursor()
        for statement in job["statements"]:
            cursor.execute(statement)
        done = dbtRunner().invoke(job["command"])
        if done.success:
            (folder / "marts.pickle").write_bytes(pickle.dumps({mart: rows(cursor, mart) for mart in job["marts"]}))
    return 0 if done.success else 1


def rows(cursor: Any, mart: str) -> list[dict[str, Any]]:
    """With the names in lower case, except those of FOCUS."""
    cursor.execute(f"SELECT * FROM {mart}")
    names = [name.lower() if name.isupper() else name for name, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
