"""What hindcast is compared with in PostgreSQL: one way of moving a table a call, timed inside the process.

A file counts when it is on the disk, as hindcast's does. Prints the seconds. Started by the benchmarks only, with the Python of their environment.
"""

import os
import sys
import time

url, what, table, path = sys.argv[1:]


def sync():
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def extension(read_only):
    """A DuckDB on both cores with its postgres extension, out of the wheel that brings it, and the server attached."""
    import duckdb
    import duckdb_extension_postgres_scanner as wheel

    folder = os.path.join(os.path.dirname(wheel.__file__), "extensions", "v" + duckdb.__version__)
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute(f"LOAD '{folder}/postgres_scanner.duckdb_extension'")
    con.execute("SET threads = 2; SET preserve_insertion_order = false")
    con.execute(f"ATTACH '{url}' AS pg (TYPE postgres{', READ_ONLY' if read_only else ''})")
    return con


if what == "extension-out":
    con = extension(True)
    began = time.perf_counter()
    con.execute(f"COPY (SELECT * FROM pg.public.{table}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
    sync()
elif what == "extension-in":
    con = extension(False)
    began = time.perf_counter()
    con.execute(f"INSERT INTO pg.public.{table} SELECT * FROM read_parquet('{path}')")
elif what == "connectorx-out":
    import connectorx
    import pyarrow.parquet

    began = time.perf_counter()
    rows = connectorx.read_sql(url, f"SELECT * FROM {table}", return_type="arrow", partition_on="account_id", partition_num=2)
    pyarrow.parquet.write_table(rows, path, compression="snappy")
    sync()
else:
    sys.exit(f"{what} is nothing that can be measured")
print(time.perf_counter() - began)
