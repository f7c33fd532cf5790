#!/usr/bin/env bash
# customer NOT IN (SELECT …) is NULL in SQL where customer is NULL, and DataFusion leaves such rows out, but not beside an OR: then the
# rows are in, also where the OR's other side is never true. NOT IN a list with a NULL in it, which finds nothing, finds rows beside an OR.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0 duckdb==1.5.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import datafusion
import duckdb
import pyarrow as pa

tables = {
    "orders": pa.table({"id": [1, 2, 3, 4], "customer": ["ann", None, "bob", "eve"]}),
    "blocked": pa.table({"name": ["bob"]}),
    "unclear": pa.table({"name": ["bob", None]}),
}
context, db = datafusion.SessionContext(), duckdb.connect()
for name, table in tables.items():
    context.from_arrow(table, name=name)
    db.register(name, table)

print(f"datafusion {version('datafusion')}, duckdb {duckdb.__version__}: orders of ann, NULL, bob and eve; blocked is bob, unclear is bob and NULL")
print("Expected: OR id > 99, which is true of no order, adds none.")
seen = []
for listed in ("blocked", "unclear"):
    for condition in (f"customer NOT IN (SELECT name FROM {listed})", f"customer NOT IN (SELECT name FROM {listed}) OR id > 99"):
        query = f"SELECT id FROM orders WHERE {condition}"
        ours = sorted(context.sql(query).to_pydict().get("id", []))
        theirs = sorted(id for (id,) in db.execute(query).fetchall())
        print(f"Seen:     {ours} in DataFusion, {theirs} in DuckDB: {condition}")
        seen.append((ours, theirs))
assert seen == [([1, 4], [1, 4]), ([1, 2, 4], [1, 4]), ([], []), ([1, 2, 4], [])], seen
PYTHON
venv/bin/python try.py
