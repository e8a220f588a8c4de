"""The page that makes a task from nothing: its code runs, from its first block to its last."""

import re
import sys
import types
from pathlib import Path

import pytest

from striate.tasks.table import TASKS

PAGE = Path(__file__).parents[2] / "docs" / "a_task_of_your_own.md"


def test_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 7
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(TASKS, "brightness", TASKS["classification"])  # taken out afterwards
    module = types.ModuleType("a_task_of_your_own")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    printed = capsys.readouterr().out
    assert "'brightness': 0." in printed
    assert "line" in printed
