#!/usr/bin/env bash
# extract(year FROM t) = 2024 finds no row in DuckDB 2.0 where t is a TIMESTAMP_NS, the type of a pandas or pyarrow column of
# nanoseconds, and GROUP BY extract(year FROM t) fails. As a result column the expression is right, year(t) is right
# everywhere, other parts are right, and so was DuckDB 1.5.
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
db.execute("CREATE TABLE events AS SELECT (TIMESTAMP '2024-06-01' + to_days(n::INTEGER))::TIMESTAMP_NS AS t FROM range(100) r(n)")
db.execute("COPY events TO 'events.parquet'")


def one(query):
    return db.execute(query).fetchone()[0]


conditions = ["extract(year FROM t) = 2024", "extract(year FROM t) < 2025", "year(t) = 2024", "extract(month FROM t) = 7"]
seen = {source: [one(f"SELECT count(*) FROM {source} WHERE {condition}") for condition in conditions] for source in ("events", "'events.parquet'")}
years = db.execute("SELECT min(y), max(y) FROM (SELECT extract(year FROM t) AS y FROM events ORDER BY t LIMIT 50)").fetchone()
try:
    groups = db.execute("SELECT extract(year FROM t), count(*) FROM events GROUP BY 1").fetchall()
except duckdb.Error as error:
    groups = str(error)
db.execute("DELETE FROM events WHERE extract(year FROM t) < 2025")
left = one("SELECT count(*) FROM events")

print(f"DuckDB {duckdb.__version__}: 100 days of 2024, and the rows with " + " | ".join(conditions))
print("Expected: 100, 100, 100, 31, and a DELETE by the second condition leaves 0.")
for source, counts in seen.items():
    print(f"Seen:     {counts} of {source}")
print(f"          DELETE leaves {left}; as a column the years are {years}; GROUP BY gives {groups}")
found, remain = int(sys.argv[1]), int(sys.argv[2])
assert all(counts == [found, found, 100, 31] for counts in seen.values()), seen
assert (left, years) == (remain, (2024, 2024)), (left, years)
assert groups == [(2024, 100)] if found else "exceeded total groups" in groups, groups
PYTHON
venv-1.5.6/bin/python try.py 100 0
venv-2.0.1/bin/python try.py 0 100
