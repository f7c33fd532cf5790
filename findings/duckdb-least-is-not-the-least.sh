#!/usr/bin/env bash
# LEAST(cap, sum(amount)) is in DuckDB greater than cap, and COALESCE(rate, sum(amount)) is not rate: sum gives a DECIMAL(38, 2), beside
# which other decimals are rounded to two digits. Comparisons and additions of the same two columns keep all digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet --disable-pip-version-check "duckdb==$version"
done

cat >try.py <<'PYTHON'
from decimal import Decimal

import duckdb

db = duckdb.connect()
db.execute("CREATE TABLE orders AS SELECT 100.00::DECIMAL(9, 2) AS amount, 99.996::DECIMAL(9, 3) AS cap")
db.execute("CREATE VIEW totals AS SELECT sum(amount) AS total, any_value(cap) AS cap FROM orders")


def ask(columns):
    return db.execute(f"SELECT {columns} FROM totals").fetchone()


single = db.execute("SELECT LEAST(cap, amount) FROM orders").fetchone()[0]
least, above, chosen, case = ask("LEAST(cap, total), LEAST(cap, total) > cap, COALESCE(cap, total), CASE WHEN cap < total THEN cap ELSE total END")
less, added = ask("cap < total, cap + total")

print(f"DuckDB {duckdb.__version__}: an amount of 100.00 as DECIMAL(9, 2) and a cap of 99.996 as DECIMAL(9, 3)")
print(f"Expected: 99.996 from all that choose it, as from LEAST(cap, amount): {single}")
print(f"Seen:     LEAST(cap, sum(amount)) is {least}, and that it is above cap is {above}; COALESCE {chosen}, CASE {case}")
print(f"          that cap is less than the sum is {less}, and both together are {added}")
assert (least, above, chosen, case) == (Decimal("100.00"), True, Decimal("100.00"), Decimal("100.00")), (least, above, chosen, case)
assert (single, less, added) == (Decimal("99.996"), True, Decimal("199.996")), (single, less, added)
PYTHON
venv-1.5.6/bin/python try.py
venv-2.0.1/bin/python try.py
