"""What is written: the file, its metadata, its card; and what is refused, in one line."""

import json

import pytest

from striate import cli
from striate.errors import ModelError, StorageError, UserError
from striate.tasks.detection import Detector, exporting


def test_one_file_without_a_trace_of_its_source(exported):
    detector, path = exported
    import onnx

    model = onnx.load(path)
    values = json.loads({each.key: each.value for each in model.metadata_props}["striate"])
    assert values == json.loads(json.dumps(exporting.metadata(detector)))
    assert (values["task"], values["classes"]) == ("detection", ["ant", "bee", "<script>*"])
    assert [each.name for each in model.graph.input] == ["image"]
    assert [each.name for each in model.graph.output] == ["boxes", "labels", "scores"]
    assert {each.domain for each in model.opset_import} == {""}
    assert b".py" not in path.read_bytes()
    onnx.checker.check_model(model)


def test_the_card(exported):
    text = exported[1].with_suffix(".md").read_text()
    assert "# insects.onnx" in text
    assert "1. bee\n2. \\<script\\>\\*" in text
    assert "- set: insects" in text
    assert "Not recorded: nobody should rely on it" in text
    assert "blue first" in text


def test_the_card_with_scores(tiny):
    known = {"validation": {"step": 7, "map50": 0.912, "ap50 ant": 0.5, "ap50 bee": None}}
    text = exporting.card(Detector(tiny("single"), ("ant", "bee"), known), "x.onnx")
    assert "| map50 | 91.2% |\n| ap50 ant | 50.0% |\n| ap50 bee | none marked |" in text
    assert "7" not in text.split("## How well")[1].split("## What it sees")[0]


@pytest.mark.parametrize(("kind", "why"), [("rcnn", "a search"), ("dpm", "a pyramid")])
def test_what_is_no_graph(kind, why, tmp_path):
    class Search:
        pass

    finder = Search()
    finder.kind = kind
    with pytest.raises(ModelError, match=rf"{why}.*keep its \.safetensors file") as caught:
        exporting.export(Detector(finder, ("a",)), tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_bad_input(tiny, tmp_path, capsys):
    detector = Detector(tiny("yolo"), ("a", "b", "c"))
    with pytest.raises(UserError, match=r"a .onnx file, not 'a.xml'"):
        exporting.export(detector, tmp_path / "a.xml")
    with pytest.raises(UserError, match="exported to onnx; openvino cannot"):
        exporting.export(detector, tmp_path / "a.xml", to="openvino")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        exporting.export(detector, tmp_path / "file" / "a.onnx")
    path = tmp_path / "a.safetensors"
    detector.save(path)
    assert cli.run(["export", str(path), "--int8", "photos/"]) == 2
    assert "is a detector" in capsys.readouterr().err
    assert cli.run(["export", str(path)]) == 2  # of a kind that no file names
    assert "is a damaged detector file" in capsys.readouterr().err
