#!/usr/bin/env bash
# fastparquet takes the numbers of pandas' timestamps for nanoseconds when it writes INT96, as one asks it to for Hive: pandas 3 has
# microseconds by default, so 2024 is January 1970 in the file. Of seconds with a time zone it makes 1970 with its default, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fastparquet==2026.9.0 pandas==3.1.1 duckdb==1.5.6 pyarrow==25.0.1

cat >try.py <<'PYTHON'
from importlib.metadata import version

import duckdb
import fastparquet
import pandas as pd
import pyarrow.parquet as pq

duckdb.execute("SET TimeZone = 'UTC'")
text = "2024-01-01 12:00:00"
sources = {
    "pd.to_datetime, INT96": (pd.to_datetime([text]), "int96"),
    "pd.to_datetime, INT64": (pd.to_datetime([text]), "int64"),
    "nanoseconds, INT96": (pd.to_datetime([text]).as_unit("ns"), "int96"),
    "seconds in UTC, INT64": (pd.to_datetime([text]).as_unit("s").tz_localize("UTC"), "int64"),
}
print(f"fastparquet {version('fastparquet')}, pandas {version('pandas')}, read by DuckDB {duckdb.__version__} and pyarrow {version('pyarrow')}")
print(f"Expected: {text} of each file, from each reader.")
seen = {}
for source, (times, kind) in sources.items():
    fastparquet.write("out.parquet", pd.DataFrame({"t": times}), times=kind)
    seen[source] = (duckdb.sql("SELECT strftime(t, '%Y-%m-%d %H:%M:%S') FROM 'out.parquet'").fetchone()[0],
                    f"{pq.read_table('out.parquet')['t'][0].as_py():%Y-%m-%d %H:%M:%S}",
                    f"{fastparquet.ParquetFile('out.parquet').to_pandas()['t'][0]:%Y-%m-%d %H:%M:%S}")
    print(f"Seen:     {source}: DuckDB {seen[source][0]}, pyarrow {seen[source][1]}, fastparquet {seen[source][2]}")
assert seen == {"pd.to_datetime, INT96": ("1970-01-20 17:21:50",) * 3, "pd.to_datetime, INT64": (text,) * 3, "nanoseconds, INT96": (text,) * 3,
                "seconds in UTC, INT64": ("1970-01-01 00:28:24",) * 3}, seen
PYTHON
venv/bin/python try.py
