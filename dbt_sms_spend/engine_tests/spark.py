"""dbt on Spark, in one process with the session: `python spark.py FOLDER` with what is to be done as JSON in job.json.

Prints nothing of its own; what the marts hold is in marts.pickle.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession
from pyspark.sql import types as t

# Numbers as binary fractions, as some destinations store them, and lists as arrays.
TYPES: dict[str, Any] = {
    "text": t.StringType(),
    "date": t.DateType(),
    "time": t.TimestampType(),
    "integer": t.LongType(),
    "number": t.DoubleType(),
    "boolean": t.BooleanType(),
    "list": t.ArrayType(t.StringType()),
}


def main(folder: Path) -> int:
    job = pickle.loads((folder / "job.pickle").read_bytes())
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.warehouse.dir", str(folder / "spark"))
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder / 'derby'}")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .enableHiveSupport()
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.sql("CREATE DATABASE IF NOT EXISTS sms")
    for stream, (kinds, rows) in job["tables"].items():
        schema = t.StructType([t.StructField(name, TYPES[kind]) for name, kind in kinds.items()])
        plain = [
            [float(v) if kind == "number" and v is not None else v for v, kind in zip(row, kinds.values(), strict=True)]
            for row in rows
        ]
        spark.createDataFrame(plain, schema).coalesce(1).write.mode("overwrite").saveAsTable(f"sms.{stream}")
    done = dbtRunner().invoke(job["command"])
    if done.success:
        marts = {}
        for mart in job["marts"]:
            marts[mart] = [row.asDict() for row in spark.table(f"sms_spend.{mart}").collect()]
        (folder / "marts.pickle").write_bytes(pickle.dumps(marts))
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
