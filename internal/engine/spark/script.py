import datetime
import logging
import os
import re
import zoneinfo


def expand(text):
    """Puts the value of an environment variable or a file in the place of ${VAR} and ${file:PATH}, as in the pipeline file."""

    def value(found):
        if found[1].startswith("file:"):
            with open(os.path.join(PIPELINE_FOLDER, found[1][len("file:") :]), encoding="utf-8") as file:
                return file.read().rstrip("\r\n")
        return os.environ[found[1]]

    return re.sub(r"\$\{([^}]*)\}", value, text)


def connect(master, settings, packages):
    """Starts Spark on this machine, unless it runs in this kernel."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("hindcast notebook")
    if packages:
        builder = builder.config("spark.jars.packages", ",".join(packages))
    for key, value in settings.items():
        builder = builder.config(key, value)
    started = builder.getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # errors of SQL are shown once
    return started


FAILED = {
    "not_select": "the SQL must be a SELECT",
    "clock": "CAST('today' AS DATE) and the like give the time of Spark's machine: write current_date() or now()",
}


def fetch(text, limit):
    """The names of a query's columns, and its first rows. Instants are shown in the pipeline's time zone."""
    try:
        tables.select(text)
        frame = tables.sql(text)
    except Failed as failure:
        raise ValueError(FAILED.get(failure.fault["kind"], str(failure))) from None
    zone = zoneinfo.ZoneInfo(spark.conf.get("spark.sql.session.timeZone"))
    instants = [field.dataType.typeName() == "timestamp" for field in frame.schema.fields]
    rows = [
        tuple(value.astimezone(zone) if instant and isinstance(value, datetime.datetime) else value for value, instant in zip(row, instants))
        for row in frame.limit(limit).collect()
    ]
    return frame.columns, rows
