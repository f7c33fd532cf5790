#!/usr/bin/env bash
# A decimal that is cast as a double becomes the nearest double there is. Where its digits, without the point, are beyond 2^53, DuckDB adds up the
# double of what stands before the point and that of what stands behind it: the number is rounded twice, and may become the double next to the nearest.
# Through its text the same value becomes the nearest, as PostgreSQL and Python have it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.6

cat >try.py <<'PYTHON'
from decimal import Decimal

import duckdb

values = [Decimal("9007199254740993.5"), Decimal("9007199254740990.5"), Decimal("18014398509481986.25")]
seen = []
for value in values:
    cast, through_text = duckdb.execute(f"SELECT v::DOUBLE, v::VARCHAR::DOUBLE FROM (SELECT '{value}'::DECIMAL(20,2) AS v)").fetchone()
    seen.append((value, int(cast), int(through_text), int(float(value))))

print(f"duckdb {duckdb.__version__}")
print("Expected: the double of a decimal is the same through its text, and that of Python.")
for value, cast, through_text, python in seen:
    print(f"Seen:     {value}: cast {cast}, through its text {through_text}, in Python {python}")
assert all(text == python for _, _, text, python in seen), seen
assert [cast == python for _, cast, _, python in seen] == [False, True, False], seen
PYTHON
venv/bin/python try.py
