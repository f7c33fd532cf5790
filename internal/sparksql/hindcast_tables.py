"""The tables that hindcast's SQL sees on Spark, as views. The driver makes them for each request, and a notebook for its slice."""

import json


class Failed(Exception):
    """What hindcast asked to hold and does not: a row outside of the slice, a key, a check."""

    def __init__(self, **fault):
        super().__init__(fault.get("kind"))
        self.fault = fault


class Tables:
    """A request's tables, as views of a session of its own: it inherits no view and no setting of those before it."""

    known = {}  # types that the JVM was asked for: the next request mostly needs the same

    def __init__(self, spark, request):
        self.request = request
        self.spark = spark.newSession()
        for key, value in request["conf"].items():
            self.spark.conf.set(key, value)

    def views(self, own):
        """Gives the SQL its tables: the rows of each that lie in its window, or only its own."""
        for table in self.request["tables"]:
            condition = table["own"] if own else table["window"]
            frame = None
            for source in table["sources"]:
                part = self.columns(table, source, self.source(source), condition)
                frame = part if frame is None else frame.unionAll(part)
            if frame is None:
                frame = self.columns(table, table, self.empty(table["schema"]), condition)
            if condition:
                frame = frame.where(condition)
            if table.get("sample"):
                frame = frame.sample(fraction=table["sample"] / 100)
            if table.get("broadcast"):
                frame = frame.hint("broadcast")
            frame.createOrReplaceTempView(quoted(table["name"]))

    def columns(self, table, source, frame, condition):
        """Makes the table's columns of those that are read."""
        has = {f.name.lower(): f.dataType for f in frame.schema.fields}
        via, want = self.types(source.get("via")), self.types(table["types"])
        civil = source.get("civil", ())
        made = []
        for column in source["columns"]:
            name = column["name"]
            if "value" in column:
                value = column["value"]
            elif column["of"].lower() not in has:
                value = raised("type:%s.%s" % (table["name"], name), want[name])
            else:
                value, kind = quoted(column["of"]), has[column["of"].lower()]
                if not (condition and name == table.get("time")):  # a window has no infinite times
                    value = finite(value, kind, "infinite:%s.%s" % (table["name"], name))
                for to in (via.get(name), want[name]):
                    if to is not None:
                        value, kind = fit(value, kind, to, "inexact:%s.%s" % (table["name"], name), column["of"].lower() in civil), to
                if kind.typeName() in ("float", "double"):
                    value = unfiltered(value)
            made.append((name, value))
        return chosen(frame, made)

    def source(self, source):
        """Files as they are, by an explicit schema: others than hindcast's have columns that Spark refuses, read or not."""
        reader = self.spark.read.option("__globPaths__", "false").option("recursiveFileLookup", "true")
        if source.get("schema") is None:
            source["schema"], source["civil"] = self.footer(source)
        frame = reader.schema(source["schema"]).parquet(*source["files"])
        if len(frame.inputFiles()) != len(source["files"]):
            raise Failed(kind="files", got=len(frame.inputFiles()), want=len(source["files"]))
        return frame

    def footer(self, source):
        """What Spark can read of files that are like the first, and those columns whose times have no zone, though Spark takes
        them for instants: INT96, and times that old writers have annotated with no more than a converted type."""
        from pyspark.sql.types import StructType

        jvm = self.spark.sparkContext._jvm
        state = self.spark._jsparkSession.sessionState()
        packages = jvm.org.apache.parquet
        path = jvm.org.apache.hadoop.fs.Path(source["files"][0])
        conf = state.newHadoopConf()
        system = path.getFileSystem(conf)
        stream, size = system.open(path), system.getFileStatus(path).getLen()
        try:
            stream.seek(size - 8)
            stream.seek(size - 8 - sum(stream.read() << 8 * i for i in range(4)))
            raw = packages.format.Util.readFileMetaData(stream, True)
        finally:
            stream.close()
        elements = iter(raw.getSchema())
        civil = [element.getName().lower() for element in below(elements, next(elements)) if uncertain(elements, element)]

        convert = jvm.org.apache.spark.sql.execution.datasources.parquet.ParquetToSparkSchemaConverter(state.conf())
        reader = packages.hadoop.ParquetFileReader.open(packages.hadoop.util.HadoopInputFile.fromPath(path, conf))
        try:
            fields = reader.getFooter().getFileMetaData().getSchema().getFields()
        finally:
            reader.close()
        schema = StructType([])
        asked = {c["of"].lower() for c in source["columns"] if "of" in c}
        for field in fields:
            if field.getName().lower() not in asked:
                continue
            one = jvm.java.util.ArrayList()
            one.add(field)
            try:
                kind = convert.convert(packages.schema.MessageType("one", one))
            except Exception:  # whoever reads it is told
                continue
            schema.add(StructType.fromJson(json.loads(kind.json())).fields[0])
        return schema, civil

    def types(self, ddl):
        """The types of columns by their names."""
        from pyspark.sql.types import StructType

        if not ddl:
            return {}
        if ddl not in self.known:
            schema = self.spark.sparkContext._jvm.org.apache.spark.sql.types.StructType.fromDDL(ddl)
            if len(self.known) > 100:
                self.known.clear()
            self.known[ddl] = {f.name: f.dataType for f in StructType.fromJson(json.loads(schema.json())).fields}
        return self.known[ddl]

    def sql(self, text):
        """The SQL's rows, where the current time is the run's."""
        frame = self.spark.sql(text)
        plan = frame._jdf.queryExecution().analyzed()
        jvm = self.spark.sparkContext._jvm
        rules = jvm.org.apache.spark.sql.catalyst.optimizer
        for part in [plan] + scala(plan.subqueriesAll()):
            simple = rules.ReplaceExpressions.apply(part)
            if not rules.SpecialDatetimeValues.apply(simple).fastEquals(simple):
                raise Failed(kind="clock")
        if rules.ComputeCurrentTime.apply(plan).fastEquals(plan) or not self.request.get("now"):
            return frame

        frozen = plan.transformAllExpressionsWithSubqueries(self.clock(jvm))
        if not rules.ComputeCurrentTime.apply(frozen).fastEquals(frozen):
            raise Failed(kind="clock")
        datasets = jvm.org.apache.spark.sql
        if self.spark.version >= "4":
            datasets = datasets.classic
        return type(frame)(datasets.Dataset.ofRows(self.spark._jsparkSession, frozen), self.spark)

    def clock(self, jvm):
        """Spark's expressions of the current time, and what they give."""
        expressions, types = jvm.org.apache.spark.sql.catalyst.expressions, jvm.org.apache.spark.sql.types.DataTypes
        name = self.spark.conf.get("spark.sql.session.timeZone")
        zone, now = jvm.scala.Some(name), jvm.java.time.Instant.parse(self.request["now"])
        there = now.atZone(jvm.java.time.ZoneId.of(name)).toLocalDateTime()

        def literal(instant, kind):
            return expressions.Literal(instant.getEpochSecond() * 1000000 + instant.getNano() // 1000, kind)

        gives = jvm.scala.collection.mutable.HashMap()
        for expression in (expressions.CurrentTimestamp(), expressions.Now()):
            gives.put(expression, literal(now, types.TimestampType))
        gives.put(expressions.CurrentDate(zone), expressions.Literal(there.toLocalDate().toEpochDay(), types.DateType))
        gives.put(expressions.LocalTimestamp(zone), literal(there.toInstant(jvm.java.time.ZoneOffset.UTC), types.TimestampNTZType))
        gives.put(expressions.CurrentTimeZone(), expressions.Literal(jvm.org.apache.spark.unsafe.types.UTF8String.fromString(name), types.StringType))
        return gives

    def empty(self, schema):
        """No rows, in a form that Spark's optimizer does not know to be empty: it would forget what the SQL reads."""
        from pyspark.sql.types import StructType

        if isinstance(schema, str):
            schema = self.spark.createDataFrame([], schema).schema if schema else StructType([])
        return self.spark.createDataFrame(self.spark.sparkContext.emptyRDD(), schema)

    def select(self, sql):
        """Refuses what is not a query. A query that cannot be parsed is the parser's error."""
        parser = self.spark._jsparkSession.sessionState().sqlParser()
        try:
            parser.parseQuery(sql)
        except Exception as error:
            try:
                parser.parsePlan(sql)
            except Exception:
                raise error from None
            raise Failed(kind="not_select")


MARK, MARK_END = "hindcast<<", ">>"


REFUSED = "hindcast!!"  # begins what a value is refused with, up to MARK_END


def raised(mark, kind):
    """An expression of a type that is an error of ours where it is evaluated."""
    failing = "raise_error(%s)" % spelled(REFUSED + mark + MARK_END)
    return "CAST(%s AS %s)" % (failing, kind.simpleString()) if simple(kind) else failing


def simple(kind):
    return kind.typeName() not in ("array", "map", "struct")


def spelled(text):
    """A text as a literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def chosen(frame, columns):
    """A frame's columns by pairs of a name and an expression. A frame that has just these is taken as it is: a projection costs Spark
    milliseconds, whatever it does."""
    if all(value == quoted(name) for name, value in columns) and frame.columns == [name for name, _ in columns]:
        return frame
    return frame.selectExpr(*["%s AS %s" % (value, quoted(name)) for name, value in columns])


def unfiltered(value):
    """A float or double as it is, in a form that Spark does not hand down to Parquet's readers: there 0 is not -0, and statistics of
    other writers do not count NaN, so that rows would be missing."""
    return "nanvl({0}, {0})".format(value)


def fit(value, has, want, mark, civil=False, depth=0):
    """An expression of a type as another type. Fields of structs are found by their names, where Spark's CAST takes them in order.
    What the other type does not hold is an error; where civil, instants are times of UTC without a zone."""
    kind = has.typeName()
    if same(has, want) or kind in ("void", "null"):
        return value if same(has, want) else "CAST(%s AS %s)" % (value, want.simpleString())
    if simple(has) or kind != want.typeName():
        return atom(value, has, want, mark, civil)

    name = "x%d" % depth

    def each(list, has, want):
        return "transform(%s, %s -> %s)" % (list, name, fit(name, has, want, mark, civil, depth + 1))

    if kind == "array":
        return each(value, has.elementType, want.elementType)
    if kind == "map":
        keys, values = each("map_keys(%s)" % value, has.keyType, want.keyType), each("map_values(%s)" % value, has.valueType, want.valueType)
        return "map_from_arrays(%s, %s)" % (keys, values)
    fields = []
    for to in want.fields:
        of = next((f for f in has.fields if f.name.lower() == to.name.lower()), None)
        inner = fit(value + "." + quoted(of.name), of.dataType, to.dataType, mark, civil, depth) if of else nothing(to.dataType)
        fields.append("%s, %s" % (spelled(to.name), inner))
    return "IF(%s IS NULL, NULL, named_struct(%s))" % (value, ", ".join(fields))


def atom(value, has, want, mark, civil):
    kind, to = has.simpleString(), want.simpleString()
    if to == "timestamp":  # which the session may take for one without a zone
        to = "timestamp_ltz"
    if civil and kind == "timestamp":
        value = "(TIMESTAMP_NTZ '1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, CAST(unix_micros(%s) AS decimal(20,0)) * 0.000001BD))" % value
        if to == "timestamp_ntz":
            return value
    cast = "CAST(%s AS %s)" % (value, to)
    whole = to in ("tinyint", "smallint", "int", "bigint")
    floating = kind in ("float", "double")
    if floating and (whole or to.startswith("decimal")) or kind.startswith("decimal") and whole:
        lost = "NOT CAST(%s AS %s) <=> %s" % (cast, kind, value)  # NaN as a DECIMAL is NULL
    elif kind == "double" and to == "float":
        lost = "abs({0}) = double('Infinity') AND abs({1}) <> double('Infinity')".format(cast, value)
    else:
        return cast
    return "IF(%s, %s, %s)" % (lost, raised(mark, want), cast)


def nothing(kind):
    """NULL of a type: Spark has no other spelling for one with names in it."""
    name = kind.typeName()
    if name == "array":
        return "IF(true, NULL, array(%s))" % nothing(kind.elementType)
    if name == "map":
        return "IF(true, NULL, map_from_arrays(array(%s), array(%s)))" % (nothing(kind.keyType), nothing(kind.valueType))
    if name == "struct":
        return "IF(true, NULL, named_struct(%s))" % ", ".join("%s, %s" % (spelled(f.name), nothing(f.dataType)) for f in kind.fields)
    return "CAST(NULL AS %s)" % kind.simpleString()


def same(a, b):
    """Whether two types hold the same, NULLs aside."""
    kind = a.typeName()
    if kind != b.typeName():
        return False
    if kind == "array":
        return same(a.elementType, b.elementType)
    if kind == "map":
        return same(a.keyType, b.keyType) and same(a.valueType, b.valueType)
    if kind == "struct":
        return [f.name for f in a.fields] == [f.name for f in b.fields] and all(same(f.dataType, g.dataType) for f, g in zip(a.fields, b.fields))
    return a.simpleString() == b.simpleString()


# From these on DuckDB has no times: it means infinity.
ENDS = {
    "date": ("DATE '-5877641-06-24'", "DATE '+5881580-07-11'"),
    "timestamp_ntz": ("TIMESTAMP_NTZ '-290308-12-21 19:59:05.224193'", "TIMESTAMP_NTZ '+294247-01-10 04:00:54.775807'"),
    "timestamp": ("TIMESTAMP_LTZ '-290308-12-21 19:59:05.224193+00:00'", "TIMESTAMP_LTZ '+294247-01-10 04:00:54.775807+00:00'"),
}


def finite(value, kind, mark):
    """The value, or an error if it is an infinite time, or has one in it, which Spark would take for a day of the year 5881580."""
    test = infinite(value, kind)
    if not test:
        return value
    return "IF(%s, %s, %s)" % (test, raised(mark, kind), value)


def infinite(value, kind, depth=0):
    """The condition that a value is an infinite time or has one in it; "" if the type has none."""
    name, inner = kind.typeName(), "y%d" % depth
    if name in ENDS:
        return "(%s <= %s OR %s >= %s)" % (value, ENDS[name][0], value, ENDS[name][1])
    tests = []
    if name == "array":
        tests = [(value, infinite(inner, kind.elementType, depth + 1))]
    elif name == "map":
        tests = [("map_keys(%s)" % value, infinite(inner, kind.keyType, depth + 1)), ("map_values(%s)" % value, infinite(inner, kind.valueType, depth + 1))]
    elif name == "struct":
        return " OR ".join(filter(None, ["coalesce(%s, false)" % c if c else "" for c in (infinite(value + "." + quoted(f.name), f.dataType, depth) for f in kind.fields)]))
    return " OR ".join("coalesce(exists(%s, %s -> coalesce(%s, false)), false)" % (list, inner, test) for list, test in tests if test)


def scala(seq):
    return [seq.apply(i) for i in range(seq.size())]


def below(elements, parent):
    """The elements of a Parquet schema, which is flat, that are a parent's children. Whoever takes one takes what is in it, too."""
    for _ in range(parent.getNum_children()):
        yield next(elements)


def uncertain(elements, element):
    """Whether an element has a time whose zone Spark guesses otherwise than DuckDB, or what is in it has one."""
    if element.getNum_children():
        return any([uncertain(elements, inner) for inner in below(elements, element)])
    return str(element.getType()) == "INT96" or str(element.getConverted_type()).startswith("TIMESTAMP") and not element.isSetLogicalType()


def quoted(name):
    return "`" + name.replace("`", "``") + "`"
