"""The page: everything that the comparison knows, escaped, and nothing from the network."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from striate.comparing import Comparison, compare
from striate.comparing.report import contents
from striate.data import Dataset
from striate.data.dataset import LeftOut
from striate.errors import StorageError
from striate.tasks.contract import Section, Task

NASTY = "<script>alert('x')</script> & $x_{1}"


@dataclass(frozen=True)
class Doubt:
    """A mark that looks wrong."""

    image: str
    kind: str
    text: str


@pytest.fixture
def comparison(task: Task, data: Dataset) -> Comparison:
    """Two methods, two seeds; every text that comes from files is hostile."""
    targets = replace(data.targets, names=("dark", NASTY))
    object.__setattr__(targets, "doubts", (Doubt(f"1 {NASTY}", "odd", f"2 {NASTY}"),) * 70)
    left_out = (LeftOut(f"3 {NASTY}.jpg", "not an image"),) * 250
    hostile = replace(
        data, name=f"4 {NASTY}", targets=targets, left_out=left_out, notes=(f"5 {NASTY}",)
    )
    object.__setattr__(hostile.targets, "doubts", targets.doubts)
    return compare(hostile, task="bright", seeds=2, network="lenet5")


@pytest.fixture
def page(comparison: Comparison, tmp_path: Path) -> str:
    return comparison.report(tmp_path / "report.html").read_text()


def test_the_advice_heads_the_page(comparison: Comparison, page: str) -> None:
    assert f"<h1>{comparison.advice}</h1>" in page
    assert page.index("<h1>") < page.index("<table>")


def test_every_text_of_a_file_is_escaped(page: str) -> None:
    assert "<script" not in page
    assert "$x_{1}" in page
    for number in range(1, 6):
        assert f"{number} &lt;script&gt;" in page, number


def test_a_notebook_shows_advice_and_table(comparison: Comparison) -> None:
    shown = comparison._repr_html_()
    assert comparison.advice in shown
    assert all(row.title in shown for row in comparison.rows)
    assert "<script" not in shown
    assert "4 &lt;script&gt;" in shown


def test_the_page_needs_no_network(page: str) -> None:
    assert re.findall(r"https?://", page) == []


def test_rows_show_scores_with_their_intervals(comparison: Comparison, page: str) -> None:
    first = comparison.rows[0]
    (known, _) = contents(comparison)["rows"]
    assert known["title"] == first.title == "The middle"
    assert known["score"] == "100.0 %"
    assert (known["low"], known["high"]) == ("100.0", "100.0")
    assert (known["spread"], known["seeds"]) == ("0.0", 2)
    assert known["columns"] == ["0.0 %", "–"]  # a metric that is not known
    assert known["best"] == (comparison.best is first)
    assert page.count('<tr class="best">') == 1
    assert "12 test examples of 2 classes" in page
    assert "nan" not in page.split("<pre>")[0]


def test_curves_are_drawn_where_there_is_a_history(comparison: Comparison, page: str) -> None:
    (curve,) = contents(comparison)["curves"]
    assert curve["title"] == "A rough one"
    assert curve["score"] == "40.0,10.0"
    assert page.count("<polyline") == 2
    history = ({"epoch": 0, "right": 0.5}, {"epoch": 20 / 3, "right": 0.5})
    for outcome in comparison.rows[1].outcomes:
        object.__setattr__(outcome, "learned", replace(outcome.learned, history=history))
    (curve,) = contents(comparison)["curves"]
    assert (curve["first"], curve["last"]) == ("0", "6.7")


def test_long_lists_are_cut_and_counted(page: str) -> None:
    assert page.count("not an image") == 200
    assert "and 50 more" in page
    assert "and 10 more" in page


def test_nothing_left_out_is_said(task: Task, data: Dataset, tmp_path: Path) -> None:
    path = compare(data, ["rough"], task="bright").report(tmp_path / "a" / "report.html")
    page = path.read_text()
    assert "Nothing: every example could be read." in page
    assert "Marks that look wrong" not in page
    assert "one run" in page
    assert "Learning curves" not in page


def test_stages_and_provenance(comparison: Comparison, page: str) -> None:
    assert page.count("<td>guess</td>") == 2
    assert comparison.dataset.fingerprint() in page
    assert "&#34;torch&#34;" in page
    assert "&#34;history&#34;" not in page  # that is drawn


def test_a_task_adds_its_own_sections(
    task: Task, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owntask").mkdir()
    (tmp_path / "owntask" / "__init__.py").write_text("")
    (tmp_path / "owntask" / "part.html.jinja").write_text("<h2>{{ title }}</h2>")
    monkeypatch.syspath_prepend(tmp_path)

    def sections(comparison: Any) -> Iterable[Section]:
        return [Section("part.html.jinja", {"title": f"{comparison.best.title} <b>"})]

    monkeypatch.setattr(type(task), "package", "owntask")
    monkeypatch.setattr(task, "sections", sections, raising=False)
    found = compare(data, ["rough"], task="bright")
    page = found.report(tmp_path / "report.html").read_text()
    assert "<h2>A rough one &lt;b&gt;</h2>" in page
    assert page.index("A rough one &lt;b&gt;") < page.index("What was left out")


def test_a_page_that_cannot_be_written(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        comparison.report(tmp_path / "file" / "report.html")
