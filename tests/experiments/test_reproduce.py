"""What is found is shown and kept."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from striate.cli import app
from striate.errors import DataError, MissingExtra, UserError
from striate.experiments import EXPERIMENTS, Experiment, Line, Panel, Result, Row
from striate.experiments.drawing import placed, sheet
from striate.experiments.material import lacking, opened, place
from striate.experiments.result import Picture
from striate.experiments.writing import Finding, keep, write_page

LINE = Line("<b>", np.arange(3.0), np.array([0.0, 1, 4]), spread=np.ones(3))
PANELS = (Panel("a & b", "x", "y", [LINE]), Picture("p", np.zeros((4, 6), np.uint8)))


def made(name: str = "counting", ours: str = "1 | 2") -> Finding:
    result = Result([Row("w", "1", ours, "different", "<i>")], PANELS)
    return Finding(EXPERIMENTS[name], result, quick=True, seed=3, seconds=61)


def test_the_list_and_a_name_that_is_none():
    listed = CliRunner().invoke(app, ["reproduce", "--json"])
    assert [one["name"] for one in json.loads(listed.stdout)] == list(EXPERIMENTS)
    assert CliRunner().invoke(app, ["reproduce", "gan-ring"]).exit_code != 0
    assert CliRunner().invoke(app, ["reproduce", "counting", "--out", "x.txt"]).exit_code != 0
    assert CliRunner().invoke(app, ["reproduce", "counting", "--all"]).exit_code != 0


def test_all_go_on_after_one_that_fails(monkeypatch, tmp_path):
    def fails(self, *, quick, seed):
        if self.name == "counting":
            raise UserError("no such thing")
        if self.name == "dbn":
            raise MissingExtra("dreaming", "dreams")
        return Result([Row("w", "1", "1", "same")])

    monkeypatch.setattr(Experiment, "run", fails)
    monkeypatch.setattr(Experiment, "lacks", lambda self: None)
    ran = CliRunner().invoke(app, ["reproduce", "--all", "--out", str(tmp_path / "r.md")])
    assert str(ran.exception) == f"1 of {len(EXPERIMENTS)} experiments did not run; see above"
    text = (tmp_path / "r.md").read_text()
    assert "## gan-rings" in text
    assert "## counting" not in text
    assert "dreaming needs an optional part" in text


def test_data_are_looked_for_and_named_where_they_lack(tmp_path, monkeypatch):
    monkeypatch.delenv("STRIATE_DATA", raising=False)
    with pytest.raises(DataError, match="set STRIATE_DATA"):
        place("clothing")
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="clothing"):
        opened("clothing")
    assert lacking(("digits", "clothing")) == ["clothing"]
    lacks = Experiment("n", "t", "s", "m", needs=("clothing",)).lacks()
    assert lacks is not None
    assert lacks.rows[0].verdict == "not reachable here"
    assert f"STRIATE_DATA names {tmp_path}, which lacks it" in lacks.rows[0].why
    (tmp_path / "clothing").mkdir()
    assert lacking(("clothing",)) == []


def test_a_document_grows_and_sections_give_place(tmp_path):
    path = keep([made("counting", "1"), made("gan-rings")], tmp_path / "results.md")
    path.write_text(path.read_text().replace("# Results", "# Ours"))
    text = keep([made("counting", "2 | 3")], path).read_text()
    assert text.startswith("# Ours")
    assert text.index("## counting") < text.index("## gan-rings")
    assert text.count("## counting") == 1
    assert "2 \\| 3 | different: \\<i\\>" in text
    assert "`striate reproduce counting --quick --seed 3`" in text
    svg = (tmp_path / "results" / "counting.svg").read_text()
    assert svg.count("<svg") == 3
    assert "&lt;b&gt;" in svg
    for data in (b"\xff\xfe", b"a\0"):
        path.write_bytes(data)
        with pytest.raises(UserError, match="no text"):
            keep([made()], path)


def test_what_else_stands_in_a_document_stays(tmp_path):
    path = keep([made("counting", "1")], tmp_path / "results.md")
    mine = "\nMy words.\n\n# A chapter\n\n```\n## counting\n```\nand more\n"
    path.write_bytes((path.read_text() + mine).replace("\n", "\r\n").encode())
    text = keep([made("counting", "2"), made("gan-rings")], path).read_bytes().decode()
    assert text.count("\n") == text.count("\r\n")
    assert mine in text.replace("\r\n", "\n")
    assert text.count("\n## counting") == 2  # one of them in the fence
    assert text.count("counting: begin") == text.count("counting: end") == 1
    assert text.index("A chapter") < text.index("## gan-rings")


def test_where_results_cannot_be_kept_is_said_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(Experiment, "run", lambda *given, **options: pytest.fail("it ran"))
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "odd.md").write_bytes(b"\xff")
    (tmp_path / "file").touch()
    for name, reason in (
        ("folder.md", "is a folder"), ("odd.md", "no text"), ("file/x.html", "cannot write to"),
        ("x.txt", "a page is FILE.html"),
    ):  # fmt: skip
        given = ["reproduce", "counting", "--out", str(tmp_path / name)]
        assert reason in str(CliRunner().invoke(app, given).exception)


def test_the_page(tmp_path):
    page = write_page([made(), made("gan-rings")], tmp_path / "page.html").read_text()
    assert page.count("<svg") == 4
    assert "&lt;i&gt;" in page
    assert "1 min 01 s" in page


def test_a_panel_is_drawn_in_its_frame():
    x = np.array([0.0, 1.0, 3.0])
    found = placed(Panel("p", "x", "y", [Line("a", x, x, spread=0 * x + 0.5)], (0, 2, 0, 2)))
    assert found["lines"][0]["points"] == [("46.0", "244.0"), ("196.0", "134.0")]
    assert found["lines"][0]["bars"] == "M46.0 244.0V189.0M196.0 189.0V79.0"
    assert found["ends"] == ["0", "2", "0", "2"]
    assert "</svg>" in sheet([Panel("p", "x", "y", [Line("a", x, x)])])
