#!/usr/bin/env bash
# DuckDB 2.0 writes a database for older versions where STORAGE_VERSION says so, and refuses columns of its new type TUPLE in
# it. Its other new type, TIMESTAMPTZ_NS, it takes: the file is then refused whole by the version that it was written for, also
# its other tables, with an enum's number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet "duckdb==$version"
done

cat >write.py <<'PYTHON'
import duckdb

db = duckdb.connect("source.duckdb")
db.execute("CREATE TABLE sales AS SELECT 1 AS n")
db.execute("CREATE TABLE pairs AS SELECT row(1, 'x') AS pair")
db.execute("CREATE TABLE moments AS SELECT '2024-01-01 00:00:00.123456789+00'::TIMESTAMPTZ_NS AS at")
print(f"DuckDB {duckdb.__version__} writes files with STORAGE_VERSION 'v1.5.0'")
print("Expected: what such a file cannot hold is refused when it is written.")
for name, tables in {"pairs": ["pairs"], "moments": ["sales", "moments"]}.items():
    db.execute(f"ATTACH '{name}.duckdb' AS readable (STORAGE_VERSION 'v1.5.0')")
    try:
        for table in tables:
            db.execute(f"CREATE TABLE readable.{table} AS FROM source.{table}")
        print(f"Seen:     {name}: written")
    except duckdb.Error as error:
        print(f"Seen:     {name}: {str(error).splitlines()[0]}")
        assert name == "pairs" and "TUPLE columns are not supported in storage versions prior to" in str(error), error
    db.execute("DETACH readable")
PYTHON
cat >read.py <<'PYTHON'
import duckdb

try:
    duckdb.connect("moments.duckdb", read_only=True).execute("FROM sales").fetchall()
except duckdb.Error as error:
    print(f"          DuckDB {duckdb.__version__}, a table beside moments: {error}")
    assert "unrecognized enum value" in str(error) and "LogicalTypeId" in str(error), error
else:
    raise SystemExit("it can be read")
PYTHON
venv-2.0.1/bin/python write.py
venv-1.5.6/bin/python read.py
