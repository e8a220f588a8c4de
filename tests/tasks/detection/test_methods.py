"""From a folder to a detector: learned, saved, loaded, used; damaged files; what is asked."""

import contextlib
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.recognizer.test_damaged_files import DAMAGES

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import WeightsError
from striate.recognizer import Recognizer, load
from striate.tasks.contract import Ask, Learned, Plan, Wanted
from striate.tasks.detection.faster_rcnn import method as faster_rcnn
from striate.tasks.detection.task import Detection
from striate.tensors import load_tensors, save_tensors

TASK = Detection()
QUICK = faster_rcnn.RECIPE.but(epochs=1, batch_size=4)


def learned(shapes: Dataset[Boxes], ask: Ask) -> Learned:
    """Faster R-CNN on pictures of 64 pixels."""
    return faster_rcnn.learn(shapes, ask, recipe=QUICK, side=64, width=8, hidden=8)


def test_learned_saved_and_used(shapes: Dataset[Boxes], tmp_path: Path) -> None:
    run = tmp_path / "run"
    one = learned(shapes, Ask(weights=None, folder=run))
    assert set(one.validation) == {"map50", "ap50 disc", "ap50 square"}
    assert list(one.seconds) == ["decode", "learn"]
    assert (run / "checkpoint.safetensors").exists()
    path = tmp_path / "detector.safetensors"
    recognizer = Recognizer(TASK, one.predictor, shapes.classes, {"data": "shapes"})
    recognizer.save(path)
    again = load(path, device="cpu")
    assert again.names == ("disc", "square")
    assert again.provenance == {"data": "shapes"}
    assert json.dumps(again.predictor.header()) == json.dumps(one.predictor.header())
    picture = shapes.inputs[1]
    (tmp_path / "broken.jpg").write_text("not a picture")
    found = again([picture, tmp_path / "broken.jpg", shapes.inputs.path(1)])
    assert found[1].error
    assert set(found[1].to_json()) == {"path", "error"}
    assert found[0].objects == recognizer([picture])[0].objects == found[2].objects
    for each in found[0].to_json()["objects"]:
        x0, y0, x1, y1 = each["box"]
        assert 0 <= x0 < x1 <= 120
        assert 0 <= y0 < y1 <= 90
    answers = again.predictor.predict([again.predictor.prepare(picture)])
    assert len(TASK.response(answers[0], again.names, Wanted(most=3))["regions"]) <= 3


def test_damaged_files(shapes: Dataset[Boxes], tmp_path: Path) -> None:
    one = learned(shapes, Ask(weights=None))
    path = tmp_path / "detector.safetensors"
    Recognizer(TASK, one.predictor, shapes.classes).save(path)
    tensors, header = load_tensors(path)
    known = header["predictor"]
    for change in (
        {"format": 7}, {"names": ["disc"]}, {"kind": "x"}, {"kind": ["x"]}, {"predictor": {}},
        {"predictor": {**known, "scaling": {}}}, {"predictor": {**known, "architecture": {}}},
        {"predictor": {**known, "architecture": {**known["architecture"], "width": 10**9}}},
    ):  # fmt: skip
        save_tensors(path, tensors, {**header, **change})
        with pytest.raises(WeightsError, match=r"detector\.safetensors") as caught:
            load(path, device="cpu")
        assert "\n" not in str(caught.value)
    save_tensors(path, tensors, header)
    sound, draw = path.read_bytes(), random.Random(0)
    for damage in DAMAGES:
        path.write_bytes(damage(sound, draw))
        with contextlib.suppress(WeightsError):
            load(path, device="cpu")([shapes.inputs[0]])


def test_what_is_asked_is_done(shapes: Dataset[Boxes], tmp_path: Path) -> None:
    recipe = QUICK.but(epochs=9, learning_rate=1e-6)
    ask = Ask(network="resnet18", weights=None, recipe=recipe, epochs=2, seed=3)
    one = learned(shapes, ask)
    assert one.network == "resnet18"
    assert one.predictor.header()["architecture"]["backbone"] == "resnet18"
    assert one.recipe["epochs"] == 2
    assert one.recipe["learning_rate"] == 1e-6
    assert [row["epoch"] for row in one.history] == [2]  # few pictures: evaluated at the end alone
    short = learned(shapes, replace(ask, seconds=0))
    assert len(short.history) == 1
    assert short.history[0]["step"] == 1


def test_through_the_table(shapes: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faster_rcnn, "RECIPE", QUICK)
    monkeypatch.setattr(faster_rcnn, "SIDE", 64)
    monkeypatch.setattr(faster_rcnn, "SMALLEST", 1)
    method = TASK.methods["faster_rcnn"]
    ask = Ask(weights=None, recipe=QUICK)
    method.ready("faster_rcnn", ask)
    prepared = TASK.prepare(shapes, [Plan("faster_rcnn", method, ask)])
    one = method.learn(prepared, ask)
    assert one.predictor.size == 64
    rows = np.flatnonzero(shapes.split == 2).tolist()
    answered = TASK.answered(one.predictor, prepared, rows)
    scores = TASK.scores(answered, prepared.dataset, shapes.classes)
    assert 0 <= scores.value <= 1
    assert scores.examples == len(rows)
