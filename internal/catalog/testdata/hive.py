"""hive.py FOLDER: runs the statements of FOLDER/statements.json in Spark's Hive, and writes each table that they made as Parquet."""

import json
import sys

from pyspark.sql import SparkSession

folder = sys.argv[1]
spark = (SparkSession.builder.master("local[2]").enableHiveSupport()
         .config("spark.ui.enabled", "false")
         .config("spark.sql.warehouse.dir", folder + "/warehouse")
         .config("spark.hadoop.javax.jdo.option.ConnectionURL", "jdbc:derby:;databaseName=" + folder + "/metastore;create=true")
         .config("spark.sql.shuffle.partitions", "2")
         .config("spark.sql.ansi.enabled", "true")
         .config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.timestampType", "TIMESTAMP_LTZ")  # under TIMESTAMP_NTZ no Hive table with a timestamp can be made
         .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
         .config("spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED")
         .config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")

work = json.load(open(folder + "/statements.json"))
for statement in work["statements"]:
    spark.sql(statement)

found = {}
for table in work["tables"]:
    name = "`%s`.`%s`" % (work["database"], table)
    spark.table(name).coalesce(1).write.parquet(folder + "/read/" + table)
    found[table] = {
        "types": [[f.name, f.dataType.simpleString()] for f in spark.table(name).schema.fields],
        "described": [[r.col_name, r.data_type, r.comment] for r in spark.sql("DESCRIBE " + name).collect()],
    }
for query, text in work["queries"].items():
    found[query] = [list(r) for r in spark.sql(text).collect()]
json.dump(found, open(folder + "/found.json", "w"), default=str)
spark.stop()
