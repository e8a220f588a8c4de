"""The graph by ONNX Runtime beside the predictor it was made of: the same boxes; sly graphs."""

import json

import numpy as np
import pytest
import torch

from striate.errors import ModelError, UnknownName, WeightsError
from striate.inference.runtimes import Port, open_runtime
from striate.recognizer import Recognizer, load
from striate.tasks.detection import engines
from striate.tasks.detection.exported import INPUTS, OUTPUTS, ExportedDetector
from striate.tasks.detection.task import Detection

SIZES = [(50, 70), (1, 1), (20, 20), (1, 700), (300, 1), (64, 64), (63, 65), (128, 96), (500, 333),
         (33, 32), (310, 90), (5, 90)]  # fmt: skip


def picture(height: int, width: int) -> np.ndarray:
    generator = np.random.default_rng(height * 1000 + width)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def assert_same(one, other) -> int:
    """Returns how many detections there were."""
    count = 0
    for size in SIZES:
        first, second = (each.predict([each.prepare(picture(*size))])[0] for each in (one, other))
        assert first[1:] == second[1:] == size
        expected, found = first.detections, second.detections
        assert found.classes.tolist() == expected.classes.tolist()
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.01, rtol=0)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4, rtol=0)
        count += len(found.scores)
    return count


def test_the_same_boxes(exported) -> None:
    recognizer, path = exported
    theirs = load(path)
    assert (theirs.task.name, theirs.names) == ("detection", recognizer.names)
    assert theirs.provenance == recognizer.provenance
    assert isinstance(theirs.predictor, ExportedDetector)
    assert theirs.predictor.parameters > 1000
    assert assert_same(recognizer.predictor, theirs.predictor) > 2 * len(SIZES)


def test_what_the_file_says(exported) -> None:
    import onnx

    recognizer, path = exported
    model = onnx.load(path)
    values = json.loads({each.key: each.value for each in model.metadata_props}["striate"])
    assert (values["task"], values["kind"]) == ("detection", "faster_rcnn")
    assert values["names"] == list(recognizer.names)
    assert values["predictor"] == json.loads(json.dumps(recognizer.predictor.header()))
    assert values["inputs"] == {"image": "(H, W, 3) uint8, RGB, upright, sRGB"}
    assert list(values["outputs"]) == ["boxes", "labels", "scores"]
    assert [each.name for each in model.graph.input] == ["image"]
    assert [each.name for each in model.graph.output] == ["boxes", "labels", "scores"]
    assert {each.domain for each in model.opset_import} == {""}
    assert b".py" not in path.read_bytes()
    onnx.checker.check_model(model)


def test_nothing_found(exported) -> None:
    """A gray picture of the mean, in which there is little to detect."""
    recognizer, path = exported
    pixels = np.full((40, 40, 3), 110, np.uint8)
    found, expected = (one([pixels])[-1] for one in (load(path), recognizer))
    assert len(found.objects) == len(expected.objects)


def test_engines(tiny, file_of, monkeypatch) -> None:
    def run(graph, engine):
        assert (graph.outputs, engine) == (("boxes", "labels", "scores"), "onnxruntime")
        assert graph.examples[0].dtype == torch.uint8
        return open_runtime(file_of("yolo")[1])

    predictor = tiny("yolo")
    monkeypatch.setattr(engines, "run_in_memory", run)  # that of the file, made of equal weights
    assert predictor.computed_by("torch") is predictor
    by_onnx = predictor.computed_by("onnxruntime")
    assert isinstance(by_onnx, ExportedDetector)
    assert by_onnx.size == predictor.size == 64
    assert assert_same(predictor, by_onnx) > 2 * len(SIZES)
    for engine in ("compiled", "openvino"):
        with pytest.raises(ModelError, match=f"--engine {engine}: a detector is computed by torch"):
            predictor.computed_by(engine)
    with pytest.raises(UnknownName, match="no engine is called 'onyx'"):
        predictor.computed_by("onyx")


