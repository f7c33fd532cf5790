#!/usr/bin/env bash
# DuckDB rounds a decimal to a place before its first digit to 0, however near it is to the next such number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb

seen = [tuple(map(str, row)) for row in duckdb.sql(f"""SELECT round(v::DECIMAL(2,0), -2), round(v::DECIMAL(4,0), -2), round(v::DOUBLE, -2)
    FROM (VALUES (95), (49)) AS t(v) ORDER BY v DESC""").fetchall()]

print(f"DuckDB {duckdb.__version__}")
print("Expected: 95 rounded to hundreds is 100, and 49 is 0, whatever type the number has.")
for value, row in zip((95, 49), seen):
    print(f"Seen:     {value} as DECIMAL(2,0): {row[0]}; as DECIMAL(4,0): {row[1]}; as DOUBLE: {row[2]}")
assert seen[0] == ("0", "100", "100.0"), seen
assert seen[1] == ("0", "0", "0.0"), seen
PYTHON
venv/bin/python try.py
