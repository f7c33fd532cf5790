#!/usr/bin/env bash
# Two Parquet files with decimals of different scales, read together: DuckDB rounds to the smaller scale, pyarrow and polars refuse.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet duckdb==1.5.6 polars==2.1.0 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

pq.write_table(pa.table({"v": pa.array([Decimal("0.01")], pa.decimal128(38, 2))}), "a.parquet")
pq.write_table(pa.table({"v": pa.array([Decimal("0.0123456789")], pa.decimal128(38, 10))}), "b.parquet")
seen = duckdb.sql("SELECT sum(v), any_value(typeof(v)) FROM read_parquet(['a.parquet', 'b.parquet'], union_by_name = true)").fetchone()
refused = []
for name, read in {"pyarrow": lambda: ds.dataset(["a.parquet", "b.parquet"]).to_table(), "polars": lambda: pl.scan_parquet(["a.parquet", "b.parquet"]).collect()}.items():
    try:
        read()
    except Exception:
        refused.append(name)

print(f"duckdb {version('duckdb')}, polars {version('polars')}, pyarrow {version('pyarrow')}")
print("Expected: 0.01 + 0.0123456789 is 0.0223456789; union_by_name finds a type for both, or says that none holds them.")
print(f"Seen:     DuckDB sums to {seen[0]} as {seen[1]}; {' and '.join(refused)} refuse.")
assert seen == (Decimal("0.02"), "DECIMAL(38,2)") and refused == ["pyarrow", "polars"], (seen, refused)
PYTHON
venv/bin/python try.py
