#!/usr/bin/env bash
# TIMESTAMP '…'::DATE is a DATE in PostgreSQL and DuckDB. sqlglot takes the cast for one of the text and writes CAST(CAST('…' AS DATE) AS
# TIMESTAMP), also from DuckDB to DuckDB: a folder by day gets a midnight in its name, and a time with an offset is another day.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sqlglot==30.30.0 duckdb==1.5.6
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17

cat >postgres.mjs <<'JAVASCRIPT'
import { PGlite } from "@electric-sql/pglite";

const db = await PGlite.create();
await db.exec("SET TIME ZONE 'UTC'");
for (const query of process.argv.slice(2)) {
  console.log((await db.query(query)).rows[0].x);
}
JAVASCRIPT
cat >try.py <<'PYTHON'
import subprocess

import duckdb
import sqlglot

duckdb.execute("SET TimeZone = 'UTC'")
expressions = ["'day=' || TIMESTAMP '2024-01-31 18:45:00'::DATE", "'day=' || CAST(TIMESTAMP '2024-01-31 18:45:00' AS DATE)",
               "CAST(TIMESTAMPTZ '2024-03-11 02:30:00+05'::DATE AS TEXT)", "'at ' || TIMESTAMP '2024-01-31 18:45:00'::TIMESTAMP::DATE"]
queries = [f"SELECT {expression} AS x" for expression in expressions]
postgres = subprocess.run(["node", "postgres.mjs", *queries], check=True, capture_output=True, text=True).stdout.splitlines()


def ask(query):
    return str(duckdb.sql(query).fetchone()[0])


print(f"sqlglot {sqlglot.__version__}, DuckDB {duckdb.__version__}")
seen = []
for query, expected in zip(queries, postgres):
    written = {read: sqlglot.transpile(query, read=read, write="duckdb")[0] for read in ("duckdb", "postgres")}
    answers = [ask(query), *(ask(text) for text in written.values())]
    print(f"{query}\nExpected: {expected}, as in PostgreSQL, before sqlglot and after")
    print(f"Seen:     {answers[0]} in DuckDB; {answers[1]} by sqlglot from DuckDB, {answers[2]} from PostgreSQL: {written['duckdb']}")
    seen.append((expected, *answers))
assert seen == [
    ("day=2024-01-31", "day=2024-01-31", *["day=2024-01-31 00:00:00"] * 2),
    ("day=2024-01-31",) * 4,
    ("2024-03-10", "2024-03-10", *["2024-03-11 00:00:00+00"] * 2),
    ("at 2024-01-31", "at 2024-01-31", *["at 2024-01-31 00:00:00"] * 2),
], seen
PYTHON
venv/bin/python try.py
