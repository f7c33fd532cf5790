"""iceberg.py ROOT METADATA [--snapshot ID] [--filter CONDITION] [--glue TABLE]: reads an Iceberg table by pyiceberg and by DuckDB's extension, neither of
which is ours, and prints as JSON what each sees: the rows as text, in DuckDB's spelling, and what the table says of itself. DuckDB finds
the current version by itself, as Hadoop's tables have it; an older snapshot it takes from the metadata."""

import argparse
import json
import os

import duckdb
from duckdb_extensions import import_extension
from pyiceberg.table import StaticTable

for name in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
    del os.environ[name]  # botocore looks for a profile that has no name

parser = argparse.ArgumentParser()
parser.add_argument("root")
parser.add_argument("metadata")
parser.add_argument("--snapshot", type=int)
parser.add_argument("--filter", default="")
parser.add_argument("--glue", metavar="TABLE", help="database.table of the Data Catalog, by which pyiceberg finds the table")
args = parser.parse_args()

remote = args.metadata.startswith("s3://")
properties = {}
con = duckdb.connect(config={"extension_directory": os.environ["EXTENSIONS"]})
for name in ["avro", "httpfs", "iceberg"] if remote else ["avro", "iceberg"]:
    import_extension(name, con=con)
    con.sql(f"LOAD {name}")
con.sql("SET TimeZone = 'UTC'")
if remote:
    endpoint, key, secret = (os.environ[name] for name in ("ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    properties = {"s3.endpoint": endpoint, "s3.access-key-id": key, "s3.secret-access-key": secret, "s3.region": "us-east-1"}
    con.sql(f"CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', REGION 'us-east-1', "
            f"ENDPOINT '{endpoint.split('://')[1]}', USE_SSL false, URL_STYLE 'path')")


def rows(relation):
    columns = ", ".join(f'CAST("{c}" AS VARCHAR)' for c in con.sql(f"SELECT * FROM {relation} LIMIT 0").columns)
    where = f" WHERE {args.filter}" if args.filter else ""
    return con.sql(f"SELECT {columns} FROM {relation}{where}").fetchall()


if args.glue:
    from pyiceberg.catalog.glue import GlueCatalog

    properties |= {"glue.endpoint": os.environ["GLUE"], "glue.region": "eu-central-1", "glue.access-key-id": "key", "glue.secret-access-key": "secret"}
    table = GlueCatalog("glue", **properties).load_table(args.glue)
else:
    table = StaticTable.from_metadata(args.metadata, properties)
scan = table.scan(snapshot_id=args.snapshot, **({"row_filter": args.filter} if args.filter else {}))
seen = scan.to_arrow()
at = f"'{args.metadata}', snapshot_from_id = {args.snapshot}" if args.snapshot else f"'{args.root}'"
print(json.dumps({
    "pyiceberg": rows("seen"),
    "duckdb": rows(f"iceberg_scan({at})"),
    "files": len(list(scan.plan_files())),
    "types": [f"{f.name} {f.field_type}" for f in table.schema().fields],
    "snapshots": [s.snapshot_id for s in table.metadata.snapshots],
    "summaries": [{"operation": s.summary.operation.value, **s.summary.additional_properties} for s in table.metadata.snapshots],
}))
