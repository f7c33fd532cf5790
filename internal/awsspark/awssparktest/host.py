"""Runs PySpark scripts in one session, as orders on standard input say; file 3 gets how each ended."""

import contextlib
import json
import os
import runpy
import sys
import traceback

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
answers = os.fdopen(3, "w")


def run(order):
    sys.argv = order["args"]
    with open(order["output"], "w", encoding="utf-8") as out, open(order["error"], "w", encoding="utf-8") as err:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                runpy.run_path(sys.argv[0], run_name="__main__")
            except SystemExit as leaving:
                if leaving.code not in (None, 0):
                    print(leaving.code, file=err)
                    return {"Failed": True, "Message": "SystemExit: %s" % leaving.code}
            except BaseException:
                traceback.print_exc(file=err)
                return {"Failed": True, "Message": traceback.format_exc().strip().splitlines()[-1]}
    return {"Failed": False, "Message": ""}


def alive():
    """Whether the JVM lives. It may have died of a script that ran out of memory."""
    try:
        return spark.sparkContext._jvm.java.lang.System.nanoTime() > 0
    except Exception:
        return False


for line in sys.stdin:
    ended = run(json.loads(line))
    if not alive():
        sys.exit("the JVM died")
    answers.write(json.dumps(ended) + "\n")
    answers.flush()
