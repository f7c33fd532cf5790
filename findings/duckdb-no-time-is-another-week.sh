#!/usr/bin/env bash
# In DuckDB 1.5 a week that differs from a given day differs from NULL too, unless that day is a Monday: date_trunc('week', t) <> day is
# true of every row where no week begins on the day, also of those without a t. So it is for months and years; 2.0 is right.
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
db.execute("CREATE TABLE tickets AS FROM (VALUES ('may', TIMESTAMP '2024-05-02 10:00'), ('june', TIMESTAMP '2024-06-12 10:00'), ('open', NULL)) v(name, closed)")


def names(condition):
    return [name for (name,) in db.execute(f"SELECT name FROM tickets WHERE {condition}").fetchall()]


conditions = ["date_trunc('week', closed) <> DATE '2024-06-10'", "date_trunc('week', closed) <> DATE '2024-06-12'",
              "NOT (date_trunc('month', closed) = DATE '2024-06-12')", "date_trunc('month', closed) NOT IN (DATE '2024-06-12', DATE '2024-06-13')"]
seen = [names(condition) for condition in conditions]
null = db.execute("SELECT date_trunc('week', NULL::TIMESTAMP) <> DATE '2024-06-12', date_trunc('week', closed) <> DATE '2024-06-12' FROM tickets WHERE name = 'open'").fetchone()

print(f"DuckDB {duckdb.__version__}: tickets with " + " | ".join(conditions))
print("Expected: the open ticket, whose time is NULL, is in none of the answers.")
print(f"Seen:     {seen}")
print(f"          a NULL and the open ticket's NULL, each compared with a Wednesday: {null}")
extra = sys.argv[1:]
assert seen == [["may"], ["may", "june", *extra], ["may", "june", *extra], ["may", "june"]], seen
assert null == (None, True if extra else None), null
PYTHON
venv-1.5.6/bin/python try.py open
venv-2.0.1/bin/python try.py
