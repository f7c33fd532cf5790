"""tpc.py FOLDER SCALE: makes the data of TPC-H and TPC-DS in FOLDER by DuckDB's extensions, a Parquet file a table, and prints as JSON, of each of
the two, its tables with their columns and its queries in DuckDB's words."""

import json
import os
import sys

import duckdb
from duckdb_extensions import import_extension

folder, scale = sys.argv[1], float(sys.argv[2])
made = {}
for name, generate in [("tpch", "dbgen"), ("tpcds", "dsdgen")]:
    con = duckdb.connect(config={"extension_directory": os.path.join(folder, "extensions")})
    import_extension(name, con=con)
    con.sql(f"LOAD {name}")
    con.sql(f"CALL {generate}(sf = {scale})")
    os.makedirs(os.path.join(folder, name))
    tables = []
    for (table,) in con.sql("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
        file = os.path.join(folder, name, table + ".parquet")
        con.sql(f"COPY {table} TO '{file}'")
        columns = [[column, type] for column, type, *_ in con.sql(f"DESCRIBE {table}").fetchall()]
        tables.append({"name": table, "file": file, "columns": columns})
    queries = [query for _, query in con.sql(f"FROM {name}_queries() ORDER BY 1").fetchall()]
    made[name] = {"tables": tables, "queries": queries}
print(json.dumps(made))
