#!/usr/bin/env bash
# polars leaves NaN out of a Parquet column's statistics, and DuckDB skips row groups by them: WHERE score > 100 loses rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet duckdb==1.5.6 polars==2.1.0

cat >try.py <<'PYTHON'
from importlib.metadata import version

import duckdb
import polars as pl

pl.DataFrame({"score": [1.0, float("nan"), 3.0]}).write_parquet("scores.parquet")


def one(query):
    return duckdb.sql(query).fetchone()[0]


counted = one("SELECT count(*) FILTER (WHERE score > 100) FROM 'scores.parquet'")
filtered = one("SELECT count(*) FROM 'scores.parquet' WHERE score > 100")
told = one("SELECT count(*) FROM read_parquet('scores.parquet', can_have_nan = true) WHERE score > 100")
polars = pl.scan_parquet("scores.parquet").filter(pl.col("score") > 100).collect().height

print(f"duckdb {version('duckdb')}, polars {version('polars')}")
print("Expected: NaN is above every number in both, so `score > 100` finds one row of [1.0, NaN, 3.0], wherever it stands in the query.")
print(f"Seen:     {counted} in count(*) FILTER, {filtered} in WHERE, {told} in WHERE with can_have_nan = true, {polars} in polars.")
assert (counted, filtered, told, polars) == (1, 0, 1, 1), (counted, filtered, told, polars)
PYTHON
venv/bin/python try.py
