#!/usr/bin/env bash
# trunc() of a DECIMAL to more places before the point than its type has digits there is 0 for every row, also where the value is NULL.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb

duckdb.sql("CREATE TABLE rates AS SELECT * FROM (VALUES (1.5::DECIMAL(12,10)), (NULL)) AS t(rate)")
rows = duckdb.sql("SELECT rate, trunc(rate, -1), trunc(rate, -3), count(trunc(rate, -3)) OVER () FROM rates ORDER BY rate NULLS LAST").fetchall()

print(f"DuckDB {duckdb.__version__}")
print("Expected: NULL of NULL, whatever it is truncated to.")
for rate, tens, thousands, known in rows:
    print(f"Seen:     {rate}: to tens {tens}, to thousands {thousands}; {known} of 2 rows are known")
assert [(str(r[0]), str(r[1]), str(r[2]), r[3]) for r in rows] == [("1.5000000000", "0", "0", 2), ("None", "None", "0", 2)], rows
PYTHON
venv/bin/python try.py
