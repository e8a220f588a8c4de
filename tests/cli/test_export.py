"""striate export: a file, a card, and mistakes in one line."""

import copy
import json

import pytest

from striate import exporting
from striate.errors import DataError
from striate.exporting import writing


@pytest.fixture(scope="module")
def converted():
    return []


@pytest.fixture
def once(converted, monkeypatch):
    """All that is exported here is the same recognizer: its graph is converted once."""

    def to_onnx(graph, program, convert=writing.to_onnx, trace=writing.to_program):
        assert program is None
        if not converted:
            converted.append(convert(graph, trace(graph)))
        return copy.deepcopy(converted[0])

    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(writing, "to_program", lambda graph: None)
    monkeypatch.setattr(writing, "to_onnx", to_onnx)


@pytest.mark.usefixtures("once")
def test_onnx_and_its_card(striate, recognizer, tmp_path):
    out = tmp_path / "new" / "bars.onnx"
    done = striate("export", recognizer, "--to", "onnx", "--out", out, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said == {"file": str(out), "card": str(out.with_suffix(".md")), "to": "onnx"}
    assert sorted(path.name for path in out.parent.iterdir()) == ["bars.md", "bars.onnx"]
    assert out.with_suffix(".md").read_text().startswith("# bars.onnx\n")
    again = striate("export", out, "--to", "onnx")
    assert (again.code, again.one_line) == (2, True)
    assert "is an export; give the .safetensors file" in again.err


def test_mistakes_are_one_line(striate, recognizer, tmp_path):
    for arguments, words, code in (
        ([recognizer, "--to", "tflite"], "onnx", 2),
        ([tmp_path / "absent.safetensors"], "there is no file", 2),
        ([recognizer, "--out", tmp_path / "x.xml"], "an export to onnx is a .onnx file", 2),
        ([recognizer, "--out", recognizer / "x.onnx"], "cannot write", 1),
    ):
        done = striate("export", *arguments)
        assert (done.code, done.one_line) == (code, True), done
        assert words in done.err


def test_what_is_missing_is_named(striate, recognizer, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    done = striate("export", recognizer)
    assert (done.code, done.one_line) == (2, True)
    assert "pip install 'striate[export]'" in done.err


@pytest.mark.usefixtures("once")
def test_in_eight_bits_with_the_cost(striate, recognizer, pictures, tmp_path):
    folder = pictures({"bars": 10, "dots": 10})
    out = tmp_path / "small.onnx"
    asked = ("export", recognizer, "--int8", folder, "--out", out)
    found = json.loads(striate(*asked, "--json").out)["int8"]
    assert found["examples"] == 4
    assert found["bytes_after"] == out.stat().st_size
    assert striate(*asked).out.startswith("8 bits: ")
    refused = striate("export", recognizer, "--int8", folder, "--to", "openvino")
    assert (refused.code, refused.one_line) == (2, True)
    assert "--int8 is for --to onnx" in refused.err


@pytest.mark.usefixtures("once")
def test_what_cannot_be_rounded_leaves_no_file(
    striate, recognizer, pictures, tmp_path, monkeypatch
):
    def fails(path, dataset):
        assert path.exists()
        raise DataError("no validation example can be read")

    monkeypatch.setattr(exporting, "round_with", fails)
    out = tmp_path / "small.onnx"
    folder = pictures({"bars": 10, "dots": 10})
    refused = striate("export", recognizer, "--int8", folder, "--out", out)
    assert (refused.code, refused.one_line) == (2, True)
    assert "no validation example can be read" in refused.err
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("small")]


def test_pictures_that_do_not_fit_are_refused_before_the_work(
    striate, recognizer, pictures, tmp_path, monkeypatch
):
    monkeypatch.setattr(exporting, "export", None)
    folder, out = pictures({"bars": 10, "rings": 10}), tmp_path / "small.onnx"
    refused = striate("export", recognizer, "--int8", folder, "--out", out)
    assert (refused.code, refused.one_line) == (2, True)
    assert "does not know the class" in refused.err
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("small")]
