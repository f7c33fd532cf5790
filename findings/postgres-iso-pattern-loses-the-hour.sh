#!/usr/bin/env bash
# A timestamp in ISO 8601, read by PostgreSQL with the pattern that its own letters suggest: the hour is gone, without an error. "DDTH" is
# a day with an ordinal's suffix, so "H24" after it is plain text. sqlglot takes the pattern for what it looks like: moved to DuckDB by it,
# the same query gives another time for every row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sqlglot==30.30.0 duckdb==1.5.6

cat >postgres.mjs <<'JAVASCRIPT'
import { PGlite } from "@electric-sql/pglite";

const db = new PGlite();
const [{ version }] = (await db.query("SELECT split_part(version(), ' on ', 1) AS version")).rows;
const [{ read }] = (await db.query(`SELECT (${process.argv[2]})::text AS read`)).rows;
console.log(JSON.stringify({ version, read }));
JAVASCRIPT

cat >try.py <<'PYTHON'
import json
import subprocess

import duckdb
import sqlglot

expression = "to_timestamp('2024-05-01T13:04:05', 'YYYY-MM-DDTHH24:MI:SS')"
postgres = json.loads(subprocess.run(["node", "postgres.mjs", expression], check=True, capture_output=True, text=True).stdout)
translated = sqlglot.transpile(f"SELECT {expression}", read="postgres", write="duckdb")[0]
moved = str(duckdb.execute(translated).fetchone()[0])

print(f"{postgres['version']}, sqlglot {sqlglot.__version__}, duckdb {duckdb.__version__}")
print("Expected: 2024-05-01 13:04:05 from both, or an error")
print(f"Seen:     {postgres['read']} from PostgreSQL")
print(f"          {moved} from DuckDB, by {translated}")
assert postgres["read"].startswith("2024-05-01 00:04:05") and moved.startswith("2024-05-01 13:04:05")
PYTHON
venv/bin/python try.py
