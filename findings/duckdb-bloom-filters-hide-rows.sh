#!/usr/bin/env bash
# A comparison with 0.0 does not find rows of -0.0, and one with bytes does not find these bytes, where a Parquet file has a
# Bloom filter for the column: DuckDB writes one by default where a column has few values, and so do other writers on demand.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet duckdb==1.5.5 pyarrow==25.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

rows = 10_000
data = pa.table({"x": pa.array([-0.0, 1.5] * (rows // 2)), "code": pa.array([b"\x01\xff", b"plain"] * (rows // 2))})
pq.write_table(data, "pyarrow.parquet", bloom_filter_options={"x": {}, "code": {}})
duckdb.from_arrow(data).write_parquet("duckdb.parquet")
duckdb.from_arrow(data).to_table("t")

conditions = ["x = 0.0", "x BETWEEN 0.0 AND 0.0", r"code = '\x01\xFF'::BLOB", "code = 'plain'::BLOB"]
seen = {
    source: [duckdb.sql(f"SELECT count(*) FROM {source} WHERE {condition}").fetchone()[0] for condition in conditions]
    for source in ("t", "'duckdb.parquet'", "'pyarrow.parquet'")
}

print(f"DuckDB {duckdb.__version__}, pyarrow {version('pyarrow')}")
print("Expected: a file gives the rows that the table gives it was written from, 5000 for each of:")
print("          " + " | ".join(conditions))
for source, counts in seen.items():
    print(f"Seen:     {source:18} {counts}")
assert seen["t"] == [5000, 5000, 5000, 5000], seen
assert seen["'duckdb.parquet'"] == [0, 5000, 0, 5000], seen
assert seen["'pyarrow.parquet'"] == [0, 5000, 0, 5000], seen
PYTHON
venv/bin/python try.py
