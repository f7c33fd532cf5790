#!/usr/bin/env bash
# A scalar subquery inside the lambda of transform is computed by Spark 3.5, and refused by Spark 4.0. Needs Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >try.py <<'PYTHON'
import sys

import pyspark
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sql("SELECT * FROM VALUES (10), (20) AS t(fee)").createOrReplaceTempView("fees")


def answer(query):
    try:
        return spark.sql(query).collect()[0][0]
    except Exception as e:
        return e.getErrorClass()


inside = answer("SELECT transform(array(1, 2), cost -> cost + (SELECT max(fee) FROM fees))")
beside = answer("SELECT transform(array(1, 2), cost -> cost + most) FROM (SELECT max(fee) AS most FROM fees)")
spark.stop()

print(f"pyspark {pyspark.__version__}")
print("Expected: [21, 22] for both, in every version.")
print(f"Seen:     in the lambda: {inside}")
print(f"Seen:     as a column: {beside}")
assert beside == [21, 22], beside
assert str(inside) == sys.argv[1], inside
PYTHON

for is_ in "3.5.9 [21, 22]" "4.0.5 UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION"; do
  read -r version seen <<<"$is_"
  python3 -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check "pyspark==$version" setuptools
  "$version/bin/python" try.py "$seen" 2>err.log || { cat err.log; exit 1; }
done
