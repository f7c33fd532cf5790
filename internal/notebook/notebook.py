import datetime
import decimal
import difflib
import hashlib
import json
import math
import numbers
import os
import re
import tempfile

import matplotlib.pyplot as pyplot
import pandas
from IPython.core.magic import no_var_expand, register_cell_magic
from IPython.display import display


class SQLError(Exception):
    """What is wrong with SQL, shown without the calls that led there."""

    def _render_traceback_(self):
        return [str(self)]


def same_version(package, is_here, runs):
    """Says so where the notebook's engine is of another version than the one that slices run on, by what counts in fingerprints."""
    if is_here.split(".")[:2] != runs.split(".")[:2]:
        print("This is %s %s, and slices run on %s: results may differ. pip install %s==%s" % (package, is_here, runs, package, runs))


# Reading SQL as hindcast does: strings, quoted names and comments are left alone.

NAME = r"[A-Za-z0-9_\u0080-\U0010ffff]"
SPACE = ("space", re.compile(r"[ \t\n\r\f\v]+"))
PIECES = {
    "": [
        ("comment", re.compile(r"--[^\n]*")),
        ("quoted", re.compile(r"'(?:[^']|'')*(?:'|\Z)")),
        ("quoted", re.compile(r"[eE]'(?:\\(?:.|\Z)|''|[^'\\])*(?:'|\Z)", re.DOTALL)),
        ("quoted", re.compile(r'"(?:[^"]|"")*(?:"|\Z)')),
        ("quoted", re.compile(r"(\$(?:(?![0-9])%s+)?\$)(?:.*?\1|.*)" % NAME, re.DOTALL)),
        SPACE,
        ("word", re.compile(r"%s(?:%s|\$)*" % (NAME, NAME))),
    ],
    "spark": [
        ("comment", re.compile(r"--(?:\\\n|[^\r\n])*")),
        ("symbol", re.compile(r"/\*\+|\*/")),
        ("quoted", re.compile(r"'(?:\\(?:.|\Z)|''|[^'\\])*(?:'|\Z)", re.DOTALL)),
        ("quoted", re.compile(r'"(?:\\(?:.|\Z)|""|[^"\\])*(?:"|\Z)', re.DOTALL)),
        ("quoted", re.compile(r"`(?:[^`]|``)*(?:`|\Z)")),
        ("quoted", re.compile(r"[rR](?:'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z))")),
        SPACE,
        ("word", re.compile(r"(?:[A-Za-z0-9_]|[^\x00-\x7f\s])+")),
        ("space", re.compile(r"[^\x00-\x7f]")),
    ],
}


def comment_end(text, at):
    """Where a comment that begins with /* ends: they nest."""
    depth, hint = 0, "/*+" if DIALECT == "spark" else None
    while at + 1 < len(text):
        two = text[at : at + 2]
        if two == "/*" and not (hint and text.startswith(hint, at)):
            depth, at = depth + 1, at + 2
        elif two == "*/":
            depth, at = depth - 1, at + 2
            if depth == 0:
                return at
        else:
            at += 1
    return len(text)


def pieces(text):
    """Cuts SQL into pieces, each with its kind."""
    found, at = [], 0
    while at < len(text):
        kind, end = "symbol", at + 1
        if text.startswith("::", at):
            end = at + 2
        if text.startswith("/*", at) and not (DIALECT == "spark" and text.startswith("/*+", at)):
            kind, end = "comment", comment_end(text, at)
        else:
            for name, pattern in PIECES["spark" if DIALECT == "spark" else ""]:
                match = pattern.match(text, at)
                if match:
                    kind, end = name, match.end()
                    break
        found.append((kind, text[at:end]))
        at = end
    return found


def bind(text):
    """Puts the parameters' values in the place of their names."""
    found, out, braces, at = pieces(text), [], 0, 0
    while at < len(found):
        kind, piece = found[at]
        braces = max(0, braces + (piece == "{") - (piece == "}"))
        if not is_parameter(found, at) or braces and behind_key(found, at):
            out.append(piece)
            at += 1
            continue
        name = found[at + 1][1]
        if name not in PARAMS:
            raise SQLError("E-SQL-PARAM  the parameter :%s has no value; there are %s" % (name, ", ".join(":" + p for p in sorted(PARAMS))))
        out.append(PARAMS[name])
        at += 2
    return relative("".join(out))


