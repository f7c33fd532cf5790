#!/usr/bin/env bash
# CAST(amount AS INT) = 1 is in DataFusion amount = 1.00 where the column is a decimal: 1.40 becomes 1 and is not equal to it. The same
# of a DOUBLE is right. Python's deltalake deletes by such conditions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datafusion==55.0.0 deltalake==1.6.6 pyarrow==26.0.1

cat >try.py <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version

import datafusion
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

amounts = [Decimal(text) for text in ("0.40", "1.00", "1.40", "2.10")]
data = pa.table({"exact": pa.array(amounts, pa.decimal128(9, 2)), "floating": [float(amount) for amount in amounts]})
context = datafusion.SessionContext()
context.from_arrow(data, name="t")


def ask(query):
    return [list(row.values()) for row in context.sql(query).to_pylist()]


columns = ask("SELECT exact, CAST(exact AS INT) AS whole, CAST(exact AS INT) = 1 AS one, CAST(floating AS INT) = 1 AS floating_one FROM t")
(counts,) = ask("SELECT sum(CASE WHEN CAST(exact AS INT) = 1 THEN 1 ELSE 0 END) AS e, sum(CASE WHEN CAST(floating AS INT) = 1 THEN 1 ELSE 0 END) AS f FROM t")
named = ask("WITH whole AS (SELECT exact, CAST(exact AS INT) AS n FROM t) SELECT exact, n FROM whole WHERE n = 1")
above = ask("SELECT exact FROM t WHERE CAST(exact AS INT) > 1")
write_deltalake("delta", data)
deleted = DeltaTable("delta").delete("CAST(exact AS INT) = 1")["num_deleted_rows"]

print(f"datafusion {version('datafusion')}, deltalake {version('deltalake')}")
print("Expected: 1.00 and 1.40 become the integer 1, so both are equal to it, and neither is above it.")
for exact, whole, equal, floating in columns:
    print(f"Seen:     {exact} as an integer is {whole}; that it is 1 is {equal}, and {floating} where the column is a DOUBLE")
print(f"          WHERE n = 1 finds {[str(e) for e, _ in named]}, above 1 are {[str(e) for e, in above]}; deltalake deletes {deleted} of the two")
assert [row[1:] for row in columns] == [[0, False, False], [1, True, True], [1, False, True], [2, False, False]], columns
assert counts == [1, 2] and named == [[Decimal("1.00"), 1]] and above == [[Decimal("1.40")], [Decimal("2.10")]], (counts, named, above)
assert deleted == 1, deleted
PYTHON
venv/bin/python try.py
