#!/usr/bin/env bash
# date_trunc('hour', d) of a DATE is that day's midnight, and equal to the day, but not in DuckDB's conditions: there it is equal to no
# day at all, and <= loses the day itself. The same with date_trunc('day', d), or with the optimizer off, is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet --disable-pip-version-check "duckdb==$version"
done

cat >try.py <<'PYTHON'
import duckdb

db = duckdb.connect()
db.execute("CREATE TABLE sales AS SELECT DATE '2024-03-01' + n::INTEGER AS d FROM range(31) r(n)")
conditions = ["date_trunc('{}', d) = DATE '2024-03-10'", "date_trunc('{}', d) <= DATE '2024-03-10'", "date_trunc('{}', d) > DATE '2024-03-10'"]


def counts(part):
    return [db.execute(f"SELECT count(*) FROM sales WHERE {condition.format(part)}").fetchone()[0] for condition in conditions]


values = db.execute("SELECT date_trunc('hour', d)::VARCHAR, typeof(date_trunc('hour', d)) FROM sales WHERE d = '2024-03-10'").fetchone()
seen = {part: counts(part) for part in ("day", "hour", "minute")}
db.execute("PRAGMA disable_optimizer")
plain = counts("hour")

print(f"DuckDB {duckdb.__version__}: the 31 days of March and " + " | ".join(conditions).format('hour', 'hour', 'hour'))
print("Expected: 1, 10, 21 for every part")
print(f"Seen:     {seen}, with the optimizer off {plain} for the hour; date_trunc('hour', DATE '2024-03-10') is {' of type '.join(values)}")
assert seen == {"day": [1, 10, 21], "hour": [0, 9, 22], "minute": [0, 9, 22]} and plain == [1, 10, 21], (seen, plain)
assert values == ("2024-03-10 00:00:00", "TIMESTAMP"), values
PYTHON
for version in 1.5.6 2.0.1; do
  "venv-$version/bin/python" try.py
done
