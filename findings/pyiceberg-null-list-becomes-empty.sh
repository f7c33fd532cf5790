#!/usr/bin/env bash
# pyiceberg's append writes a NULL list of structs as an empty list: what was NULL in the Arrow table is not NULL in the Parquet file. NULL
# lists of integers are written as they are. Its reader does the same to files of others.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyiceberg==0.12.0 pyarrow==26.0.1 sqlalchemy==2.0.44 duckdb==1.5.5

cat >try.py <<'PYTHON'
import os
from importlib.metadata import version

import duckdb
import pyarrow as pa
import pyarrow.parquet
from pyiceberg.catalog.sql import SqlCatalog

catalog = SqlCatalog("here", uri="sqlite:///catalog.db", warehouse=f"file://{os.getcwd()}/warehouse")
catalog.create_namespace("n")
structs = pa.list_(pa.struct([("a", pa.int64())]))
data = pa.table({"id": [1, 2, 3], "integers": [[1], None, []], "structs": pa.array([[{"a": 1}], None, []], structs)})
table = catalog.create_table("n.t", schema=data.schema)
table.append(data)

(file,) = [task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()]
written = duckdb.sql(f"SELECT id, integers, structs FROM read_parquet('{file}') ORDER BY id").fetchall()

# A file that has the NULL, which another program wrote, added to a table as it is.
pyarrow.parquet.write_table(data, "other.parquet")
other = catalog.create_table("n.other", schema=data.schema)
other.add_files([f"file://{os.getcwd()}/other.parquet"])
read = [tuple(row.values()) for row in other.scan().to_arrow().sort_by("id").to_pylist()]
there = duckdb.sql("SELECT id, integers, structs FROM read_parquet('other.parquet') ORDER BY id").fetchall()

print(f"pyiceberg {version('pyiceberg')}, pyarrow {version('pyarrow')}, files read by duckdb {version('duckdb')}")
print("Expected: in the second row both lists are NULL, in what is written and in what is read")
print(f"Seen:     written {written[1]}, NULLs among the lists of structs: {sum(row[2] is None for row in written)} of {len(written)}")
print(f"          read {read[1]}, of a file that has {there[1]}")
assert there[1] == (2, None, None), there
assert written == [(1, [1], [{"a": 1}]), (2, None, []), (3, [], [])], written
assert read == [(1, [1], [{"a": 1}]), (2, None, []), (3, [], [])], read
PYTHON
venv/bin/python try.py
