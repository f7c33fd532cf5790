#!/usr/bin/env bash
# x IS NOT TRUE, SQL's way to keep the rows where a flag is false or missing, loses those where it is missing in polars' SQL, as if it
# were x = FALSE.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 duckdb==1.5.6

cat >try.py <<'PYTHON'
from importlib.metadata import version

import duckdb
import polars as pl

orders = pl.DataFrame({"id": [1, 2, 3], "cancelled": [True, False, None], "refund": [5, None, 0]})
conditions = ["cancelled IS NOT TRUE", "cancelled IS NOT FALSE", "NOT (cancelled IS TRUE)", "(refund > 1) IS NOT TRUE", "cancelled IS DISTINCT FROM TRUE"]
context = pl.SQLContext(orders=orders.lazy())
db = duckdb.connect()
db.execute("CREATE TABLE orders AS FROM (VALUES (1, true, 5), (2, false, NULL), (3, NULL, 0)) v(id, cancelled, refund)")

print(f"polars {version('polars')}, duckdb {duckdb.__version__}: ids of (true, 5), (false, NULL), (NULL, 0)")
print("Expected: IS NOT TRUE keeps false and NULL, as the SQL standard says and DuckDB does.")
seen = []
for condition in conditions:
    ours = context.execute(f"SELECT id FROM orders WHERE {condition} ORDER BY id").collect()["id"].to_list()
    theirs = [id for (id,) in db.execute(f"SELECT id FROM orders WHERE {condition} ORDER BY id").fetchall()]
    print(f"Seen:     {ours} in polars, {theirs} in DuckDB: {condition}")
    seen.append((ours, theirs))
assert seen == [([2], [2, 3]), ([1], [1, 3]), ([2], [2, 3]), ([3], [2, 3]), ([2, 3], [2, 3])], seen
PYTHON
venv/bin/python try.py
