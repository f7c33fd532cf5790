#!/usr/bin/env bash
# Whether a run's day is the first of its month, asked with DATE_TRUNC: sqlglot's optimizer computes the answer itself, and finds that
# the first of March is not the first of March in DuckDB's dialect; in those of PostgreSQL, Redshift and Spark it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sqlglot==30.30.0 duckdb==1.5.6

cat >try.py <<'PYTHON'
import duckdb
import sqlglot
from sqlglot.optimizer import optimize

condition = "DATE_TRUNC('month', CAST('2024-03-01' AS DATE)) = CAST('2024-03-01' AS DATE)"
query = f"SELECT CASE WHEN {condition} THEN 'full' ELSE 'incremental' END AS mode"
optimized = {dialect: optimize(query, dialect=dialect).sql(dialect) for dialect in ("duckdb", "postgres", "redshift", "spark")}
before, after = (duckdb.execute(sql).fetchone()[0] for sql in (query, optimized["duckdb"]))

print(f"sqlglot {sqlglot.__version__}, duckdb {duckdb.__version__}")
print("Expected: full, before and after the optimizer.")
print(f"Seen:     {before} before, {after} after")
for dialect, sql in optimized.items():
    print(f"          {dialect}: {sql}")
assert (before, after) == ("full", "incremental"), (before, after)
assert all("'full'" in sql for dialect, sql in optimized.items() if dialect != "duckdb"), optimized
PYTHON
venv/bin/python try.py
