#!/usr/bin/env bash
# A decimal of more than 38 digits that pyarrow wrote is another number in DuckDB, without an error.
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
import pyarrow.parquet as pq

pq.write_table(pa.table({"amount": pa.array([Decimal("1.500")], pa.decimal256(50, 3))}), "amounts.parquet")
seen, typ = duckdb.sql("SELECT amount, typeof(amount) FROM 'amounts.parquet'").fetchone()
try:
    polars = str(pl.read_parquet("amounts.parquet")["amount"][0])
except Exception as e:
    polars = f"an error: {e}"

print(f"duckdb {version('duckdb')}, polars {version('polars')}, pyarrow {version('pyarrow')}")
print("Expected: 1.500, rounded to a DOUBLE perhaps, or an error that names the column.")
print(f"Seen:     {seen} ({typ}) in DuckDB, {polars} in polars.")
assert seen == 25165824.0 and polars.startswith("an error"), (seen, polars)
PYTHON
venv/bin/python try.py
