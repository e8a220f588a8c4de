"""docs/walkthrough.ipynb: its cells run, and show what is stored in it."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "walkthrough.ipynb"


def runner() -> Any:
    spec = importlib.util.spec_from_file_location("runner", ROOT / "scripts" / "run_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def forms(cells: list[dict[str, Any]]) -> list[list[list[str]]]:
    """Of each cell, what each of its outputs can be shown as."""
    return [
        [sorted(output.get("data", {"printed": ""})) for output in cell["outputs"]]
        for cell in cells
        if cell["cell_type"] == "code"
    ]


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("quick")
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stored = json.loads(NOTEBOOK.read_text("utf-8"))
    found = runner().ran(stored, NOTEBOOK.name)
    assert forms(found["cells"]) == forms(stored["cells"])
    shown = json.dumps(found["cells"])
    assert "Hand-crafting" in shown
    assert "<script" not in shown


def test_a_cell_keeps_what_it_prints_and_its_last_value() -> None:
    class Shown:
        def _repr_html_(self) -> str:
            return "<b>html</b>"

    printed, value = runner().outputs_of("print(1)\nx = one\nx", {"one": Shown()}, "here", 3)
    assert printed["text"] == ["1\n"]
    assert value["data"] == {"text/plain": ["<Shown>"], "text/html": ["<b>html</b>"]}
    assert value["execution_count"] == 3
    assert runner().outputs_of("x = 1", {}, "here", 1) == []
