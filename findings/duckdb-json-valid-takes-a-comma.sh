#!/usr/bin/env bash
# json_valid says of texts that are not JSON that they are: with a comma behind the last item, or with NaN and Infinity, which RFC 8259 does not
# have. The cast to JSON takes them as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==1.5.5

cat >try.py <<'PYTHON'
import json

import duckdb

texts = ["[1, 2,]", '{"a": 1,}', "NaN", "[-Infinity]", "[1 2]", "// one\n1"]
seen = {text: duckdb.execute("SELECT json_valid(?), TRY_CAST(? AS JSON) IS NOT NULL", [text, text]).fetchone() for text in texts}


def refuse(constant):
    raise ValueError(constant)


def valid(text):
    try:
        json.loads(text, parse_constant=refuse)
        return True
    except ValueError:
        return False


assert not any(valid(text) for text in texts)
print(f"DuckDB {duckdb.__version__}")
print("Expected: false for all of these, since none is JSON.")
for text, (is_valid, cast) in seen.items():
    print(f"Seen:     {text!r}: json_valid {is_valid}, cast to JSON {cast}")
assert [is_valid for is_valid, _ in seen.values()] == [True, True, True, True, False, False], seen
assert all(is_valid == cast for is_valid, cast in seen.values()), seen
PYTHON
venv/bin/python try.py
