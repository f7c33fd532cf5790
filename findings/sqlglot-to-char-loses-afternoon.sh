#!/usr/bin/env bash
# PostgreSQL's to_char with Mon and AM, translated for DuckDB by sqlglot: every afternoon becomes a morning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet sqlglot==30.30.0 duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb
import sqlglot

query = "SELECT to_char(timestamp '2024-01-05 15:04:05', 'Mon DD HH12:MI AM')"
translated = sqlglot.transpile(query, read="postgres", write="duckdb")[0]
(seen,) = duckdb.sql(translated).fetchone()

print(f"sqlglot {sqlglot.__version__}, duckdb {duckdb.__version__}")
print("Expected: Jan 05 03:04 PM, which PostgreSQL answers, or an error that names the pattern.")
print(f"Seen:     {seen}, from {translated}: the words Mon and AM are copied as plain text.")
assert seen == "Mon 05 03:04 AM", seen
PYTHON
venv/bin/python try.py
