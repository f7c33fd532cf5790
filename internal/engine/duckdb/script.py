import atexit
import shutil
import tempfile

import duckdb


def connect(settings):
    """A DuckDB in memory with the settings of a run. It reads the slice's files and no others, as there."""
    db = duckdb.connect()
    spill = tempfile.mkdtemp(prefix="hindcast-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    db.execute("SET temp_directory='%s'" % spill.replace("'", "''"))
    db.execute("SET python_enable_replacements=false")  # a name in the SQL is a table, never a variable of Python
    for statement in settings:
        db.execute(statement)
    return db


# Python's values would lose a part of these.
AS_TEXT = ("INTERVAL", "TIMESTAMP_NS", "TIME_NS")


def fetch(text, limit):
    """The names of a query's columns, and its first rows."""
    relation = db.sql(text)
    if relation is None:
        raise duckdb.InvalidInputException("the SQL gives no rows: it must be one SELECT")
    names = relation.columns
    if any(str(kind).upper() in AS_TEXT for kind in relation.types):
        relation = relation.project(
            ", ".join(
                ("CAST({0} AS VARCHAR) AS {0}" if str(kind).upper() in AS_TEXT else "{0}").format('"%s"' % name.replace('"', '""'))
                for name, kind in zip(names, relation.types)
            )
        )
    return names, relation.limit(limit).fetchall()
