#!/usr/bin/env bash
# A Parquet INTERVAL has months, days and milliseconds. DataFusion reads it as days and milliseconds: the months are gone, and
# dates that they are added to are other dates.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet datafusion==55.0.0 duckdb==1.5.5 pyarrow==25.0.1

cat >try.py <<'PYTHON'
import datafusion
import duckdb

duckdb.sql("SELECT INTERVAL '14 months 2 days' AS notice").write_parquet("terms.parquet")
query = "SELECT CAST(DATE '2024-01-01' + notice AS DATE) AS ends FROM {}"
before = str(duckdb.sql(query.format("'terms.parquet'")).fetchone()[0])

context = datafusion.SessionContext()
context.register_parquet("terms", "terms.parquet")
kind = context.sql("SELECT arrow_typeof(notice) AS kind FROM terms").to_pylist()[0]["kind"]
after = str(context.sql(query.format("terms")).to_pylist()[0]["ends"])

print(f"DataFusion {datafusion.__version__}, file written by DuckDB {duckdb.__version__}")
print("Expected: 2024-01-01 and 14 months and 2 days are 2025-03-03, as DuckDB reads its own file, or an error.")
print(f"Seen:     DuckDB {before}; DataFusion {after}, of a column of type {kind}")
assert before == "2025-03-03", before
assert after == "2024-01-03", after
assert kind == "Interval(DayTime)", kind
PYTHON
venv/bin/python try.py
