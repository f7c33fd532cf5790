#!/usr/bin/env bash
# DELETE WHERE x > 100 over a NaN: Delta's Python library deletes the row, Iceberg's keeps it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'pyiceberg[sql-sqlite,pyarrow]==0.12.0' deltalake==1.6.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
import os
import warnings
from importlib.metadata import version

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

warnings.simplefilter("ignore")
schema = pa.schema([("id", pa.int64()), ("score", pa.float64())])
data = pa.table({"id": [1, 2, 3], "score": [1.0, float("nan"), 200.0]}, schema=schema)

write_deltalake("delta", data)
DeltaTable("delta").delete("score > 100")
delta = sorted(DeltaTable("delta").to_pyarrow_table()["id"].to_pylist())

os.mkdir("iceberg")
catalog = SqlCatalog("c", uri="sqlite:///iceberg/c.db", warehouse=f"file://{os.getcwd()}/iceberg")
catalog.create_namespace("n")
table = catalog.create_table("n.t", schema=schema)
table.append(data)
table.delete("score > 100")
iceberg = sorted(table.scan().to_arrow()["id"].to_pylist())

print(f"deltalake {version('deltalake')}, pyiceberg {version('pyiceberg')}")
print("Expected: the same condition deletes the same rows, whichever of the two table formats holds them.")
print(f"Seen:     of ids 1 (1.0), 2 (NaN), 3 (200.0), `score > 100` leaves {delta} in Delta and {iceberg} in Iceberg.")
assert delta == [1] and iceberg == [1, 2], (delta, iceberg)
PYTHON
venv/bin/python try.py
