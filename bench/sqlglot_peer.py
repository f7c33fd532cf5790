"""sqlglot_peer.py ROUNDS: reads {"dialect": …, "texts": [...]} and prints as JSON the seconds of the processor that sqlglot, compiled, takes for all
texts in each round, its output for DuckDB thrown away, and which texts it cannot read."""

import json
import logging
import sys
import time

import sqlglot

logging.disable(logging.CRITICAL)
asked = json.load(sys.stdin)
seconds, unread = [], set()
for _ in range(int(sys.argv[1])):
    began = time.process_time()
    for n, text in enumerate(asked["texts"]):
        try:
            sqlglot.transpile(text, read=asked["dialect"], write="duckdb")
        except sqlglot.errors.SqlglotError:
            unread.add(n)
    seconds.append(time.process_time() - began)
compiled = sys.modules["sqlglot.parser"].__file__.endswith((".so", ".pyd"))
print(json.dumps({"version": sqlglot.__version__, "compiled": compiled, "unread": sorted(unread), "seconds": seconds}))
