#!/usr/bin/env bash
# Groups by an expression can be put in the order of that expression, and a window function may stand beside them; with both Spark does not find
# the expression's column. Needs Java 17.
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
spark.sql("SELECT * FROM VALUES (DATE '2024-01-31', 3), (DATE '2024-02-01', 5) AS t(day, cost)").createOrReplaceTempView("t")


def answer(select, order):
    try:
        rows = spark.sql(f"SELECT {select} FROM t GROUP BY month(day) {order}").collect()
        return [tuple(row) for row in rows]
    except Exception as e:
        return e.getCondition()


total, share = "sum(cost) AS total", "sum(sum(cost)) OVER () AS share"
seen = {
    "the order alone": answer(total, "ORDER BY month(day)"),
    "the window alone": sorted(answer(f"{total}, {share}", "")),
    "both": answer(f"{total}, {share}", "ORDER BY month(day)"),
}
spark.stop()

print(f"pyspark {pyspark.__version__}")
print("Expected: with both the rows of the second query, in the order of the first.")
for what, is_ in seen.items():
    print(f"Seen:     {what}: {is_}")
assert seen["the order alone"] == [(3,), (5,)], seen
assert seen["the window alone"] == [(3, 8), (5, 8)], seen
assert str(seen["both"]).startswith("UNRESOLVED_COLUMN"), seen
PYTHON
venv/bin/python try.py 2>err.log || { cat err.log; exit 1; }
