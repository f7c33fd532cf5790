#!/usr/bin/env bash
# x + 1 raises where x is the largest INTEGER, but sum(x + 1) does not: it is computed as sum(x) + count(x). Whether a query raises depends on where
# the addition stands.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.6

cat >try.py <<'PYTHON'
import duckdb

duckdb.sql("CREATE TABLE counters AS SELECT 2147483647::INTEGER AS n")


def answer(query):
    try:
        return duckdb.sql(query).fetchone()[0]
    except duckdb.OutOfRangeException:
        return "OutOfRangeException"


seen = {query: answer(query) for query in (
    "SELECT sum(n + 1) FROM counters",
    "SELECT sum(m) FROM (SELECT n + 1 AS m FROM counters)",
    "SELECT avg(n + 1) FROM counters",
    "SELECT max(n + 1) FROM counters",
)}

print(f"DuckDB {duckdb.__version__}")
print("Expected: the same for all four, an error, since n + 1 is an INTEGER; in PostgreSQL it is one.")
for query, is_ in seen.items():
    print(f"Seen:     {query}: {is_}")
assert list(seen.values()) == [2147483648] + 3 * ["OutOfRangeException"], seen
PYTHON
venv/bin/python try.py
