# Runs all cells of a notebook, and compares its result with what was published.
import glob
import os
import pickle
import sys
from collections import Counter

import duckdb
import nbformat
from nbclient import NotebookClient

if "SPARK" in os.environ:  # the folder of another environment, which has pyspark
    os.environ["PYTHONPATH"] = glob.glob(os.environ["SPARK"] + "/lib/python3*/site-packages")[0]
path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
nbformat.validate(notebook)
notebook.cells.append(nbformat.v4.new_code_cell("import pickle\npickle.dump((list(result.columns), result.values.tolist(), PARAMS), open('result.pickle', 'wb'))"))
NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=os.getcwd())
nbformat.validate(notebook)
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        if output.output_type == "display_data":
            print("%s: %s" % (cell.id, " ".join(sorted(output.data))))
        elif output.get("name") == "stdout":
            print(output.text)

names, rows, params = pickle.load(open("result.pickle", "rb"))
published = duckdb.connect("warehouse.duckdb", read_only=True).execute(
    "SELECT %s FROM cost_summary WHERE usage_month >= %s AND usage_month < %s" % (", ".join(names), params["slice_start"], params["slice_end"])
).fetchall()
if Counter(map(tuple, rows)) != Counter(published) or not published:
    sys.exit("the notebook has %d rows, and %d other ones are published" % (len(rows), len(published)))
print("%d rows as published" % len(rows))
