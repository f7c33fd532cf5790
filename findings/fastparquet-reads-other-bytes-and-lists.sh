#!/usr/bin/env bash
# A digest that ends in a zero byte is shorter by it when fastparquet reads it from bytes of a fixed length; and of the lists within a struct
# it reads an empty one as one with a NULL, and NULL as an empty one. Lists that stand alone are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fastparquet==2026.9.0 pandas==3.1.1 duckdb==1.5.6 pyarrow==25.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import duckdb
import fastparquet
import pyarrow as pa
import pyarrow.parquet as pq

lists = pa.list_(pa.int32())
pq.write_table(pa.table({
    "digest": pa.array([bytes.fromhex("00a1b200"), bytes.fromhex("a1b20000"), bytes.fromhex("00a1b2c3")], pa.binary(4)),
    "tags": pa.array([[], None, [7]], lists),
    "item": pa.array([{"tags": []}, {"tags": None}, {"tags": [7]}], pa.struct([("tags", lists)])),
}), "items.parquet")
duck = [(digest.hex(), tags, inner) for digest, tags, inner in duckdb.sql("SELECT digest, tags, item.tags FROM 'items.parquet'").fetchall()]
frame = fastparquet.ParquetFile("items.parquet").to_pandas()
fast = [(digest.hex(), tags, inner) for digest, tags, inner in zip(frame["digest"], frame["tags"], frame["item.tags"])]

print(f"fastparquet {version('fastparquet')}, DuckDB {duckdb.__version__}; written by pyarrow {version('pyarrow')}: digest, tags, item.tags")
print(f"Expected: {duck}, as DuckDB reads it")
print(f"Seen:     {fast}".replace("np.int32(7)", "7"))
assert duck == [("00a1b200", [], []), ("a1b20000", None, None), ("00a1b2c3", [7], [7])], duck
assert fast == [("00a1b2", [], [None]), ("a1b2", None, []), ("00a1b2c3", [7], [7])], fast
PYTHON
venv/bin/python try.py
