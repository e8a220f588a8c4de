"""JSON lines, CSV and Parquet: what each makes of nested rows, and that pieces do not show."""

import csv
import json
from pathlib import Path

import pytest

from striate.errors import MissingExtra, UserError
from striate.recognizing import forms
from striate.recognizing.forms import form_of

ROWS = [
    {"path": "a.jpg", "objects": [], "width": 1, "score": 1},
    {"path": "b.jpg", "error": "empty file"},
    {
        "path": "ü\udcff,\n.jpg",
        "objects": [{"box": [0, 1.5], "label": "cat"}, {"box": [2, 3], "label": "dog"}],
        "width": 3,
        "score": 0.25,
        "known": True,
    },
    {"path": "2024-01-01", "objects": None, "width": None, "others": ["x", "y"]},
]


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """The rows, one a part."""
    found = [tmp_path / f"{number}.part" for number in range(len(ROWS))]
    for path, row in zip(found, ROWS, strict=True):
        path.write_text(json.dumps(row) + "\n")
    return found


@pytest.fixture(params=[forms.PIECE, 1], ids=["at once", "row by row"])
def _piece(request, monkeypatch):
    monkeypatch.setattr(forms, "PIECE", request.param)
    monkeypatch.setattr(forms, "GROUP", request.param)


def test_lines(parts, tmp_path):
    out = tmp_path / "out.jsonl"
    form_of(out, None)(parts, out)
    assert [json.loads(line) for line in out.read_text().splitlines()] == ROWS


@pytest.mark.usefixtures("_piece")
def test_parquet_has_all_columns_with_their_types(parts, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.PARQUET"
    form_of(out, None)(parts, out)
    table = parquet.read_table(out)
    assert table.schema.names[:2] == ["path", "error"]
    types = {name: str(table.schema.field(name).type) for name in table.schema.names}
    assert types["width"] == "int64"
    assert types["score"] == "double"
    assert types["known"] == "bool"
    assert "struct<box: list<" in types["objects"]
    rows = table.to_pylist()
    assert rows[2] == {**ROWS[2], "path": "ü\\udcff,\n.jpg", "error": None, "others": None}
    assert rows[3]["path"] == "2024-01-01"
    assert [row["error"] for row in rows] == [None, "empty file", None, None]
    assert [row["objects"] for row in rows[:2]] == [[], None]


@pytest.mark.usefixtures("_piece")
def test_csv(parts, tmp_path):
    out = tmp_path / "out.csv"
    form_of(out, None)(parts, out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "error", "objects", "width", "score", "known", "others"]
    assert rows[2]["path"] == "ü\\udcff,\n.jpg"
    assert json.loads(rows[2]["objects"]) == ROWS[2]["objects"]
    assert [row["known"] for row in rows] == ["", "", "true", ""]
    form_of(out, 2)(parts, out)  # few objects an input: each has its columns
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[2]["objects.1.label"] == "cat"
    assert rows[2]["objects.2.box"] == "[2, 3]"
    assert rows[0]["objects.1.label"] == ""
    form_of(out, forms.SPREAD + 1)(parts, out)
    assert "objects.1.label" not in out.read_text()


def test_what_is_not_written(tmp_path, monkeypatch):
    for name, words in (("a.xls", "ends with .parquet, .csv, .jsonl"), ("a.npy", "--features")):
        with pytest.raises(UserError, match=words):
            form_of(tmp_path / name, None)
    monkeypatch.setattr(forms, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="Parquet"):
        form_of(tmp_path / "a.parquet", None)
