#!/usr/bin/env bash
# ->> of a number in a JSON document does not give the number as it is written there: a price loses its last zero, and 1e5 becomes 100000.0. Of a
# key that is there twice it gives the first value, where PostgreSQL's ->> and Python give the last.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import json

import duckdb

documents = ['{"a": 1.10}', '{"a": 1e5}', '{"a": -0}', '{"a": 1, "a": 2}']
seen = {d: duckdb.execute("SELECT CAST(? AS JSON) ->> 'a'", [d]).fetchone()[0] for d in documents}

print(f"DuckDB {duckdb.__version__}")
print("Expected: the text that stands there, 1.10, 1e5 and -0, and of two values of a key the last one.")
for d, text in seen.items():
    print(f"Seen:     {d} ->> 'a': {text}")
assert json.loads(documents[-1])["a"] == 2
assert list(seen.values()) == ["1.1", "100000.0", "0", "1"], seen
PYTHON
venv/bin/python try.py
