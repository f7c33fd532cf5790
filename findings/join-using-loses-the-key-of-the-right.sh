#!/usr/bin/env bash
# SELECT key FROM old FULL JOIN new USING (key): the key that only the new table has is NULL in DataFusion and in polars' SQL, which
# take the column of the table on the left for it. A RIGHT JOIN is the same. The SQL standard, PostgreSQL and DuckDB give the key.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0 polars==2.1.0 duckdb==1.5.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import datafusion
import duckdb
import polars as pl
import pyarrow as pa

tables = {"old": pa.table({"key": ["a", "b"], "was": [1, 2]}), "new": pa.table({"key": ["b", "c"], "now": [2, 3]})}
context, db = datafusion.SessionContext(), duckdb.connect()
for name, table in tables.items():
    context.from_arrow(table, name=name)
    db.register(name, table)
sql = pl.SQLContext({name: pl.from_arrow(table).lazy() for name, table in tables.items()})
engines = {
    "DuckDB": lambda query: db.execute(query).fetchall(),
    "DataFusion": lambda query: [tuple(row.values()) for row in context.sql(query).to_pylist()],
    "polars": lambda query: sql.execute(query).collect().rows(),
}

print(f"datafusion {version('datafusion')}, polars {version('polars')}, duckdb {duckdb.__version__}")
print("Expected: c, which only the new table has, is the key of its row.")
seen = {}
for join in ("FULL", "RIGHT"):
    query = f"SELECT key, was, now FROM old {join} JOIN new USING (key)"
    for name, ask in engines.items():
        (row,) = [row for row in ask(query) if row[2] == 3]
        keys = {row[0] for row in ask(f"SELECT key, count(*) AS n FROM old {join} JOIN new USING (key) GROUP BY key")}
        print(f"Seen:     {row} in {name}, {query}")
        seen[join, name] = (row[0], "c" in keys)
for (_, name), found in seen.items():
    assert found == (("c", True) if name == "DuckDB" else (None, False)), seen
PYTHON
venv/bin/python try.py
