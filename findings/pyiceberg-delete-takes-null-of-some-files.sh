#!/usr/bin/env bash
# delete("region != 'north'") keeps or deletes a row without a region in PyIceberg, by how the rows were appended: kept beside a row of the
# north in its data file, deleted with the file otherwise. A scan by the same condition never finds the row, and one by NOT IN always does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyiceberg==0.12.0 pyarrow==26.0.1 sqlalchemy==2.0.44 duckdb==1.5.6

cat >try.py <<'PYTHON'
import os
import warnings
from importlib.metadata import version

import duckdb
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

warnings.simplefilter("ignore")
rows = pa.table({"id": [1, 2, 3, 4], "region": ["north", "south", None, "west"]})
os.mkdir("iceberg")
catalog = SqlCatalog("c", uri="sqlite:///iceberg/c.db", warehouse=f"file://{os.getcwd()}/iceberg")
catalog.create_namespace("n")


def ids(table, **conditions):
    return sorted(table.scan(**conditions).to_arrow()["id"].to_pylist())


def run(number, condition, parts):
    table = catalog.create_table(f"n.t{number}", schema=rows.schema)
    for part in parts:
        table.append(part)
    found = ids(table, row_filter=condition)
    table.delete(condition)
    return found, ids(table)


conditions = ["region != 'north'", "region NOT IN ('north', 'east')"]
files = {"one file": [rows], "two files": [rows.slice(0, 1), rows.slice(1)]}
seen = [run(f"{row}{name[:3]}", condition, parts) for row, condition in enumerate(conditions) for name, parts in files.items()]
duck = [sorted(id for (id,) in duckdb.sql(f"SELECT id FROM rows WHERE {condition}").fetchall()) for condition in conditions]

print(f"PyIceberg {version('pyiceberg')}, DuckDB {duckdb.__version__}; north, south, NULL and west have the ids 1 to 4")
print(f"Expected: a scan finds {duck[0]} and {duck[1]}, as in SQL, and delete leaves the others, however many files the rows are in.")
for (found, left), (condition, name) in zip(seen, [(condition, name) for condition in conditions for name in files]):
    print(f"Seen:     {name}: the scan finds {found}, delete leaves {left}: {condition}")
assert duck == [[2, 4], [2, 4]], duck
assert seen == [([2, 4], [1, 3]), ([2, 4], [1]), ([2, 3, 4], [1, 3]), ([2, 3, 4], [1])], seen
PYTHON
venv/bin/python try.py
