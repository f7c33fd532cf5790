#!/usr/bin/env bash
# Spark takes the two quotes by which the SQL standard, and so SQLAlchemy, writes one for the end of a text and the beginning of
# another, and joins the two: the quote is gone, without an error. Needs Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyspark==4.0.5 sqlalchemy==2.0.44 duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb
import pyspark
import sqlalchemy
from pyspark.sql import SparkSession

query = str(sqlalchemy.select(sqlalchemy.literal("it's").label("v")).compile(compile_kwargs={"literal_binds": True}))
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.ansi.enabled", "true").getOrCreate()
seen = spark.sql(query).collect()[0][0]
spark.stop()
expected = duckdb.sql(query).fetchone()[0]

print(f"pyspark {pyspark.__version__} in ANSI mode, sqlalchemy {sqlalchemy.__version__}, duckdb {duckdb.__version__}: {query}")
print("Expected: it's, as in DuckDB, or a refusal.")
print(f"Seen:     {seen} in Spark, {expected} in DuckDB")
assert (seen, expected) == ("its", "it's"), (seen, expected)
PYTHON
venv/bin/python try.py 2>err.log || { cat err.log; exit 1; }
