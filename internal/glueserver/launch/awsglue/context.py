"""GlueContext over a session of Spark."""

import logging

from pyspark.sql import SparkSession, SQLContext

from . import NotHere


class GlueContext:
    """What it has of Spark's SQLContext is the session's. Of Glue's own it has get_logger."""

    def __init__(self, spark_context=None, **_options):
        self.spark_session = SparkSession.builder.getOrCreate()
        self._sc = spark_context or self.spark_session.sparkContext

    def get_logger(self):
        logger = logging.getLogger("awsglue")
        if not logger.handlers:
            logger.addHandler(logging.StreamHandler())
            logger.setLevel(logging.INFO)
        for name, method in (("warn", logger.warning), ("trace", logger.debug)):
            if not hasattr(logger, name):
                setattr(logger, name, method)
        return logger

    def __getattr__(self, name):
        if not name.startswith("_") and hasattr(SQLContext, name) and hasattr(self.spark_session, name):
            return getattr(self.spark_session, name)
        raise NotHere("GlueContext." + name)
