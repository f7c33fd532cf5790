#!/usr/bin/env bash
# A condition with an SQL timestamp literal is refused by deltalake's delete and overwrite, for every timestamp column
# that deltalake itself has written; the bare text works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet deltalake==1.6.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
import datetime as dt
from importlib.metadata import version

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake

data = pa.table({"at": pa.array([dt.datetime(2024, 1, 15), dt.datetime(2024, 2, 15)], pa.timestamp("us")), "amount": [1, 2]})


def attempt(condition):
    write_deltalake("delta", data, mode="overwrite")
    try:
        return f"deletes {DeltaTable('delta').delete(condition)['num_deleted_rows']}"
    except Exception as error:
        return "refused: " + str(error).split("\n")[0]


literal = "at >= timestamp '2024-02-01 00:00:00'"
typed, text = attempt(literal), attempt("at >= '2024-02-01 00:00:00'")
write_deltalake("delta", data, mode="overwrite")
table = QueryBuilder().register("t", DeltaTable("delta"))
selected = pa.table(table.execute(f"SELECT amount FROM t WHERE {literal}").read_all())["amount"].to_pylist()

print(f"deltalake {version('deltalake')}")
print("Expected: the condition that selects rows also deletes them.")
print(f"Seen:     SELECT with {literal} finds {selected};")
print(f"          delete with it: {typed}")
print(f"          delete with the bare text: {text}")
assert selected == [2], selected
assert typed.startswith("refused") and "Timestamp(ns)" in typed, typed
assert text == "deletes 1", text
PYTHON
venv/bin/python try.py
