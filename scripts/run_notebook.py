"""Runs a notebook and keeps what it shows: `python scripts/run_notebook.py docs/walkthrough.ipynb`.

A kernel of Jupyter is not needed: cells are plain Python, run one after another, and of each the
printed text and the value of its last line are kept, as HTML or PNG where the value has those.
"""

import ast
import base64
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

FORMS = {"_repr_html_": "text/html", "_repr_png_": "image/png"}


def cells_of(path: Path) -> dict[str, Any]:
    """The notebook as it is stored (nbformat 4)."""
    notebook: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return notebook


def ran(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """The notebook with the outputs of this run, in the folder that is current."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, number = [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            number += 1
            outputs = outputs_of("".join(cell["source"]), names, f"{name}, cell {number}", number)
            cell = {**cell, "execution_count": number, "outputs": outputs}
        cells.append(cell)
    return {**notebook, "cells": cells}


def outputs_of(source: str, names: dict[str, Any], place: str, number: int) -> list[dict[str, Any]]:
    """What a cell prints, and the value of its last line."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with redirect_stdout(printed):
        exec(compile(tree, place, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), place, "eval"), names)
    outputs: list[dict[str, Any]] = []
    if text := printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(True)})
    if value is not None:
        outputs.append(
            {
                "output_type": "execute_result",
                "execution_count": number,
                "metadata": {},
                "data": shown(value),
            }
        )
    return outputs


def shown(value: Any) -> dict[str, Any]:
    """A value in the forms that a notebook chooses from; by its kind alone where it has a rich one,
    for the text of a network is long and says where it lies in memory."""
    found: dict[str, Any] = {}
    for method, form in FORMS.items():
        if hasattr(value, method):
            content = getattr(value, method)()
            if isinstance(content, bytes):
                content = base64.b64encode(content).decode()
            found[form] = content.splitlines(True) if form == "text/html" else content
    text = f"<{type(value).__name__}>" if found else repr(value)
    return {"text/plain": text.splitlines(True), **found}


if __name__ == "__main__":
    file = Path(sys.argv[1]).absolute()
    done = ran(cells_of(file), file.name)
    file.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
