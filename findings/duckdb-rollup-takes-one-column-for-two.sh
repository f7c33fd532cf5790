#!/usr/bin/env bash
# A column that is named with its table in one place of GROUP BY and without it in another is two columns to DuckDB where there are grouping
# sets: its values are NULL in groups that have one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb

duckdb.sql("CREATE TABLE sales AS SELECT * FROM (VALUES ('north', 1), ('south', 2), ('north', 3)) AS t(region, amount)")
seen = {
    keys: duckdb.sql(f"SELECT region, sum(amount)::INTEGER FROM sales GROUP BY {keys} ORDER BY ALL").fetchall()
    for keys in ("region, ROLLUP (region)", "sales.region, ROLLUP (region)")
}

print(f"DuckDB {duckdb.__version__}")
print("Expected: the same rows, since sales.region is region; in PostgreSQL it is.")
for keys, rows in seen.items():
    print(f"Seen:     GROUP BY {keys}: {rows}")
assert seen["region, ROLLUP (region)"] == [("north", 4), ("north", 4), ("south", 2), ("south", 2)], seen
assert seen["sales.region, ROLLUP (region)"] == [("north", 4), ("south", 2), (None, 2), (None, 4)], seen
PYTHON
venv/bin/python try.py
