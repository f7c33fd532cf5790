#!/usr/bin/env bash
# PyIceberg's overwrite(data, overwrite_filter) does not look whether the data match the filter that they replace.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'pyiceberg[sql-sqlite,pyarrow]==0.12.0' deltalake==1.6.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
import datetime as dt
import os
import warnings
from importlib.metadata import version

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

warnings.simplefilter("ignore")
schema = pa.schema([("day", pa.date32()), ("amount", pa.int64())])


def rows(*pairs):
    return pa.table({"day": [dt.date.fromisoformat(d) for d, _ in pairs], "amount": [a for _, a in pairs]}, schema=schema)


history = rows(("2024-01-05", 1), ("2024-02-05", 2), ("2024-03-05", 3))
february = rows(("2024-02-06", 20), ("2024-03-06", 30))  # the second row is March's
condition = "day >= '2024-02-01' and day < '2024-03-01'"

os.mkdir("iceberg")
catalog = SqlCatalog("c", uri="sqlite:///iceberg/c.db", warehouse=f"file://{os.getcwd()}/iceberg")
catalog.create_namespace("n")
table = catalog.create_table("n.t", schema=schema)
table.append(history)
for _ in range(2):  # the same replacement, repeated as a retry would
    table.overwrite(february, overwrite_filter=condition)
march = sorted(r["amount"] for r in table.scan("day >= '2024-03-01'").to_arrow().to_pylist())

write_deltalake("delta", history)
try:
    write_deltalake("delta", february, mode="overwrite", predicate=condition)
    delta = "written"
except Exception as error:
    delta = "refused: " + str(error).split("\n")[0]

print(f"pyiceberg {version('pyiceberg')}, deltalake {version('deltalake')}")
print("Expected: replacing February with rows of February and March is refused, or leaves March as it is.")
print(f"Seen:     PyIceberg writes both; after a repeat, which replaces February only, March holds {march} (3 was there before).")
print(f"          deltalake: {delta}")
assert march == [3, 30, 30], march
assert delta.startswith("refused") and "Invalid data" in delta, delta
PYTHON
venv/bin/python try.py
