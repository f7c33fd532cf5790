#!/usr/bin/env bash
# TRY_CAST(n AS SMALLINT) > 0 is true in DuckDB 1.5 of an integer that no SMALLINT holds, although TRY_CAST gives NULL for it: the
# comparison is made with n itself. DuckDB 2.0 gives NULL.
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
db.execute("CREATE TABLE readings AS SELECT unnest([1, 40000, -40000]) AS n")


def rows(condition):
    return [n for (n,) in db.execute(f"SELECT n FROM readings WHERE {condition}").fetchall()]


conditions = ["TRY_CAST(n AS SMALLINT) > 0", "TRY_CAST(n AS SMALLINT) <> 7", "TRY_CAST(n AS SMALLINT) IS NOT NULL", "abs(TRY_CAST(n AS SMALLINT)) > 0"]
seen = [rows(condition) for condition in conditions]
values = db.execute("SELECT TRY_CAST(n AS SMALLINT) AS v, v > 0 FROM readings").fetchall()

print(f"DuckDB {duckdb.__version__}: of 1, 40000 and -40000, those with " + " | ".join(conditions))
print("Expected: only 1 in each, since TRY_CAST is NULL for the other two.")
print(f"Seen:     {seen}")
print(f"          TRY_CAST and whether it is above 0: {values}")
kept = [int(n) for n in sys.argv[1:]]
assert seen == [[n for n in kept if n > 0], kept, [1], [1]], seen
assert values[1] == (None, True if 40000 in kept else None), values
PYTHON
venv-1.5.6/bin/python try.py 1 40000 -40000
venv-2.0.1/bin/python try.py 1
