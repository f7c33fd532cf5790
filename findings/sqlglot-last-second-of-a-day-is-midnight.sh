#!/usr/bin/env bash
# Until the last second of a day, written as the day plus a day less a second: where python-dateutil is installed, as it is beside
# pandas, sqlglot's optimizer computes that and casts the outcome to a DATE, so all of the day but midnight is lost. Without
# python-dateutil the same version leaves the sum as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sqlglot==30.30.0 duckdb==1.5.6

cat >try.py <<'PYTHON'
import importlib.util
import sys

import duckdb
import sqlglot
from sqlglot.optimizer import optimize

query = """SELECT count(*) FROM visits
WHERE began >= CAST('2024-02-29' AS DATE) AND began <= CAST('2024-02-29' AS DATE) + INTERVAL '1' DAY - INTERVAL '1' SECOND"""
db = duckdb.connect()
db.execute("CREATE TABLE visits AS SELECT TIMESTAMP '2024-02-29 00:00:00' + to_hours(n::INTEGER) AS began FROM range(24) r(n)")

optimized = {dialect: optimize(query, schema={"visits": {"began": "timestamp"}}, dialect=dialect).sql(dialect) for dialect in ("duckdb", "postgres", "redshift", "spark")}
before, after = (db.execute(sql).fetchone()[0] for sql in (query, optimized["duckdb"]))
installed = importlib.util.find_spec("dateutil") is not None

print(f"sqlglot {sqlglot.__version__}, duckdb {duckdb.__version__}, python-dateutil installed: {installed}")
print("Expected: the optimized query finds the 24 rows that the query finds.")
print(f"Seen:     {before} rows before, {after} after")
for dialect, sql in optimized.items():
    print(f"          {dialect}: {sql.split('AND')[0]}")
assert (before, after) == (24, int(sys.argv[1])), (before, after)
assert all(("CAST('2024-02-29 23:59:59' AS DATE)" in sql) == installed for sql in optimized.values()), optimized
PYTHON
venv/bin/python try.py 24
venv/bin/pip install --quiet --disable-pip-version-check python-dateutil==4.0.0
venv/bin/python try.py 1
