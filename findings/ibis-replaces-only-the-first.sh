#!/usr/bin/env bash
# The same Ibis expression gives other data on polars than on DuckDB and SQLite: replace() takes the first occurrence only, nunique() counts
# NULL as a value, a text that is NULL is searched without success instead of giving NULL, and decimals are divided to two digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'ibis-framework[duckdb,polars,sqlite]==12.0.0' sqlglot==28.10.1 duckdb==1.5.6 polars==2.1.0 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version

import duckdb
import ibis
import pyarrow as pa

calls = pa.table({"id": [1, 2, 3], "phone": ["030-12-34", None, "5678"], "region": ["north", None, "south"]})
prices = pa.table({"price": [Decimal("1.00")]})
engines = {"DuckDB": ibis.duckdb.connect(), "SQLite": ibis.sqlite.connect(), "polars": ibis.polars.connect()}
expressions = {
    'phone.replace("-", "")': lambda t: t.order_by("id").select(x=t.phone.replace("-", "")),
    'phone.find("-")': lambda t: t.order_by("id").select(x=t.phone.find("-")),
    "region.nunique()": lambda t: t.aggregate(x=t.region.nunique()),
}
seen = {}
for engine, connection in engines.items():
    table = connection.create_table("calls", calls)
    seen[engine] = [connection.to_pyarrow(expression(table))["x"].to_pylist() for expression in expressions.values()]
    if engine != "SQLite":  # it has no decimals
        table = connection.create_table("prices", prices)
        seen[engine].append([f"{float(value):.4f}" for value in connection.to_pyarrow(table.select(x=table.price / 3))["x"].to_pylist()])

print(f"Ibis {version('ibis-framework')}, DuckDB {duckdb.__version__}, polars {version('polars')}; phones 030-12-34, NULL and 5678")
print(f"Expected: the same from each: {seen['DuckDB']}")
for number, expression in enumerate([*expressions, "price / 3"]):
    print(f"Seen:     {', '.join(f'{engine} {answers[number]}' for engine, answers in seen.items() if number < len(answers))}: {expression}")
right = [["0301234", None, "5678"], [3, None, -1], [2], ["0.3333"]]
assert seen == {"DuckDB": right, "SQLite": right[:3], "polars": [["03012-34", None, "5678"], [3, -1, -1], [3], ["0.3300"]]}, seen
PYTHON
venv/bin/python try.py
