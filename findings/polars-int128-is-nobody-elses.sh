#!/usr/bin/env bash
# One Int128 column that polars wrote: pyarrow cannot open the file at all, not its other columns either; DuckDB sees bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet duckdb==1.5.6 polars==2.1.0 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import duckdb
import polars as pl
import pyarrow.parquet as pq

pl.DataFrame({"id": [1], "big": pl.Series([5], dtype=pl.Int128)}).write_parquet("big.parquet")
big, typ = duckdb.sql("SELECT big, typeof(big) FROM 'big.parquet'").fetchone()
try:
    arrow = pq.read_table("big.parquet", columns=["id"]).to_pydict()
except Exception as e:
    arrow = f"{type(e).__name__}: {e}"

print(f"duckdb {version('duckdb')}, polars {version('polars')}, pyarrow {version('pyarrow')}")
print("Expected: 5 as a HUGEINT or an error in DuckDB; pyarrow at least reads the column beside it.")
print(f"Seen:     {typ} {bytes(big)!r} in DuckDB; pyarrow of the column id: {arrow}")
assert typ == "BLOB" and bytes(big)[0] == 5 and "more than 64 bits" in str(arrow), (typ, big, arrow)
PYTHON
venv/bin/python try.py
