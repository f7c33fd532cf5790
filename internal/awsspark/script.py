"""hindcast's script for AWS Glue and EMR Serverless: one run does what one request asks for.

Arguments, beside the service's own:
  --hindcast_request URL  the request, JSON in the lake's bucket
  --hindcast_tag TAG      what the run is found again by
While it works it says in the object _hindcast_progress.json of the result's folder how far it is.
The request names the object that its end is written to, last of all: a run without it has not ended well, whatever the service says of it. A
run of a request that has an end already does nothing: the service itself started it again.
"""

import json
import sys
import threading
import time

from hindcast_session import answer, reached, stages

PROGRESS = 5  # seconds between two reports; more after a while
SHARE = 50  # of the time so far is between two: each is a small object that is written again


def argument(name):
    """The value of an argument, which stands behind its name or an equals sign."""
    for at, word in enumerate(sys.argv):
        if word == "--" + name:
            return sys.argv[at + 1]
        if word.startswith("--" + name + "="):
            return word.partition("=")[2]
    sys.exit("hindcast: there is no argument --" + name)


class Objects:
    """The bucket's objects, by the file systems that Spark has."""

    def __init__(self, spark):
        self.paths = spark.sparkContext._jvm.org.apache.hadoop.fs.Path
        self.conf = spark._jsparkSession.sessionState().newHadoopConf()

    def at(self, url):
        path = self.paths(url)
        return path.getFileSystem(self.conf), path

    def read(self, url):
        """The JSON of an object; None if there is no such object."""
        system, path = self.at(url)
        if not system.exists(path):
            return None
        stream = system.open(path)
        try:
            return json.loads(bytes(stream.readAllBytes()).decode("utf-8"))
        finally:
            stream.close()

    def write(self, url, value):
        """Writes JSON: the object is there whole, once it is closed, or not at all."""
        system, path = self.at(url)
        stream = system.create(path, True)
        stream.write(bytearray(json.dumps(value), "utf-8"))
        stream.close()


class Reports:
    """Says now and then how far a group of Spark's jobs is, until it is closed."""

    def __init__(self, spark, objects, group, url):
        self.context, self.objects, self.group, self.url = spark.sparkContext, objects, group, url
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.report, daemon=True)
        self.thread.start()

    def report(self):
        began, said = time.monotonic(), None
        while not self.over.wait(max(PROGRESS, (time.monotonic() - began) / SHARE)):
            try:
                now = reached(stages(self.context, self.group))
                if now != said and now["tasks"]:
                    self.objects.write(self.url, now)
                    said = now
            except Exception:  # a report that fails is followed by another
                pass

    def close(self):
        self.over.set()
        self.thread.join(PROGRESS)


def main():
    from pyspark.sql import SparkSession

    url, tag = argument("hindcast_request"), argument("hindcast_tag")
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    objects = Objects(spark)
    request = objects.read(url)
    if request is None:
        sys.exit("hindcast: the request is not there any more: " + url)
    end = objects.read(request["end"])
    if end is None:
        reports = Reports(spark, objects, tag, request["dir"].rstrip("/") + "/_hindcast_progress.json")
        end = answer(spark, tag, request)
        reports.close()
        first = objects.read(request["end"])  # of another run of the same request: the service may have started two
        if first is None:
            objects.write(request["end"], end)
        end = first or end
    if "ok" not in end:
        sys.exit("hindcast: the slice failed: " + (end.get("error") or {}).get("type", end.get("failed", {}).get("kind", "")))


if __name__ == "__main__":
    main()
