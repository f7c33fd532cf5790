#!/usr/bin/env bash
# EXCEPT ALL takes from DataFusion's answer every copy of a row that the other side has once, and INTERSECT ALL keeps every copy: a table
# that holds a row twice has no difference to one that holds it once. Python's deltalake asks its tables with DataFusion.
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

tables = {"loaded": pa.table({"id": [1, 2, 2, 3]}), "source": pa.table({"id": [1, 2, 3]})}
context, db = datafusion.SessionContext(), duckdb.connect()
for name, table in tables.items():
    context.from_arrow(table, name=name)
    db.register(name, table)

print(f"datafusion {version('datafusion')}, duckdb {duckdb.__version__}: loaded is 1, 2, 2, 3 and source is 1, 2, 3")
print("Expected: loaded EXCEPT ALL source is the second 2, and INTERSECT ALL is 1, 2, 3.")
seen = {}
for operator in ("EXCEPT ALL", "INTERSECT ALL"):
    query = f"SELECT id FROM loaded {operator} SELECT id FROM source"
    ours = sorted(context.sql(query).to_pydict().get("id", []))
    theirs = sorted(id for (id,) in db.execute(query).fetchall())
    print(f"Seen:     {ours} in DataFusion, {theirs} in DuckDB: {operator}")
    seen[operator] = (ours, theirs)
assert seen == {"EXCEPT ALL": ([], [2]), "INTERSECT ALL": ([1, 2, 2, 3], [1, 2, 3])}, seen
PYTHON
venv/bin/python try.py
