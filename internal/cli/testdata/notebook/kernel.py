# A notebook's kernel, and what it says to code.
import contextlib
import os

import nbformat
from nbclient import NotebookClient


@contextlib.contextmanager
def kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", allow_errors=True)
    sources = {c.id: c.source for c in notebook.cells}

    def run(source):
        cell = nbformat.v4.new_code_cell(sources.get(source, source))
        notebook.cells.append(cell)
        client.execute_cell(cell, len(notebook.cells) - 1)
        said = []
        for output in cell.outputs:
            if output.output_type == "error":
                said.append("%s" % "\n".join(output.traceback))
            elif output.get("name") != "stderr":
                said.append(output.get("text") or output["data"]["text/plain"])
        return "\n".join(said).strip()

    with client.setup_kernel(cwd=os.getcwd()):
        for name in ("helpers", "slice"):
            run(name)
        yield run
