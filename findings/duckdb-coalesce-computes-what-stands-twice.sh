#!/usr/bin/env bash
# COALESCE(net, …) does not compute its second argument in DuckDB where net is there, but for parts that stand twice in the query: these
# are computed first, of every row. A price list works with each of two columns and fails with both; CASE is lazy in either form.
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
db.execute("CREATE TABLE prices AS FROM (VALUES (5.0, 6.0, 'see net'), (NULL, NULL, '100.0')) v(net, total, gross)")
error = "a conversion error"


def ask(columns):
    try:
        return [tuple(map(str, row)) for row in db.execute(f"SELECT {columns} FROM prices").fetchall()]
    except duckdb.ConversionException:
        return error


gross = "gross::DECIMAL(9, 1)"
queries = {
    f"COALESCE(net, {gross})": [("5.0",), ("100.0",)],
    f"COALESCE(total, {gross})": [("6.0",), ("100.0",)],
    f"COALESCE(net, {gross}), COALESCE(total, {gross})": error,
    f"COALESCE(net, {gross} - {gross} * 0.2)": error,
    f"CASE WHEN net IS NULL THEN {gross} - {gross} * 0.2 ELSE net END": [("5.00",), ("80.00",)],
}
seen = {query: ask(query) for query in queries}

print(f"DuckDB {duckdb.__version__}: (net, total, gross) are (5.0, 6.0, 'see net') and (NULL, NULL, '100.0')")
print("Expected: 'see net' is not made a decimal by any, since that row has a net and a total.")
for query, rows in seen.items():
    print(f"Seen:     {rows}: {query}")
assert seen == queries, seen
PYTHON
venv-1.5.6/bin/python try.py
venv-2.0.1/bin/python try.py
