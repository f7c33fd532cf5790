"""What a session of Spark does for a request of hindcast, whoever started it and however the request came.

Python 3.8 and PySpark 3.5 are the oldest that this runs on.
"""

import decimal
import os
import re

from hindcast_tables import MARK, MARK_END, Failed, Tables, chosen, finite, fit, quoted, raised, unfiltered


def answer(spark, group, request, unanswered=lambda error: None):
    """Does what a request asks for, as one group of Spark's jobs, and returns its end. Whatever is raised is an end, too; unanswered is
    called with it first, unless it is one of hindcast's own."""
    try:
        spark.sparkContext.setJobGroup(group, request.get("tag", group))
        end = {"ok": getattr(Session(spark, request), request["kind"])()}
    except Failed as failure:
        end = {"failed": failure.fault}
    except Exception as error:  # whatever it is, it is the request's end
        unanswered(error)
        said, unseen = explain(error), None if local(spark) else hidden(error)
        end = {"failed": {"kind": "unseen", "got": unseen, "error": said}} if unseen else {"error": said}
    end["brief"] = request.get("brief")
    return end


def local(spark):
    """Whether this machine does all the work."""
    return spark.sparkContext.master.startswith("local")


def stages(context, group):
    """What Spark's own page would show of a request's stages, as far as they are known: those of later jobs are not. One that
    another job has made already has no tasks."""
    store, tracker = context._jsc.sc().statusStore(), context.statusTracker()
    numbers = set()
    for job in tracker.getJobIdsForGroup(group):
        info = tracker.getJobInfo(job)
        numbers.update(info.stageIds if info else [])
    said = [store.lastStageAttempt(number) for number in sorted(numbers)]
    return [stage for stage in said if stage.status().toString() != "SKIPPED"]


def reached(said):
    """How far stages are: what they have read, written and spilled, of tasks that run as of the last heartbeat."""
    return {
        "stage": sum(stage.status().toString() != "PENDING" for stage in said),
        "tasks": sum(stage.numTasks() for stage in said),
        "tasks_done": sum(stage.numCompleteTasks() for stage in said),
        "rows": sum(stage.inputRecords() for stage in said),
        "bytes": sum(stage.outputBytes() for stage in said),
        "spilled": spilled(said),
    }


def spilled(said):
    """The bytes that stages wrote to disk for lack of memory."""
    return sum(stage.diskBytesSpilled() for stage in said)


