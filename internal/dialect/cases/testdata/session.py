"""Runs the statements on standard input in one session of Spark, and prints the rows of each, or its error, a line each."""

import json
import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

asked = json.loads(sys.argv[1])
builder = SparkSession.builder.master("local[1]").appName("cases")
for key, value in asked["conf"].items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
for table in asked["tables"]:
    if table["file"]:
        frame = spark.read.schema(table["schema"]).parquet(table["file"])
    else:
        frame = spark.createDataFrame([], table["schema"])
    if asked["memory"]:
        rows = frame._jdf.collectAsList()
        frame = DataFrame(spark._jsparkSession.createDataFrame(rows, frame._jdf.schema()), spark)
    frame.createOrReplaceTempView(table["name"])

for line in sys.stdin:
    query = json.loads(line)
    answer = {}
    try:
        frame = spark.sql(query)
        names = ["c%d" % i for i in range(len(frame.columns))]
        texts = frame.toDF(*names).select(*[F.col(n).cast("string") for n in names])
        answer["rows"] = [list(row) for row in texts.collect()]
    except Exception as error:  # whatever it is, it is the answer
        answer["raised"] = str(error).split(";\n")[0][:2000]  # without the plan, which has the texts of guards in it
    print(json.dumps(answer), flush=True)
