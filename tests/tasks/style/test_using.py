"""Pictures painted, drawn, written to files, served and exported."""

import base64
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.tasks.style.conftest import TASK, picture
from typer.testing import CliRunner

from striate import recognizer as recognizers
from striate.cli import app
from striate.errors import UserError
from striate.exporting import export
from striate.inference.runtimes import OpenVino
from striate.recognizer import Recognizer
from striate.serving.shapes import Answer as Shape
from striate.tasks.contract import Wanted
from striate.tasks.style.answers import Answer
from striate.tasks.style.judging import Judging
from striate.tasks.style.painter import COPIES, Painter, network

PLAN = {"network": "image_transformation", "width": 4, "blocks": 1, "published": False}


@pytest.fixture(scope="module")
def recognizer():
    torch.manual_seed(0)
    painting = np.asarray(picture(9))
    painter = Painter(network(PLAN), PLAN, painting, Judging("vgg16", None, 5.0, 1.0))
    return Recognizer(TASK, painter, (), {})


@pytest.fixture(scope="module")
def saved(recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "waves.safetensors"
    recognizer.save(path)
    return path


def test_a_saved_painter_paints_as_before(recognizer, saved):
    again = recognizers.load(saved)
    pixels = np.asarray(picture(1, 37, 50))
    first, second = (one([pixels])[0].pixels for one in (recognizer, again))
    assert first.shape == (37, 50, 3)
    assert (first == second).all()
    assert (again.predictor.painting == recognizer.predictor.painting).all()


def test_pictures_are_written_and_drawn_beside_what_they_were(saved, tmp_path):
    photo = tmp_path / "photo.png"
    picture(1, 30, 44).save(photo)
    (tmp_path / "broken.png").write_bytes(b"none")
    Image.new("RGB", (5, 90)).save(tmp_path / "thin.png")
    found = CliRunner().invoke(
        app,
        ["predict", str(saved), *(str(tmp_path / f"{n}.png") for n in ("photo", "broken", "thin")),
         "--save", str(tmp_path / "out"), "--draw", str(tmp_path / "drawn"), "--json"],
    )  # fmt: skip
    first, broken, thin = map(json.loads, found.stdout.splitlines())
    assert (first["width"], first["height"]) == (44, 30)
    for kind, width in (("saved", 44), ("drawn", 88)):
        with Image.open(first[kind]) as found:
            assert found.size == (width, 30)
    assert "not an image" in broken["error"]
    assert thin["error"] == "5 x 90 px; painted are 8 px a side and more"


def test_a_picture_without_room_is_refused_by_name(recognizer, monkeypatch):
    large, small = np.zeros((64, 128, 3), np.uint8), np.zeros((32, 64, 3), np.uint8)
    assert recognizer([large])[0].error is None
    room = 64 * 128 * 4 * COPIES * PLAN["width"] / 4
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=room))
    assert "make the longer side 64 px at most" in recognizer([large])[0].error
    assert recognizer([small])[0].error is None


def test_the_service_gives_a_picture():
    answer = Answer(np.asarray(picture(1, 6, 9)))
    found = TASK.response(answer, (), Wanted())
    Shape.model_validate(found)
    shown = Image.open(io.BytesIO(base64.b64decode(found["image"]["base64"])))
    assert (np.asarray(shown) == answer.pixels).all()
    arrays = TASK.arrays([answer, answer], ())
    assert arrays["pixels"].shape == (108, 3)
    assert arrays["sizes"].tolist() == [[6, 9], [6, 9]]


@pytest.mark.parametrize("architecture", [PLAN, {**PLAN, "published": True}, {"network": "colors"}])
def test_the_graph_is_the_painter(recognizer, architecture):
    torch.manual_seed(1)
    known = recognizer.predictor
    painter = Painter(network(architecture), architecture, known.painting, known.judging)
    whole = painter.graph().module
    for size in ((8, 8), (33, 50)):
        pixels = np.asarray(picture(2, *size))
        found = whole(torch.tensor(pixels)).numpy()
        assert np.abs(painter.painted(pixels).astype(int) - found).max() <= 1


def test_exports_paint_what_the_painter_does(recognizer, tmp_path):
    openvino = pytest.importorskip("openvino")
    path = tmp_path / "painter.onnx"
    export(recognizer, path, to="onnx")
    exported = recognizers.load(path)
    model = openvino.Core().read_model(path)
    other = TASK.exported(OpenVino(model, path, {}), recognizer.predictor.header(), ())
    for size in ((8, 8), (33, 50)):
        pixels = np.asarray(picture(2, *size))
        ours = recognizer([pixels])[0].pixels.astype(int)
        for theirs in (exported([pixels])[0].pixels, other.predict([pixels])[0].pixels):
            assert np.abs(ours - theirs).max() <= 1
            assert (ours != theirs).mean() < 0.01
    with pytest.raises(UserError, match="evaluate what it was made of"):
        TASK.evaluated({"painter.onnx": exported}, None, [0], {})


def test_a_damaged_file_is_refused(recognizer, tmp_path):
    painter = recognizer.predictor
    for header, tensors in (
        ({"architecture": {"network": "gan"}}, {}),
        ({"architecture": {**PLAN, "width": 10**6}}, {}),
        ({"architecture": 3}, {}),
        ({"judging": {"network": "lenet5", "weights": None, "style": 1, "variation": 1}}, {}),
        ({}, {"painting": torch.zeros(3)}),
        ({}, {"last.bias": torch.zeros(4)}),
    ):
        with pytest.raises((ValueError, LookupError, TypeError)):
            Painter.restored({**painter.tensors(), **tensors}, {**painter.header(), **header}, ())
