"""warm.py FOLDER: does a little of everything that tests do on Spark, for venv, which archives the classes that this loads."""

import sys

from pyspark.sql import SparkSession

folder = sys.argv[1]
spark = SparkSession.builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2").config("spark.sql.ansi.enabled", "true").getOrCreate()
spark.sql("SELECT id, id % 7 AS k, CAST(id AS DECIMAL(18, 2)) AS d, CAST(id AS STRING) AS s, DATE '2020-01-01' AS day, 1.5D AS x, "
          "TIMESTAMP '2020-01-01' AS t FROM range(100)").write.parquet(folder + "/facts")
facts = spark.read.schema("id BIGINT, k BIGINT, d DECIMAL(18, 2), s STRING, day DATE, x DOUBLE, t TIMESTAMP").parquet(folder + "/facts")
facts.createOrReplaceTempView("facts")
result = spark.sql("SELECT date_trunc('month', f.t) AS m, f.k, upper(f.s) AS s, sum(f.d) AS d, count(*) AS n, count(DISTINCT f.x) AS x, max(f.day) AS day, "
                   "row_number() OVER (PARTITION BY f.k ORDER BY sum(f.d)) AS r FROM facts f JOIN facts g ON f.id = g.k WHERE f.x > 0 GROUP BY ALL ORDER BY 1, 2")
result.write.option("compression", "zstd").parquet(folder + "/result")
spark.read.parquet(folder + "/result").agg({"n": "sum"}).collect()
spark.stop()
