#!/usr/bin/env bash
# A condition on the time of day loses rows in DataFusion: it takes the smallest and the largest timestamp of a row group for the
# smallest and the largest time of day, and skips row groups by them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0 duckdb==1.5.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
import datetime as dt
from importlib.metadata import version

import datafusion
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

# A call every 50 minutes for 30 days, in row groups of 100 calls, which is 3.5 days.
calls = [dt.datetime(2024, 3, 1) + dt.timedelta(minutes=50 * n) for n in range(864)]
data = pa.table({"began": pa.array(calls, pa.timestamp("us"))})
pq.write_table(data, "calls.parquet", row_group_size=100)
context = datafusion.SessionContext()
context.register_parquet("file", "calls.parquet")
context.from_arrow(data, name="memory")

conditions = ["CAST(began AS TIME) >= TIME '18:00:00'", "CAST(began AS TIME) BETWEEN TIME '09:00:00' AND TIME '17:00:00'", "date_part('hour', began) >= 18"]
print(f"datafusion {version('datafusion')}, duckdb {duckdb.__version__}")
print("Expected: the file has the rows that the table in memory has.")
seen = []
for condition in conditions:
    file, memory = (context.sql(f"SELECT count(*) AS n FROM {name} WHERE {condition}").to_pydict()["n"][0] for name in ("file", "memory"))
    other = duckdb.execute(f"SELECT count(*) FROM 'calls.parquet' WHERE {condition}").fetchone()[0]
    print(f"Seen:     {file} in the file, {memory} in memory, {other} by DuckDB in the file: {condition}")
    seen.append((file, memory, other))
assert all(memory == other for _, memory, other in seen), seen
assert seen[0][0] < seen[0][1] / 2 and seen[1][0] < seen[1][1] and seen[2][0] == seen[2][1], seen
PYTHON
venv/bin/python try.py
