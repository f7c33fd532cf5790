#!/usr/bin/env bash
# SIMILAR TO means an SQL pattern in PostgreSQL and a regular expression in DuckDB; sqlglot hands it over as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet sqlglot==30.30.0 duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb
import sqlglot

query = "SELECT 'abc' SIMILAR TO '(a|b)%', 'a%' SIMILAR TO '(a|b)%', 'axc' SIMILAR TO 'a.c'"
translated = sqlglot.transpile(query, read="postgres", write="duckdb")[0]
seen = duckdb.sql(translated).fetchone()

print(f"sqlglot {sqlglot.__version__}, duckdb {duckdb.__version__}")
print("Expected: true, true, false, as in PostgreSQL (% stands for any text, the dot for itself), or a refusal.")
print(f"Seen:     {seen}, from {translated}")
assert seen == (False, True, True), seen
PYTHON
venv/bin/python try.py
