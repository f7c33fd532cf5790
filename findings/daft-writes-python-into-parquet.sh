#!/usr/bin/env bash
# An Arrow column with a dictionary, as DuckDB gives for an ENUM and pandas for a category, is written by Daft as Python's own bytes for an
# object: other readers of the Parquet file find no texts in it. So it is with time32 and decimal32 columns and views of texts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check daft==0.7.26 duckdb==1.5.6 polars==2.1.0 pandas==3.1.1 pyarrow==25.0.1

cat >try.py <<'PYTHON'
import datetime as dt
import glob
from decimal import Decimal
from importlib.metadata import version

import daft
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

sources = {
    "DuckDB's ENUM": daft.from_arrow(duckdb.sql("SELECT 'north'::ENUM('north', 'south') AS v").to_arrow_table()),
    "pandas' category": daft.from_pandas(pd.DataFrame({"v": pd.Categorical(["north"])})),
    "a view of a text": daft.from_arrow(pa.table({"v": pa.array(["north"], pa.string_view())})),
    "a time32": daft.from_arrow(pa.table({"v": pa.array([dt.time(12, 30)], pa.time32("ms"))})),
    "a decimal32": daft.from_arrow(pa.table({"v": pa.array([Decimal("1.50")], pa.decimal32(5, 2))})),
    "a text": daft.from_arrow(pa.table({"v": pa.array(["north"])})),
}
print(f"Daft {version('daft')}, read by DuckDB {duckdb.__version__} and polars {version('polars')}")
print("Expected: the file has the value that the column had, or write_parquet raises.")
seen = {}
for number, (source, frame) in enumerate(sources.items()):
    frame.write_parquet(f"out{number}")
    (path,) = glob.glob(f"out{number}/*.parquet")
    (duck,), polars = duckdb.sql(f"SELECT v FROM '{path}'").fetchone(), pl.read_parquet(path)["v"].to_list()[0]
    print(f"Seen:     {source}: in DuckDB {duck}, in polars {'the same' if polars == duck else polars}")
    seen[source] = (isinstance(duck, bytes), polars == duck)
assert seen == {source: (source != "a text", True) for source in sources}, seen
PYTHON
venv/bin/python try.py