def is_parameter(found, at):
    if found[at] != ("symbol", ":") or at + 1 == len(found) or found[at + 1][0] != "word" or found[at + 1][1][0] in "0123456789":
        return False
    return at == 0 or found[at - 1][0] != "word" and found[at - 1][1] not in (":", "]")


def behind_key(found, at):
    before = next((kind for kind, _ in reversed(found[:at]) if kind not in ("space", "comment")), "")
    return before in ("word", "quoted")


WORDS = {}


def relative(text):
    """Puts the time of a run in the place of literals such as DATE 'today', where the engine would take the time of now."""
    out, kind_of_literal, begun = [], "", 0
    for kind, piece in pieces(text):
        if kind == "quoted" and kind_of_literal:
            value = kind_of_literal + " " + piece.lstrip("rR").strip("'").strip().lower()
            if value in WORDS:
                out[begun:] = [WORDS[value]]
                piece = ""
        if kind not in ("space", "comment"):
            kind_of_literal = piece.lower() if kind == "word" else ""
            begun = len(out)
        out.append(piece)
    return "".join(out)


def single(text):
    """The one statement of a text, without what stands around it."""
    statements, now = [], []
    for kind, piece in pieces(text) + [("symbol", ";")]:
        if (kind, piece) != ("symbol", ";"):
            now.append((kind, piece))
            continue
        told = [at for at, (k, _) in enumerate(now) if k not in ("space", "comment")]
        if told:
            statements.append("".join(p for _, p in now[told[0] : told[-1] + 1]))
        now = []
    if len(statements) != 1:
        raise SQLError("E-SQL-NOT-SELECT  the SQL must be one SELECT; " + ("there are %d statements" % len(statements) if statements else "it is empty"))
    return statements[0]


# The SQL and its result.

pandas.set_option("display.html.use_mathjax", False)  # a $ in a text does not begin a formula
result = pandas.DataFrame()  # of the pipeline's SQL, as its cell was run last
query = pandas.DataFrame()  # of a query of your own
last_shown = result  # the later of the two, which may have other names by now
cells = {}  # of each SQL file: its cell as it was run last, and whether that went well


@register_cell_magic
@no_var_expand
def sql(line, cell):
    """Runs the cell's SQL over the slice. With the name of a SQL file it is that file's SQL, and sets result; alone it sets query."""
    global result, query, last_shown
    name = line.strip()
    if name and name not in SQL_FILES:
        raise SQLError("there is no SQL file %s: write %%%%sql alone for a query of your own, or one of %s" % (name, ", ".join(SQL_FILES)))
    if name:
        cells[name] = (cell, False)
    text = single(bind(cell))
    try:
        names, rows = fetch(text, ROWS + 1)
    except SQLError:
        raise
    except Exception as error:
        raise SQLError(explained(error)) from None
    if name:
        cells[name] = (cell, True)
        on_disk(name)
    frame = last_shown = pandas.DataFrame(rows[:ROWS], columns=names, dtype=object)
    frame.attrs["cut"] = len(rows) > ROWS
    if name:
        result = frame
    else:
        query = frame
    display(frame)
    if len(rows) > ROWS:
        print("The first %d rows, which are also what `%s` has; there are more. ROWS says how many are read." % (ROWS, "result" if name else "query"))


def explained(error):
    """What an error says, with the marks that hindcast makes in place of columns that cannot be read."""
    said = str(error).split(";\n'")[0]  # behind it Spark shows its plan
    said = re.sub(r"\.\s+If[^.]*?spark\.sql\.ansi\.enabled[^.]*\.", ".", said)  # a run would not have it either
    for kind, why in (
        ("absent", "was not unloaded; all columns are there with: hindcast notebook --all-columns"),
        ("type", "has a type that the engine does not have"),
        ("infinite", "has a time that the engine does not have, such as infinity"),
        ("inexact", "has a value that its type does not hold"),
    ):
        found = re.search(r"hindcast(?:<<|!!)%s:(.*?)>>" % kind, said)
        if found:
            return "%s: the column %s %s" % (type(error).__name__, found[1], why)
    if "hindcast has not unloaded" in said:
        said += "; all columns are there with: hindcast notebook --all-columns"
    return "%s: %s" % (type(error).__name__, said)


