"""Points in files, in the service's form, in pictures, and from exported graphs."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from striate import recognizer as recognizers
from striate.cli import app
from striate.errors import DataError, ModelError, UnknownName, WeightsError
from striate.exporting import export
from striate.serving.shapes import Answer as Shape
from striate.tasks.contract import Answered, Wanted
from striate.tasks.keypoints import explaining
from striate.tasks.keypoints.exported import ExportedFinder
from striate.tasks.keypoints.prediction import Answer
from striate.tasks.keypoints.task import KeyPoints

TASK = KeyPoints()
NAMES = ("red", "green")
ANSWER = Answer(np.array([[10.0, 20], [30, 40]]), np.array([0.9, 0.3]), 50, 100, ((0, 1),))


def test_what_is_told_counts_from_the_center_of_the_first_pixel():
    said = TASK.predicted("a.png", ANSWER, NAMES)
    assert said.to_json()["points"][0] == {"label": "red", "x": 9.5, "y": 19.5, "score": 0.9}
    assert said.line(None) == "red 9.5 19.5, green 29.5 39.5"
    suffix, data = TASK.filed(said)
    assert suffix == ".csv"
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert rows[1] == {"part": "green", "x": "29.500", "y": "39.500", "score": "0.3000"}


def test_the_service_tells_points_in_shares():
    found = TASK.response(ANSWER, NAMES, Wanted(most=1, shown={"red": "Punkt"}))
    Shape.model_validate(found)
    first, _second = found["regions"]
    assert first["region_info"]["point"] == {"row": 0.4, "col": 0.1, "joined": ["green"]}
    assert first["data"]["concepts"][0]["name"] == "Punkt"
    box = first["region_info"]["bounding_box"]
    assert (box["left_col"], box["right_col"]) == pytest.approx((0.08, 0.12))
    assert (box["top_row"], box["bottom_row"]) == pytest.approx((0.36, 0.44))
    only = TASK.response(ANSWER, NAMES, Wanted(least=0.5))
    assert len(only["regions"]) == 1
    arrays = TASK.arrays([ANSWER, ANSWER], NAMES)
    assert arrays["places"].shape == (2, 2, 2)
    assert arrays["scores"].shape == (2, 2)


def test_points_are_drawn_where_they_are():
    pixels = np.zeros((50, 100, 3), np.uint8)
    said = TASK.predicted("a.png", ANSWER, NAMES)
    picture = np.asarray(TASK.draw(pixels, said, ()))
    assert picture.shape == (240, 480, 3)  # small pictures are enlarged
    x, y = (10 * 4.8, 20 * 4.8)
    assert picture[round(y), round(x)].any()
    assert picture[round(30 * 4.8), round(20 * 4.8)].any()  # the line between them
    assert not picture[200, 400].any()


def test_a_saved_recognizer_answers_as_before(recognizer, data, tmp_path):
    path = tmp_path / "m.safetensors"
    recognizer.save(path)
    again = recognizers.load(path)
    pixels = data.inputs[5]
    first, second = recognizer([pixels])[0], again([pixels])[0]
    assert first.to_json() == second.to_json()
    assert again.predictor.lines == ((0, 1),)


def picture(height, width, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height)))


@pytest.fixture(scope="module")
def exported(recognizer, tmp_path_factory):
    pytest.importorskip("onnxruntime")
    path = tmp_path_factory.mktemp("export") / "m.onnx"
    export(recognizer, path, to="onnx")
    return recognizers.load(path)


def test_an_exported_graph_gives_the_same_points(recognizer, exported, tmp_path):
    Image.fromarray(picture(900, 700)).save(tmp_path / "large.jpg")  # decoded at a scale
    for item in (picture(70, 93), picture(33, 120, 1), str(tmp_path / "large.jpg")):
        mine, theirs = (one([item])[0] for one in (recognizer, exported))
        for one, other in zip(mine.parts, theirs.parts, strict=True):
            assert (one.x, one.y) == pytest.approx((other.x, other.y), abs=0.02)
            assert one.score == pytest.approx(other.score, abs=1e-4)
        assert mine.size == theirs.size
        assert mine.lines == theirs.lines


def test_an_export_with_other_parts_is_refused(exported):
    about = {"preprocessing": exported.predictor.preprocessing.to_json(), "lines": []}
    with pytest.raises(WeightsError):
        ExportedFinder(exported.predictor.runtime, about, 3)
    with pytest.raises(ModelError, match="places alone"):
        TASK.explained(exported.predictor, NAMES, b"", None)


def test_hiding_the_dot_takes_its_heat_away(recognizer, data, monkeypatch):
    monkeypatch.setattr(explaining, "PLACES", 9)
    pixels = data.inputs[5]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    found = TASK.explained(recognizer.predictor, NAMES, buffer.getvalue(), "green")
    row, column = np.unravel_index(found.map.argmax(), found.map.shape)
    x, y = data.targets.places[5, 1] / 48
    assert (column / 8, row / 8) == pytest.approx((x, y), abs=0.15)
    with pytest.raises(UnknownName):
        TASK.explained(recognizer.predictor, NAMES, buffer.getvalue(), "gren")


def test_parts_are_compared_by_name(data):
    answers = [Answer(data.targets.places[5][::-1].astype(float), np.ones(2), 48, 48)]
    answered = Answered((5,), answers, 0.0)
    assert TASK.scores(answered, data, ("green", "red")).value == 1
    some = TASK.scores(answered, data, ("green", "nose"))
    assert some.value == 0.5
    assert some.metrics["error"] == 0  # of what it has
    assert "wrong in PCK and without an error: red" in "\n".join(some.lines())
    with pytest.raises(DataError, match="has none of the parts nose, tail"):
        TASK.scores(answered, data, ("nose", "tail"))


def test_from_the_command_line(recognizer, data, tmp_path, monkeypatch):
    monkeypatch.setattr(explaining, "PLACES", 3)
    recognizer.save(tmp_path / "m.safetensors")
    Image.fromarray(data.inputs[5]).save(tmp_path / "a.png")
    given = ["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "a.png"), "--json"]
    folders = ["--draw", str(tmp_path / "drawn"), "--save", str(tmp_path / "points")]
    done = CliRunner().invoke(app, [*given, *folders])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    found = np.array([(each["x"], each["y"]) for each in said["points"]])
    assert found == pytest.approx(data.targets.places[5] - 0.5, abs=3)
    assert (tmp_path / "points" / "00001-a.csv").read_text().startswith("part,x,y,score\nred,")
    with Image.open(tmp_path / "drawn" / "00001-a.png") as image:
        assert image.size == (480, 480)
    why = [
        "explain",
        str(tmp_path / "m.safetensors"),
        str(tmp_path / "a.png"),
        "--class",
        "red",
    ]
    done = CliRunner().invoke(app, [*why, "--out", str(tmp_path / "why.png")])
    assert done.exit_code == 0, done.output
    assert "part red" in done.output
