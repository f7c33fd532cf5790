"""sqlglot_peer.py ROUNDS: reads {"dialect": …, "texts": [...]} and prints as JSON the seconds that sqlglot, compiled, takes for each text in each
round, its output for DuckDB thrown away; null for a text that it cannot read."""

import json
import logging
import sys
import time

import sqlglot

logging.disable(logging.CRITICAL)
asked = json.load(sys.stdin)
seconds = []
for _ in range(int(sys.argv[1])):
    one = []
    for text in asked["texts"]:
        began = time.perf_counter()
        try:
            sqlglot.transpile(text, read=asked["dialect"], write="duckdb")
            one.append(time.perf_counter() - began)
        except sqlglot.errors.SqlglotError:
            one.append(None)
    seconds.append(one)
compiled = sys.modules["sqlglot.parser"].__file__.endswith((".so", ".pyd"))
print(json.dumps({"version": sqlglot.__version__, "compiled": compiled, "seconds": seconds}))
