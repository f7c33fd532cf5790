#!/usr/bin/env bash
# HAVING leaves groups out before functions of windows are computed over those that are left. Where HAVING names a condition by its alias in the
# select list, beside ROLLUP, Spark leaves the groups out afterwards: the others are ranked, and shared out, among groups that the answer does not
# have. Needs Java 17.
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
spark.sql("SELECT * FROM VALUES ('a', 70), ('b', 20), ('c', 10) AS t(region, cost)").createOrReplaceTempView("t")

ITEMS = "region, rank() OVER (ORDER BY sum(cost) DESC) AS place, sum(sum(cost)) OVER () AS of, sum(cost) < 50 AS small"


def answer(groups, having):
    rows = spark.sql(f"SELECT {ITEMS} FROM t GROUP BY {groups} HAVING {having}").collect()
    return sorted((row.region or "all", row.place, row.of) for row in rows)


seen = {f"{groups}, {having}": answer(groups, having)
        for groups in ("region", "ROLLUP (region)") for having in ("sum(cost) < 50", "small")}
spark.stop()

print(f"pyspark {pyspark.__version__}")
print("Expected: HAVING small gives the rows of HAVING sum(cost) < 50, which small stands for.")
for what, is_ in seen.items():
    print(f"Seen:     {what}: {is_}")
right = [("b", 1, 30), ("c", 2, 30)]
assert [rows == right for rows in seen.values()] == [True, True, True, False], seen
assert seen["ROLLUP (region), small"] == [("b", 3, 200), ("c", 4, 200)], seen
PYTHON
venv/bin/python try.py 2>err.log || { cat err.log; exit 1; }
