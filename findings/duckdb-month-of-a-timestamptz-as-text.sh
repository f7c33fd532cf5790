#!/usr/bin/env bash
# CAST(t AS VARCHAR) >= '2024-06' finds every row from June on where t is a TIMESTAMP or a DATE, and none where it is a TIMESTAMPTZ in
# DuckDB 1.5: the text is made a TIMESTAMPTZ instead, '2024-06' is none, and so the condition is NULL. DuckDB 2.0 compares texts.
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
db.execute("SET TimeZone = 'UTC'")
db.execute("CREATE TABLE calls AS SELECT TIMESTAMPTZ '2024-01-01 12:00:00+00' + to_months(n::INTEGER) AS z, z::TIMESTAMP AS t, z::DATE AS d FROM range(12) r(n)")


def count(condition):
    return db.execute(f"SELECT count(*) FROM calls WHERE {condition}").fetchone()[0]


seen = {kind: [count(condition.format(f"CAST({column} AS VARCHAR)")) for condition in ("{} >= '2024-06'", "{} < '2024-06'", "left({}, 7) >= '2024-06'")]
        for kind, column in (("DATE", "d"), ("TIMESTAMP", "t"), ("TIMESTAMPTZ", "z"))}

print(f"DuckDB {duckdb.__version__}: 12 months; rows whose text is >= '2024-06', < '2024-06', and whose first seven letters are >= '2024-06'")
print("Expected: 7, 5, 7 for each type")
print(f"Seen:     {seen}")
from_june, before = int(sys.argv[1]), int(sys.argv[2])
assert seen == {"DATE": [7, 5, 7], "TIMESTAMP": [7, 5, 7], "TIMESTAMPTZ": [from_june, before, 7]}, seen
PYTHON
venv-1.5.6/bin/python try.py 0 0
venv-2.0.1/bin/python try.py 7 5