def test_the_fastest_engine_is_remembered(exported, tmp_path, monkeypatch) -> None:
    recognizer, path = exported
    monkeypatch.setattr(engines, "run_in_memory", lambda graph, engine: open_runtime(path))
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    predictor = recognizer.predictor
    first = predictor.computed_by("auto")
    (file,) = (tmp_path / "engines").iterdir()
    known = json.loads(file.read_text())["detector"]
    assert known == ("torch" if first is predictor else "onnxruntime")
    other = {"torch": "onnxruntime", "onnxruntime": "torch"}[known]
    file.write_text(json.dumps({"detector": other}))  # not measured again
    assert (predictor.computed_by("auto") is predictor) == (other == "torch")
    file.write_text("damaged")
    assert predictor.computed_by("auto").size == 64


class Graph:
    """A runtime that answers as it is told."""

    path, parameters, ports_in, ports_out = "x.onnx", 7, INPUTS, OUTPUTS

    def __init__(self, boxes, labels, scores):
        self.found = {
            "boxes": np.array(boxes, np.float32), "labels": np.array(labels, np.int64),
            "scores": np.array(scores, np.float32),
        }  # fmt: skip

    def require(self, inputs, outputs) -> None:
        assert inputs["image"] == Port("uint8", (None, None, 3))
        assert set(outputs) == {"boxes", "labels", "scores"}

    def run(self, inputs):
        assert inputs["image"].shape == (8, 9, 3)
        return self.found


NAN = float("nan")


@pytest.mark.parametrize(
    ("boxes", "labels", "scores"),
    [
        ([[0, 0, 1, 1]], [2], [0.5]),
        ([[0, 0, 1, 1]], [-1], [0.5]),
        ([[0, 0, NAN, 1]], [0], [0.5]),
        ([[0, 0, 1, 1]], [0], [NAN]),
        ([[0, 0, 1, 1]], [0, 1], [0.5]),
        ([[0, 0, 1, 1]], [0], [0.5, 0.4]),
        ([[0, 0, 1]], [0], [0.5]),
    ],
)
def test_graphs_that_answer_with_something_else(boxes, labels, scores) -> None:
    good = ExportedDetector(Graph([[0, 0, 1, 1]], [1], [0.5]), 2)
    pixels = np.zeros((8, 9, 3), np.uint8)
    (answer,) = good.predict([good.prepare(pixels)])
    assert answer.detections.classes.tolist() == [1]
    bad = ExportedDetector(Graph(boxes, labels, scores), 2)
    with pytest.raises(WeightsError, match=r"x\.onnx does not answer with boxes of its classes"):
        bad.predict([bad.prepare(pixels)])


def test_a_kind_that_no_detector_has() -> None:
    with pytest.raises(ValueError, match="kind 'os'"):
        Detection().exported(Graph([], [], []), {"kind": "os"}, ("a",))


def test_an_export_is_not_saved_again(exported, tmp_path) -> None:
    with pytest.raises(ModelError, match="is an export; copy it"):
        load(exported[1]).save(tmp_path / "again.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_card(exported) -> None:
    text = exported[1].with_suffix(".md").read_text()
    assert "# insects.onnx" in text
    assert "1. bee\n2. \\<script\\>\\*" in text
    assert "- set: insects" in text
    assert "blue first" in text
    assert "it is not a calibrated probability" in text
    assert ("stretched to 64 x 64" in text) == (exported[0].predictor.scaling.stretched)


@pytest.mark.parametrize("to", ["openvino", "torch"])
def test_other_formats_are_refused(tiny, tmp_path, to) -> None:
    from striate.exporting import export

    recognizer = Recognizer(Detection(), tiny("yolo"), ("a", "b", "c"))
    path = tmp_path / {"openvino": "a.xml", "torch": "a.pt2"}[to]
    with pytest.raises(ModelError, match=f"exported to onnx, not to {to}"):
        export(recognizer, path, to=to)
    assert torch.is_grad_enabled()
    assert not list(tmp_path.iterdir())