def plot(x=None, y=None, of=None):
    """Draws a column of numbers over a column of times or texts; the first ones, unless they are named. Of what a cell has shown
    last, or of a DataFrame."""
    frame = last_shown if of is None else of
    columns = {name: list(frame.iloc[:, at]) for at, name in reversed(list(enumerate(frame.columns)))}
    names = [name for name in dict.fromkeys(frame.columns)]

    def among(name, *kinds):
        values = [v for v in columns[name] if v is not None]
        return bool(values) and all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)

    times = [n for n in names if among(n, datetime.date)]
    texts = [n for n in names if among(n, str)]
    numeric = [n for n in names if among(n, numbers.Number, decimal.Decimal)]
    several = [n for n in times + texts if len(set(columns[n])) > 1]
    x = x or next(iter(several or times or texts), None)
    y = y or next((n for n in numeric if n not in KEYS), None)
    if x is None or y is None:
        print("There is nothing to plot: it takes a column of numbers, and one of times or texts.")
        return
    sums = {}
    for at, value in zip(columns[x], columns[y]):
        if value is not None and math.isfinite(value) and (at is not None or x not in times):
            sums[at] = sums.get(at, 0) + value
    figure, axes = pyplot.subplots(figsize=(9, 4))
    try:
        draw(axes, sums, x, y, x in times)
        pyplot.show()
        if frame.attrs.get("cut"):
            print("Drawn from the first %d rows; there are more, and sums may be too small. ROWS says how many are read." % ROWS)
    except Exception as error:  # values that no axis holds: the rows above are there all the same
        print("This cannot be plotted: %s" % error)
    finally:
        pyplot.close(figure)


def draw(axes, sums, x, y, over_time):
    def plain(text):
        return str(text).replace("$", r"\$")

    if over_time:
        points = sorted(sums.items())
        axes.plot([at for at, _ in points], [float(value) for _, value in points], marker="o")
        axes.figure.autofmt_xdate()
    else:
        points = sorted(sums.items(), key=lambda point: point[1], reverse=True)[:30]
        axes.barh([plain("NULL" if at is None else at)[:40] for at, _ in points], [float(value) for _, value in points])
        axes.invert_yaxis()
    (axes.set_xlabel if over_time else axes.set_ylabel)(plain(x))
    (axes.set_ylabel if over_time else axes.set_xlabel)("sum of " + plain(y))
    axes.figure.tight_layout()


# Bringing changed SQL back.


def on_disk(name):
    """The SQL file's bytes and text. A file that has what the cell has is the one that a later change is made to."""
    with open(SQL_FILES[name]["path"], "rb") as file:
        body = file.read()
    text = body.decode("utf-8").replace("\r\n", "\n")
    if name in cells and text.rstrip("\n") == cells[name][0].rstrip("\n"):
        SQL_FILES[name]["sha256"] = hashlib.sha256(body).hexdigest()
    return body, text


def bring_back(name=None, force=False):
    """Writes the SQL of a cell, as it was run last, to its SQL file."""
    for name in [name] if name else SQL_FILES:
        if name not in cells:
            raise SQLError("the cell %%%%sql %s has not been run" % name)
        write_back(name, force)


def write_back(name, force):
    path = os.path.realpath(SQL_FILES[name]["path"])
    cell, went_well = cells[name]
    body, text = on_disk(name)
    if text.rstrip("\n") == cell.rstrip("\n"):
        print("%s has this SQL already" % path)
        return
    if hashlib.sha256(body).hexdigest() != SQL_FILES[name]["sha256"] and not force:
        changes = difflib.unified_diff(text.splitlines(), cell.splitlines(), name, "this cell", lineterm="")
        print("\n".join(changes))
        raise SQLError("%s was changed since this notebook was written, and nothing is written to it. bring_back(force=True) replaces it" % path)
    if not went_well and not force:
        raise SQLError("the cell did not run to its end, and nothing is written. bring_back(force=True) writes it all the same")
    ends = text[len(text.rstrip("\n")) :]
    new = (cell.rstrip("\n") + ends).replace("\n", "\r\n" if b"\r\n" in body else "\n").encode("utf-8")
    part = tempfile.NamedTemporaryFile(dir=os.path.dirname(path), prefix=".hindcast-", delete=False)
    try:
        with part:
            part.write(new)
            part.flush()
            os.fsync(part.fileno())
        os.chmod(part.name, os.stat(path).st_mode & 0o7777)
        os.replace(part.name, path)
    except BaseException:
        os.unlink(part.name)
        raise
    SQL_FILES[name]["sha256"] = hashlib.sha256(new).hexdigest()
    print("wrote %s. See which slices it concerns: hindcast plan" % path)
