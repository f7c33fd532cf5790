#!/usr/bin/env bash
# A comment that ends in a backslash, as a Windows folder does, goes on in the next line in Spark: that line is silently not part
# of the query. Needs Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyspark==4.0.5 duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb
import pyspark
from pyspark.sql import SparkSession

query = """
SELECT sum(amount)          -- invoices come from D:\\export\\
       FILTER (WHERE paid)
       AS total
FROM (VALUES (1, true), (10, false)) AS t(amount, paid)"""

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
seen = spark.sql(query).collect()[0][0]
spark.stop()
expected = duckdb.sql(query).fetchone()[0]

print(f"pyspark {pyspark.__version__}, duckdb {duckdb.__version__}")
print("Expected: 1, what is paid, as in DuckDB: a comment ends with its line.")
print(f"Seen:     {seen} in Spark, {expected} in DuckDB")
assert (seen, expected) == (11, 1), (seen, expected)
PYTHON
venv/bin/python try.py 2>err.log || { cat err.log; exit 1; }
