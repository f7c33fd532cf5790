#!/usr/bin/env bash
# With ANSI on, as it is by default, Spark 4 adds days to a date beyond its last one and gets a date long before Christ, and casts a
# number that no BIGINT holds to the largest BIGINT. Needs Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyspark==4.0.5

cat >try.py <<'PYTHON'
import pyspark
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
assert spark.conf.get("spark.sql.ansi.enabled") == "true"
spark.range(1).selectExpr("DATE '2024-01-01' AS day", "2147483647 AS days", "CAST(9223372036854775808 AS DOUBLE) AS total").createOrReplaceTempView("t")
date = spark.sql("SELECT CAST(date_add(day, days) AS STRING) FROM t").collect()[0][0]
total = spark.sql("SELECT CAST(total AS BIGINT) FROM t").collect()[0][0]
try:
    spark.sql("SELECT days + 1 FROM t").collect()
    added = "no error"
except Exception as e:
    added = e.getCondition()
spark.stop()

print(f"pyspark {pyspark.__version__}, spark.sql.ansi.enabled = true")
print("Expected: errors, as integers that overflow raise one.")
print(f"Seen:     days + 1: {added}; date_add(DATE '2024-01-01', 2147483647): {date}; 2^63 as BIGINT: {total}")
assert (date, total) == ("-5877587-06-21", 2**63 - 1), (date, total)
assert added == "ARITHMETIC_OVERFLOW", added
PYTHON
venv/bin/python try.py 2>err.log || { cat err.log; exit 1; }