class Session(Tables):
    """One request."""

    def bind(self):
        """The columns that the SQL gives over the tables, which are empty, and what the checks' SQL says to them."""
        self.views(False)
        self.select(self.request["sql"])
        frame = self.sql(self.request["sql"])
        names = frame.columns
        if self.request.get("named", self.request["sql"]) != self.request["sql"]:
            names = self.spark.sql(self.request["named"]).columns
        columns = [{"name": name, "type": field.dataType.jsonValue()} for name, field in zip(names, frame.schema.fields)]
        absent = self.plan(frame)
        if len({c["name"].lower() for c in columns}) == len(columns) and not any(unwritable(c["type"]) for c in columns):
            give(self.empty(self.request_schema(columns, frame)))
            for number, check in enumerate(self.request["checks"]):
                if not check.get("sql"):
                    continue
                try:
                    self.select(check["sql"])
                    absent += self.plan(self.sql(check["sql"]))
                except Exception as error:
                    return {"columns": columns, "plan": absent, "check": number, "error": explain(error)}
        return {"columns": columns, "plan": absent}

    def run(self):
        """Writes the slice's rows and checks them."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as F

        request = self.request
        self.views(False)
        frame = self.cast(self.sql(request["sql"]))
        before = self.parts(request["dir"])[1]  # an earlier run of the same request died after it had written them
        seen = Observation()
        measures = [F.expr("count(1)").alias("rows"), F.expr("count_if(%s)" % request["outside"]).alias("outside")]
        if request["null_key"]:
            measures.append(F.expr("count_if((%s) AND NOT (%s))" % (request["null_key"], request["outside"])).alias("null_key"))
        frame = frame.observe(seen, *measures)
        if request.get("drop"):
            frame = frame.where("NOT (%s)" % request["outside"])  # which no optimization moves below what is observed
        frame.write.mode("append").option("compression", "snappy").parquet(request["dir"])
        files = self.written(request["dir"], before)
        rows = sum(f["rows"] for f in files)
        measured = seen.get
        dropped = measured["outside"] if request.get("drop") else 0
        answer = {"files": files, "rows": rows, "outside": dropped, "in": {}}
        if measured["rows"] - dropped != rows:
            shared = local(self.spark) or "://" in request["dir"]
            raise Failed(kind="lost" if shared else "unshared", got=rows, want=measured["rows"] - dropped)
        self.inspect(files, measured)
        for table in request["tables"]:
            if table.get("count"):
                answer["in"][table["name"]] = self.spark.table(quoted(table["name"])).count()
        self.check(rows)
        context = self.spark.sparkContext
        try:
            context._jsc.sc().listenerBus().waitUntilEmpty()
            answer["spilled"] = spilled(stages(context, context.getLocalProperty("spark.jobGroup.id")))
        except Exception:  # a number for people: without it the work is done all the same
            answer["spilled"] = 0
        return answer

    def query(self):
        """The rows of an ad hoc query, as text."""
        self.views(False)
        self.select(self.request["sql"])
        frame = self.sql(self.request["sql"])
        fields = frame.schema.fields
        limit = self.request["limit"]
        if limit:
            frame = frame.limit(limit + 1)
        names = ["c%d" % i for i in range(len(fields))]
        rows = frame.toDF(*names).selectExpr(*[text(n, f.dataType) for n, f in zip(names, fields)]).collect()
        more = bool(limit) and len(rows) > limit
        columns = [{"name": f.name, "type": f.dataType.jsonValue()} for f in fields]
        return {"columns": columns, "values": [list(row) for row in rows[: limit or None]], "more": more}

    def cast(self, frame):
        """Gives the result the columns that the plan has; a value that does not fit is an error."""
        result, want = self.request["result"], self.types(self.request["schema"])
        if len(frame.columns) != len(result):
            raise Failed(kind="columns", got=len(frame.columns), want=len(result))
        names = [c["name"] for c in result]
        if frame.columns != names:
            frame = frame.toDF(*names)
        values, tests = [], []
        for column, field in zip(result, frame.schema.fields):
            name, mark = column["name"], "misfit:%s:%s" % (column["name"], column["type"])
            values.append((name, fit(quoted(name), field.dataType, want[name], mark)))
            value = finite(quoted(name), want[name], mark)
            if column.get("misfit"):
                value = "IF(%s, %s, %s)" % (column["misfit"], raised(mark, want[name]), value)
            tests.append((name, value))
        return chosen(chosen(frame, values), tests)

    @staticmethod
    def request_schema(columns, frame):
        from pyspark.sql.types import StructField, StructType

        return StructType([StructField(c["name"], f.dataType) for c, f in zip(columns, frame.schema.fields)])

    @staticmethod
    def plan(frame):
        """The text of the optimized plan's marks: columns that hindcast made of raise_error, and that something reads."""
        plan = frame._jdf.queryExecution().optimizedPlan().toString()
        marks = []
        at = plan.find(MARK)
        while at >= 0:
            end = plan.find(MARK_END, at)
            marks.append(plan[at + len(MARK) : end])
            at = plan.find(MARK, end)
        if "ScriptTransformation" in frame._jdf.queryExecution().analyzed().toString():
            marks.append("script")
        return sorted(set(marks))

    def parts(self, folder):
        """The part files in a folder, and the file system that has them."""
        conf = self.spark._jsparkSession.sessionState().newHadoopConf()
        path = self.spark.sparkContext._jvm.org.apache.hadoop.fs.Path(folder)
        system = path.getFileSystem(conf)
        found = system.listStatus(path) if system.exists(path) else []
        names = [(status.getPath().getName(), status) for status in found]
        return system, {name: status for name, status in names if name.startswith("part-") and name.endswith(".parquet")}

    def written(self, folder, before):
        """The part files that Spark wrote beside those before, with what their footers say. Files without rows are removed."""
        jvm = self.spark.sparkContext._jvm
        conf = self.spark._jsparkSession.sessionState().newHadoopConf()
        system, now = self.parts(folder)
        files = []
        for name, status in now.items():
            if name in before:
                continue
            reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(
                jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromStatus(status, conf)
            )
            try:
                rows = reader.getRecordCount()
            finally:
                reader.close()
            if rows:
                files.append({"name": name, "rows": rows, "bytes": status.getLen()})
            else:
                system.delete(status.getPath(), False)
        return sorted(files, key=lambda f: f["name"])

    def result(self, files):
        """Makes the view of what was written."""
        request = self.request
        if files:
            paths = [request["dir"].rstrip("/") + "/" + f["name"] for f in files]
            frame = self.source({"files": paths, "schema": request["schema"]})
        else:
            frame = self.empty(request["schema"])
        plain = [unfiltered(quoted(f.name)) + " AS " + quoted(f.name) if f.dataType.typeName() in ("float", "double") else quoted(f.name) for f in frame.schema.fields]
        give(frame.selectExpr(*plain))

    def inspect(self, files, measured):
        """Every row lies in the slice, and the key holds."""
        request = self.request
        if measured["outside"] and not request.get("drop"):
            self.result(files)
            raise Failed(kind="outside", count=measured["outside"], rows=self.sample("SELECT * FROM result WHERE " + request["outside"]))
        if measured.get("null_key"):
            self.result(files)
            raise Failed(kind="null_key", count=measured["null_key"], rows=self.sample("SELECT * FROM result WHERE " + request["null_key"]))
        if request["checks"] or request["keys"]:
            self.result(files)
        if request["keys"] and files:
            twice = "SELECT {0}, count(*) AS `rows` FROM result GROUP BY {0} HAVING count(*) > 1".format(request["keys"])
            count = self.spark.sql("SELECT count(*) FROM (%s)" % twice).first()[0]
            if count:
                raise Failed(kind="key_twice", count=count, rows=self.sample(twice))

    def check(self, rows):
        checks = self.request["checks"]
        if any(t["own"] != t["window"] for t in self.request["tables"]) and any(c.get("sql") for c in checks):
            self.views(True)
        for number, check in enumerate(checks):
            try:
                self.hold(number, check, rows)
            except Failed:
                raise
            except Exception as error:
                raise Failed(kind="check_error", check=number, error=explain(error)) from error

    def hold(self, number, check, rows):
        if check["kind"] == "rows":
            low, high = check.get("min"), check.get("max")
            if low is not None and rows < low and not self.facts_empty() or high is not None and rows > high:
                raise Failed(kind="check_rows", check=number, count=rows)
        elif check["kind"] == "total":
            got, want, equal = self.sql(check["sql"]).first()
            if not close(got, want, check["within"], equal):
                raise Failed(kind="check_total", check=number, got=got, want=want)
        elif self.sql("SELECT 1 FROM (%s\n) LIMIT 1" % check["sql"]).first():
            count = self.sql("SELECT count(*) FROM (%s\n)" % check["sql"]).first()[0]
            raise Failed(kind="check_sql", check=number, count=count, rows=self.sample(check["sql"]))

    def facts_empty(self):
        return not any(
            self.spark.sql("SELECT 1 FROM %s LIMIT 1" % quoted(t["name"])).first() for t in self.request["tables"] if t.get("fact")
        )

    def sample(self, sql):
        """A few rows as text, for an error; none if that fails."""
        try:
            frame = self.sql("SELECT * FROM (%s\n) LIMIT 5" % sql)
            fields = frame.schema.fields
            names = ["c%d" % i for i in range(len(fields))]
            rows = frame.toDF(*names).selectExpr(*[text(n, f.dataType) for n, f in zip(names, fields)]).collect()
            return ["  ".join("%s=%s" % (f.name, "NULL" if v is None else v) for f, v in zip(fields, row)) for row in rows]
        except Exception:
            return []


