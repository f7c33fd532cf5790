#!/usr/bin/env bash
# A DuckDB file written with ATTACH … (ROW_GROUP_SIZE n) does not remember n. The next program that writes one row into it, without
# the option, rewrites every table at its checkpoint although none has changed, and the file is nearly twice as large from then on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >try.py <<'PYTHON'
import os

import duckdb


def sizes(option):
    path = "warehouse%s.duckdb" % option
    with duckdb.connect() as writer:
        writer.execute("ATTACH '%s' AS w%s" % (path, " (ROW_GROUP_SIZE %d)" % option if option else ""))
        writer.execute("CREATE TABLE w.history AS SELECT i, hash(i) AS h, hash(i + 1)::VARCHAR AS s FROM range(3_000_000) r(i)")
        writer.execute("CHECKPOINT w")
        writer.execute("DETACH w")
    before = os.path.getsize(path)

    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE note AS SELECT 1 AS n")
        other.execute("CHECKPOINT")
        rewritten = other.execute("SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('history')").fetchone()[0]
    return before, os.path.getsize(path), rewritten


print("DuckDB", duckdb.__version__)
print("Expected: a checkpoint after one new row writes about that row, whatever the row groups of other tables are.")
usual, small = sizes(0), sizes(51200)
print("Seen:     usual row groups:   %d bytes, then %d (%d row groups)" % usual)
print("Seen:     ROW_GROUP_SIZE 51200: %d bytes, then %d (%d row groups, where %d were written)" % (*small, -(-3_000_000 // 51200)))
assert usual[1] <= usual[0] * 1.01, usual
assert small[1] >= small[0] * 1.5, small
assert small[2] < 3_000_000 // 51200, small
PYTHON

for version in 1.5.6 2.0.1; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet "duckdb==$version"
  "venv-$version/bin/python" try.py
  rm -f ./*.duckdb
done
