"""All benchmarks in a row: what is kept of each, and the page that is made of it."""

import importlib
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
ROW = {
    "case": "small", "unit": "ms", "ours": 1.5, "peer": "a loop", "theirs": 3.0, "ratio": 2.0,
    "target": None,
}  # fmt: skip


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("everything")
    monkeypatch.setattr(module, "commit", lambda: "abc1234")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "RESULTS.md")
    return module


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[Any]:
    """The calls that the script makes with these arguments."""
    calls: list[Any] = []

    def process(call: list[str], **given: Any) -> Any:
        calls.append((call, given["env"]["OMP_NUM_THREADS"]))
        return SimpleNamespace(stdout=json.dumps(ROW) + "\nbeside\n", returncode=0)

    monkeypatch.setattr(module, "machine", lambda: "a toy")
    with monkeypatch.context() as patch:
        patch.setattr(module.subprocess, "run", process)
        patch.setattr("sys.argv", ["everything.py", *arguments])
        module.main()
    return calls


def test_each_names_a_file_that_is_there(everything) -> None:
    for one in everything.BENCHMARKS.values():
        assert (FOLDER / one.file).is_file()
        assert everything.first_paragraph(one.file)


def test_rows_become_a_page(everything, monkeypatch, tmp_path) -> None:
    out = tmp_path / "out"
    few = ("--only", "text", "augment", "--shared", "/there")
    calls = run(everything, monkeypatch, str(out), *few)
    assert [Path(call[1]).name for call, _ in calls] == ["text.py", "augment.py"]
    assert calls[0][0][2:] == ["/there/data/text/mr.tsv", "--json"]
    assert run(everything, monkeypatch, str(out), *few) == []  # measured at this commit
    everything.RESULTS.write_text(f"By hand.\n\n{everything.BELOW}\nold\n")
    run(everything, monkeypatch, str(out), "--write")
    page = everything.RESULTS.read_text()
    assert page.startswith("By hand.\n")
    assert "old" not in page
    assert "at commit abc1234: a toy." in page
    assert "`python benchmarks/text.py ../shared/data/text/mr.tsv`, one thread" in page
    assert "| small | 1.5 ms | 3 ms | 2 |  | a loop |" in page
    assert page.index("## Augmentation") < page.index("## Texts")  # their own order


def test_rows_of_two_commits_make_no_page(everything, monkeypatch, tmp_path) -> None:
    run(everything, monkeypatch, str(tmp_path / "out"), "--only", "text")
    monkeypatch.setattr(everything, "commit", lambda: "def5678")
    run(everything, monkeypatch, str(tmp_path / "out"), "--only", "augment")
    with pytest.raises(SystemExit, match="2 commits: abc1234, def5678"):
        run(everything, monkeypatch, str(tmp_path / "out"), "--write")


def test_the_commit_and_machine_are_told(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("everything")
    assert len(module.commit().rstrip("+")) >= 7
    assert "torch" in module.machine()
