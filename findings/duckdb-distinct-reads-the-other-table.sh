#!/usr/bin/env bash
# In DuckDB 1.5 a SELECT DISTINCT on the left of a join makes the scan of the table on its right read all of that table's
# columns. The same join with its sides exchanged reads the two that are needed; DuckDB 2.0 reads two either way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet "duckdb==$version"
done

cat >try.py <<'PYTHON'
import json
import sys

import duckdb

db = duckdb.connect()
db.execute("COPY (SELECT i AS k, i % 7 AS a FROM range(10000) r(i)) TO 'small.parquet'")
db.execute("COPY (SELECT i AS k, " + ", ".join(f"hash(i, {n}) AS c{n}" for n in range(90)) + " FROM range(10000) r(i)) TO 'wide.parquet'")
# As people make them: views that list their columns.
db.execute("CREATE VIEW small AS SELECT k, a FROM 'small.parquet'")
db.execute("CREATE VIEW wide AS SELECT k, " + ", ".join(f"c{n}" for n in range(90)) + " FROM 'wide.parquet'")


def columns_of_wide(query):
    """How many columns the scan of wide.parquet projects."""
    found = []

    def walk(node):
        names = node.get("extra_info", {}).get("Projections")
        if node["name"].strip() in ("READ_PARQUET", "PARQUET_SCAN"):
            names = [names] if isinstance(names, str) else names
            found.append(len(names))
        for child in node["children"]:
            walk(child)

    for root in json.loads(db.execute("EXPLAIN (FORMAT JSON) " + query).fetchall()[0][1]):
        walk(root)
    return max(found)


left = columns_of_wide("SELECT s.a, sum(w.c3) FROM (SELECT DISTINCT k, a FROM small) s JOIN wide w ON w.k = s.k GROUP BY ALL")
right = columns_of_wide("SELECT s.a, sum(w.c3) FROM wide w JOIN (SELECT DISTINCT k, a FROM small) s ON w.k = s.k GROUP BY ALL")
plain = columns_of_wide("SELECT s.a, sum(w.c3) FROM (SELECT k, a FROM small) s JOIN wide w ON w.k = s.k GROUP BY ALL")
print(f"DuckDB {duckdb.__version__}, columns that are read of a table of 91, where the SQL names 2:")
print("Expected: 2, 2, 2")
print(f"Seen:     {left} with the DISTINCT on the left of the join, {right} on the right, {plain} without one")
assert [left, right, plain] == [int(n) for n in sys.argv[1:]], (left, right, plain)
PYTHON
venv-1.5.6/bin/python try.py 91 2 2
venv-2.0.1/bin/python try.py 2 2 2