def give(result):
    """Makes the views of the result: as it is, and with whole numbers as DECIMALs, whose sums are exact."""
    whole = ("byte", "short", "integer", "long")
    wide = ["CAST({0} AS decimal(20,0)) AS {0}".format(quoted(f.name)) if f.dataType.typeName() in whole else quoted(f.name) for f in result.schema.fields]
    result.createOrReplaceTempView("result")
    result.selectExpr(*wide).createOrReplaceTempView(quoted("sums of the result"))


def close(got, want, within, otherwise):
    """Whether two totals differ by so much at most. Spark's difference of DECIMALs of 38 digits would round the last ones."""
    if got is None or want is None:
        return got is want
    try:
        with decimal.localcontext(decimal.Context(prec=200)):
            return abs(decimal.Decimal(got) - decimal.Decimal(want)) <= decimal.Decimal(within)
    except decimal.InvalidOperation:  # NaN, or no numbers
        return otherwise


def text(name, kind):
    """An expression that renders a column as text."""
    if kind.typeName() == "binary":
        return "concat('0x', hex(%s)) AS %s" % (name, name)
    if kind.typeName() == "timestamp":
        return "concat(CAST({0} AS STRING), date_format({0}, 'xxx')) AS {0}".format(name)
    return "CAST(%s AS STRING) AS %s" % (name, name)


