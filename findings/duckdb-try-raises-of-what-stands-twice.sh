#!/usr/bin/env bash
# TRY(x) is NULL in DuckDB where x raises an error. In 1.5 it raises the error itself where a part of x stands twice, in the same TRY or
# in two: TRY(qty::INT BETWEEN 1 AND 9) fails, and so do two columns that work one by one. DuckDB 2.0 gives NULL.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet --disable-pip-version-check "duckdb==$version"
done

cat >try.py <<'PYTHON'
import sys

import duckdb

db = duckdb.connect()
db.execute("CREATE TABLE orders AS FROM (VALUES ('7'), ('none')) v(qty)")


def ask(query):
    try:
        return db.execute(query).fetchall()
    except duckdb.ConversionException:
        return "a conversion error"


columns = ["TRY(qty::INT)", "TRY(qty::INT * 2)", "TRY(qty::INT), TRY(qty::INT * 2)", "TRY(qty::INT BETWEEN 1 AND 9)"]
expected = [[(7,), (None,)], [(14,), (None,)], [(7, 14), (None, None)], [(True,), (None,)]]
seen = [ask(f"SELECT {column} FROM orders") for column in columns]
filtered = ask("SELECT qty FROM orders WHERE TRY(qty::INT BETWEEN 1 AND 9)")

print(f"DuckDB {duckdb.__version__}, texts 7 and none")
print("Expected: NULL for none, whatever else is asked for.")
for column, rows in zip(columns, seen):
    print(f"Seen:     {rows}: SELECT {column}")
print(f"          {filtered}: WHERE {columns[-1]}")
raised = ["a conversion error"] * 2 if sys.argv[1] == "raises" else expected[2:]
assert seen == expected[:2] + raised and filtered == [("7",)], (seen, filtered)
PYTHON
venv-1.5.6/bin/python try.py raises
venv-2.0.1/bin/python try.py right
