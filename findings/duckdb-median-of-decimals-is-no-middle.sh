#!/usr/bin/env bash
# The median of 0.01 and 0.02 is 0.01 in DuckDB where they are decimals, and 0.015 where they are doubles; that of -0.01 and -0.02 is
# -0.02 in DuckDB 1.5 and -0.01 in 2.0, and with wider decimals the other way round. quantile_cont of 0.75 gives the lower one, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet --disable-pip-version-check "duckdb==$version"
done

cat >try.py <<'PYTHON'
import sys

import duckdb


def medians(values):
    columns = "median(v::DECIMAL(9, 2)), median(v::DECIMAL(38, 2)), median(v::DOUBLE), avg(v::DECIMAL(9, 2))"
    return [str(value) for value in duckdb.execute(f"SELECT {columns} FROM (SELECT unnest(?) AS v)", [values]).fetchone()]


above, below, whole = medians(["0.01", "0.02"]), medians(["-0.01", "-0.02"]), medians(["1.00", "2.00"])
quantile = [str(v) for v in duckdb.execute("SELECT quantile_cont(v, 0.75), round(quantile_cont(v::DOUBLE, 0.75), 9) FROM (SELECT unnest([0.01, 0.02]) AS v)").fetchone()]

print(f"DuckDB {duckdb.__version__}: the medians as DECIMAL(9, 2), DECIMAL(38, 2) and DOUBLE, and the average")
print("Expected: 0.015, as its documentation says that the two in the middle are averaged; or 0.02, which CAST would round it to.")
print(f"Seen:     {above} of 0.01 and 0.02, {below} of -0.01 and -0.02, {whole} of 1.00 and 2.00")
print(f"          quantile_cont(v, 0.75) of 0.01 and 0.02: {quantile}, as decimals and as doubles")
assert above == ["0.01", "0.01", "0.015", "0.015"] and whole == ["1.50", "1.50", "1.5", "1.5"], (above, whole)
assert below == [*sys.argv[1:], "-0.015", "-0.015"] and quantile == ["0.01", "0.0175"], (below, quantile)
PYTHON
venv-1.5.6/bin/python try.py -0.02 -0.01
venv-2.0.1/bin/python try.py -0.01 -0.02