def unwritable(kind):
    """Whether a type's JSON is one that only hindcast refuses."""
    return isinstance(kind, str) and (kind in ("void", "null") or kind.startswith("interval"))


def explain(error):
    """What an error says: its class, its first lines and its place, from whichever exception of the chain has them."""
    said = {"type": type(error).__name__, "message": str(error), "classes": [], "chain": []}
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    depth = 0
    while java is not None and depth < 20:
        depth += 1
        try:
            name = java.getClass().getName()
            said["chain"].append({"type": name, "message": (java.getMessage() or "")[:4000]})
            place(java, name, said)
            java = java.getCause()
        except Exception:
            break
    if not said["chain"]:
        for method in ("getCondition", "getErrorClass"):
            if hasattr(error, method):
                try:
                    said["classes"].append(getattr(error, method)())
                    break
                except Exception:
                    pass
    return said


def hidden(error):
    """The file, or folder, of this machine that another machine did not find, according to an error; None if it is another one."""
    found = re.search(r"(?:File |Mkdirs failed to create )file:(/.+?)(?: does not exist| \(exists=|[\n\r]|$)", str(error))
    if found and ("Mkdirs" in found.group(0) or os.path.exists(found.group(1))):
        return found.group(1)
    return None


def place(java, name, said):
    """Takes the class of the error, and its place in the SQL, from a Java exception that has them."""
    for method in ("getCondition", "getErrorClass"):
        try:
            kind = getattr(java, method)()
        except Exception:
            continue
        if kind:
            said["classes"].append(kind)
        break
    if "offset" not in said:
        try:
            contexts = list(java.getQueryContext())
            if contexts and contexts[0].startIndex() >= 0:
                said["offset"], said["length"] = contexts[0].startIndex(), contexts[0].stopIndex() + 1 - contexts[0].startIndex()
                said["object"] = contexts[0].objectName()
        except Exception:
            pass
    if "line" not in said and name.endswith(("ParseException", "AnalysisException", "ExtendedAnalysisException")):
        try:
            if name.endswith("ParseException"):
                said["line"], said["column"] = java.start().line().get(), java.start().startPosition().get()
            elif java.line().isDefined():
                said["line"], said["column"] = java.line().get(), java.startPosition().get()
        except Exception:
            pass
