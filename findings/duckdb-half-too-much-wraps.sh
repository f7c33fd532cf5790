#!/usr/bin/env bash
# A DOUBLE that rounds to one more than the largest INTEGER becomes the least INTEGER, without an error; a whole one more raises. SMALLINT is the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb

duckdb.sql("CREATE TABLE meters AS SELECT * FROM (VALUES (2147483646.5::DOUBLE), (2147483647.5), (2147483648.0)) AS t(reading)")


def cast(reading, to):
    try:
        return duckdb.execute(f"SELECT CAST(reading AS {to}) FROM meters WHERE reading = ?", [reading]).fetchone()[0]
    except duckdb.ConversionException:
        return "ConversionException"


seen = {reading: cast(reading, "INTEGER") for reading in (2147483646.5, 2147483647.5, 2147483648.0)}
small = duckdb.sql("SELECT CAST(32767.5::DOUBLE AS SMALLINT)").fetchone()[0]

print(f"DuckDB {duckdb.__version__}")
print("Expected: an error for 2147483647.5 as for 2147483648, since it rounds to that; in PostgreSQL it is one.")
for reading, is_ in seen.items():
    print(f"Seen:     {reading} as INTEGER: {is_}")
print(f"Seen:     32767.5 as SMALLINT: {small}")
assert seen == {2147483646.5: 2147483646, 2147483647.5: -2147483648, 2147483648.0: "ConversionException"}, seen
assert small == -32768, small
PYTHON
venv/bin/python try.py
