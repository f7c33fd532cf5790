#!/usr/bin/env bash
# Spark does not find -0.0 by `d = 0` in a Parquet file that it wrote itself: it leaves the condition to Parquet's reader, which looks
# for 0.0 in the column's dictionary, and bit for bit it is not there. The same condition on the same rows in memory, a join and a
# GROUP BY take the two for one. Needs Java 17.
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
rows = spark.sql("SELECT IF(id % 2 = 0, -0.0D, 1.5D) AS d FROM range(1000)").coalesce(1)
rows.write.parquet("rows")
file = spark.read.parquet("rows")
seen = [frame.where(condition).count() for frame in (rows, file) for condition in ("d = 0", "d <= 0")]
kept = spark.read.parquet("rows").cache().where("d = 0").count()
spark.stop()

print(f"pyspark {pyspark.__version__}: 1000 rows, of which 500 are -0.0")
print("Expected: 500 rows with d = 0, wherever they are.")
print(f"Seen:     in memory {seen[0]}, and {seen[1]} with d <= 0; in Spark's own Parquet file {seen[2]}, and {seen[3]}; the file, cached {kept}")
assert (seen, kept) == ([500, 500, 0, 500], 500), (seen, kept)
PYTHON
venv/bin/python try.py 2>err.log || { cat err.log; exit 1; }
