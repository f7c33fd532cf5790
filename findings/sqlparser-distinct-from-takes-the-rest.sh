#!/usr/bin/env bash
# a IS NOT DISTINCT FROM b AND c is read as a IS NOT DISTINCT FROM (b AND c) by the parser that DataFusion, polars and Python's deltalake
# share. With booleans, and in polars with integers too, that is a valid condition with another answer: delete takes rows it should keep.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0 deltalake==1.6.6 polars==2.1.0 duckdb==1.5.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import datafusion
import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

plans = pa.table({"id": [1, 2, 3, 4], "paid_before": [True, False, False, None], "paid_now": [True, True, False, None],
                  "seats_before": [1, 1, 2, None], "seats_now": [1, 2, 2, 1]})
context = datafusion.SessionContext()
context.register_record_batches("plans", [plans.to_batches()])
frames = pl.SQLContext(plans=pl.from_arrow(plans).lazy())
db = duckdb.connect()
db.register("plans", plans)


def ids(condition):
    query = f"SELECT id FROM plans WHERE {condition} ORDER BY id"
    try:
        found = [row["id"] for row in context.sql(query).to_pylist()]
    except Exception as error:
        assert "Cannot infer common argument type" in str(error), error
        found = "an error of types"
    return [id for (id,) in db.execute(query).fetchall()], found, frames.execute(query).collect()["id"].to_list()


conditions = ["paid_before IS NOT DISTINCT FROM paid_now AND id > 3", "(paid_before IS NOT DISTINCT FROM paid_now) AND id > 3",
              "seats_before IS DISTINCT FROM seats_now AND id > 2", "id > 2 AND seats_before IS DISTINCT FROM seats_now"]
seen = [ids(condition) for condition in conditions]
write_deltalake("delta", plans)
table = DeltaTable("delta")
table.delete(conditions[0])
kept = sorted(table.to_pyarrow_table()["id"].to_pylist())

print(f"DataFusion {version('datafusion')}, polars {version('polars')}, deltalake {version('deltalake')}, DuckDB {duckdb.__version__}")
print("Expected: IS binds more tightly than AND, as it does in PostgreSQL and in DuckDB; delete leaves [1, 2, 3] of 4 rows.")
for condition, (duck, fusion, polars) in zip(conditions, seen):
    print(f"Seen:     DuckDB {duck}, DataFusion {fusion}, polars {polars}: {condition}")
print(f"          deltalake's delete by the first condition leaves {kept}")
assert seen == [([4], [2, 3, 4], [2, 3, 4]), ([4], [4], [4]), ([4], "an error of types", [1, 2, 3, 4]), ([4], [4], [4])], seen
assert kept == [1], kept
PYTHON
venv/bin/python try.py
