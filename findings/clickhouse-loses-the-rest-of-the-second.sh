#!/usr/bin/env bash
# t > toDateTime('…:15') finds no row of 15.123 seconds in ClickHouse where such rows are the last of a part or of a Parquet row group: the
# index rounds the largest t down to the literal's seconds before it compares. The condition as a column, or with a text, is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check chdb==4.4.0 chdb-core==26.9.0 pyarrow==26.0.1

cat >try.py <<'PYTHON'
import datetime as dt
import os

import pyarrow as pa
import pyarrow.parquet as pq
from chdb import session

times = [dt.datetime(2024, 1, 31, 9), dt.datetime(2024, 1, 31, 12, 30, 15, 123000), dt.datetime(2024, 1, 31, 12, 30, 15, 500000)]
pq.write_table(pa.table({"t": pa.array(times, pa.timestamp("ms"))}), "events.parquet")
db = session.Session()


def ask(query):
    return str(db.query(query)).strip().strip('"')


file = f"file('{os.path.abspath('events.parquet')}', Parquet)"
ask("CREATE TABLE events (t DateTime64(3)) ENGINE = MergeTree ORDER BY t")
ask(f"INSERT INTO events SELECT t FROM {file}")
ask("CREATE TABLE plain ENGINE = Memory AS SELECT t FROM events")
conditions = ["t > toDateTime('2024-01-31 12:30:15')", "t > TIMESTAMP '2024-01-31 12:30:15'", "NOT (t <= toDateTime('2024-01-31 12:30:15'))",
              "t > '2024-01-31 12:30:15'", "t >= toDateTime('2024-01-31 12:30:15')"]
seen = [[int(ask(f"SELECT count() FROM {source} WHERE {condition}")) for source in ("events", file, "plain")] + [int(ask(f"SELECT countIf({condition}) FROM events"))]
        for condition in conditions]

print(f"ClickHouse {ask('SELECT version()')} of chdb, times 09:00:00, 12:30:15.123 and 12:30:15.500")
print("Expected: two rows are later than 12:30:15, for each condition and from each source.")
for condition, counts in zip(conditions, seen):
    print(f"Seen:     MergeTree {counts[0]}, Parquet {counts[1]}, Memory {counts[2]}, countIf on MergeTree {counts[3]}: {condition}")
assert seen == [[0, 0, 2, 2]] * 3 + [[2, 2, 2, 2]] * 2, seen
PYTHON
venv/bin/python try.py
