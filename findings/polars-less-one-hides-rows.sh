#!/usr/bin/env bash
# stock - 1 < 1 does not find a stock of 1 in a Parquet file scanned by polars where the row group also has a stock of 0: polars computes the
# condition of the smallest and the largest value, whose 0 - 1 wraps to the largest UINT32, and skips the rows between. Read first, they are there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0

cat >try.py <<'PYTHON'
from importlib.metadata import version

import polars as pl

pl.DataFrame({"id": [1, 2, 3], "stock": pl.Series([0, 1, 2], dtype=pl.UInt32), "percent": pl.Series([-100, 30, 100], dtype=pl.Int8)}).write_parquet("stock.parquet")
conditions = ["stock - 1 < 1", "stock - 1 = 0", "1 - stock = 0", "percent * 2 = 60", "stock < 2 AND stock > 0"]


def ids(frame, condition):
    return frame.lazy().filter(pl.sql_expr(condition)).collect()["id"].to_list()


seen = [tuple(ids(frame, condition) for frame in (pl.scan_parquet("stock.parquet"), pl.scan_parquet("stock.parquet", use_statistics=False), pl.read_parquet("stock.parquet")))
        for condition in conditions]

print(f"polars {version('polars')}, stocks 0, 1 and 2 and percents -100, 30 and 100 with the ids 1, 2 and 3")
print("Expected: id 2 for each condition, however the file is read.")
for condition, (scanned, unaided, read) in zip(conditions, seen):
    print(f"Seen:     scanned {scanned}, without statistics {unaided}, read first {read}: {condition}")
assert seen == [([], [2], [2])] * 4 + [([2], [2], [2])], seen
PYTHON
venv/bin/python try.py
