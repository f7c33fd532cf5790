#!/usr/bin/env bash
# SQLMesh's table_diff makes DuckDB's decimals doubles before it compares them: accounts of 16 digits that differ by one, and amounts that
# differ by a cent, are a full match, whatever is asked for with decimals. The same accounts as BIGINT differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sqlmesh==0.236.4 duckdb==1.5.6

cat >try.py <<'PYTHON'
import logging
from importlib.metadata import version

import duckdb
from sqlmesh import Context
from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

logging.disable(logging.CRITICAL)
with duckdb.connect("bank.db") as db:
    for table, account, amount in (("old", "9007199254740992", "90071992547409.93"), ("new", "9007199254740993", "90071992547409.94")):
        db.execute(f"CREATE TABLE {table} AS SELECT 1 AS id, {account}::DECIMAL(16, 0) AS account, {account}::BIGINT AS whole, {amount}::DECIMAL(18, 2) AS amount")
    differ = db.execute("SELECT old.account <> new.account, old.whole <> new.whole, old.amount <> new.amount FROM old JOIN new USING (id)").fetchone()

connection = DuckDBConnectionConfig(database="bank.db")
config = Config(gateways={"bank": GatewayConfig(connection=connection)}, default_gateway="bank", model_defaults=ModelDefaultsConfig(dialect="duckdb"))
context = Context(paths=["."], config=config)


def compare(columns, decimals):
    (diff,) = context.table_diff(source="old", target="new", on=["id"], skip_columns=[c for c in ("account", "whole", "amount") if c not in columns], decimals=decimals, show=False)
    rows = diff.row_diff()
    return {name: stats["pct_match"] for name, stats in rows.column_stats.to_dict("index").items()}, rows.full_match_count


print(f"sqlmesh {version('sqlmesh')}, duckdb {version('duckdb')}: a row of (account, whole, amount) whose columns all differ in DuckDB: {differ}")
print("Expected: no full match, and 0 % of each column.")
seen = []
for columns, decimals in ((("account", "amount"), 3), (("account", "amount"), 9), (("account", "whole", "amount"), 3)):
    seen.append(compare(columns, decimals))
    print(f"Seen:     decimals={decimals}: {seen[-1][0]} % equal, full matches: {seen[-1][1]} of 1")
equal = {"account": 100.0, "amount": 100.0}
assert differ == (True, True, True) and seen == [(equal, 1), (equal, 1), ({"account": 100.0, "whole": 0.0, "amount": 100.0}, 0)], (differ, seen)
PYTHON
venv/bin/python try.py
