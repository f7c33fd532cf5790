#!/usr/bin/env bash
# A text with a negative exponent that DuckDB casts to a decimal is rounded by its first digit, wherever that stands: 0.00006 is 0 when it is
# written so, and 1 when it is written 6e-5, as programs and CSV files write small numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import duckdb

print(f"DuckDB {duckdb.__version__}")
print("Expected: one number has one value as a DECIMAL, however it is written.")
for plain, exponent, digits, want in (("0.00006", "6e-5", 0, ("0", "1")), ("-0.00006", "-6e-5", 0, ("0", "-1")), ("0.00006", "6e-5", 2, ("0.00", "0.01"))):
    seen = tuple(map(str, duckdb.sql(f"SELECT CAST('{plain}' AS DECIMAL(10,{digits})), CAST('{exponent}' AS DECIMAL(10,{digits}))").fetchone()))
    print(f"Seen:     DECIMAL(10,{digits}): '{plain}' is {seen[0]}, '{exponent}' is {seen[1]}")
    assert seen == want, (seen, want)
PYTHON
venv/bin/python try.py
