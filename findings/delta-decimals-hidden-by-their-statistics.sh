#!/usr/bin/env bash
# deltalake notes the smallest and the largest decimal of a file in the log as a DOUBLE, rounded up or down as it comes. It skips files
# by them, and so do pyarrow's dataset and polars: a decimal of 18 digits behind the point is not found by its own value, nor by
# >= or <=, and not deleted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1

cat >try.py <<'PYTHON'
import glob
import json
import os
import sys
from decimal import Decimal
from importlib.metadata import version

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

amounts = [Decimal("1.500000000000000000"), Decimal("0.123456789012345678"), Decimal("1234.567890123456789012")]
kind = pa.decimal128(38, 18)
for amount in amounts:  # a file each
    write_deltalake("delta", pa.table({"amount": pa.array([amount], kind)}), mode="append")
log = [json.loads(line) for path in sorted(glob.glob("delta/_delta_log/*.json")) for line in open(path)]
least = [str(json.loads(line["add"]["stats"], parse_float=Decimal)["minValues"]["amount"]) for line in log if "add" in line]

print(f"deltalake {version('deltalake')}, polars {version('polars')}, pyarrow {version('pyarrow')}")
print("Expected: of 3 rows those >= the amount, <= it and = it: [2, 2, 1], [3, 1, 1] and [1, 3, 1], and each amount can be deleted.")
seen = []
for amount, noted in zip(amounts, least):
    table = DeltaTable("delta")
    column, value = pc.field("amount"), pa.scalar(amount, kind)
    arrow = [table.to_pyarrow_dataset().to_table(filter=condition).num_rows for condition in (column >= value, column <= value, column == value)]
    same = pl.lit(amount, dtype=pl.Decimal(38, 18))
    polars = [pl.scan_delta("delta").filter(condition).collect().height for condition in (pl.col("amount") >= same, pl.col("amount") <= same, pl.col("amount") == same)]
    deleted = table.delete(f"amount = CAST('{amount}' AS DECIMAL(38,18))")["num_deleted_rows"]
    table.restore(2)
    print(f"Seen:     {amount}, in the log {noted}: pyarrow {arrow}, polars {polars}, deleted {deleted}")
    seen.append((arrow, polars, deleted))
assert seen == [([2, 2, 1],) * 2 + (1,), ([3, 0, 0],) * 2 + (0,), ([0, 3, 0],) * 2 + (0,)], seen
sys.stdout.flush()
os._exit(0)  # without a wait for the dataset's threads, by which Python's own end now and then aborts
PYTHON
venv/bin/python try.py
